"""The model: the rules of the wire for clients that resume, without time, bytes and disk.

It takes in what the server takes in, in that order, and knows what has to be answered.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from copy import deepcopy
from dataclasses import dataclass, field
from enum import Enum


class Mode(Enum):
    """The promises of a mailbox."""

    MEMORY = "memory"
    SQLITE = "sqlite"
    DURABLE = "durable"


Refusal = tuple[int, str, str]
"""The number of a line, the word, and the recipient; "" for a line that means nothing."""

Place = tuple[str, str]
"""A name, and a tag of it."""


@dataclass(frozen=True)
class Rules:
    """The rules that a test can break."""

    commands_count: bool = False
    """N counts commands, too."""

    told_again: bool = True
    """Refusals are told behind each C{! resumed} until they are got."""

    forgotten_when_got: bool = True
    """Refusals are not told any more once they are got."""

    got_is_cumulative: bool = True
    """C{/got P} confirms all messages up to P, and not one."""

    new_era: bool = True
    """Each record of a tag has an era of its own."""

    crash_forgets: bool = True
    """Without C{--durable} no tag outlives a crash."""

    stop_vouches: bool = True
    """A file has the tags after an ordered stop."""

    n_with_copies: bool = True
    """N is in the transaction of the copies, and not in the next one."""

    first_with_rows: bool = True
    """The first number of a row that is empty is in the file."""

    refusals_saved: bool = True
    """The refusals are in the file, too."""

    senders_forgotten: bool = True
    """The tag of a client that only sends goes with a session that has confirmed all."""

    unconfirmed_stay: bool = True
    """It stays if that has not."""

    refused_to_its_tag: bool = True
    """A refusal is told to the tag whose line it was, not to all of its name."""


RULES = Rules()
"""The rules as they are."""


@dataclass
class Record:
    """The things remembered of a tag.

    @ivar is_doubtful: true if it may have been forgotten.
    """

    era: int
    lines: int = 0
    heard: int = 0
    refusals: set[Refusal] = field(default_factory=set)
    is_doubtful: bool = False


@dataclass
class Copy:
    """A message on its way; one that is doubtful may not come."""

    ident: str
    is_doubtful: bool = False


@dataclass
class Row:
    """The messages of a name.

    @ivar start: the number of the first one that is not got; None if that is not known.
    @ivar numbers: the meaning of each number that somebody has heard.
    @ivar following: the number that comes next.
    @ivar copies: all that were ever sent to it, in order.
    @ivar places: the place of the next copy in that row; several, if one cannot know.
    """

    start: int | None = 1
    numbers: dict[int, str] = field(default_factory=dict)
    following: int = 1
    copies: list[Copy] = field(default_factory=list)
    places: set[int] = field(default_factory=lambda: {0})

    def hear(self, number: int, ident: str) -> bool:
        """True if a message may have that number."""
        if number in self.numbers:
            return self.numbers[number] == ident
        places = {place + 1 for place in self._may_come() if self.copies[place].ident == ident}
        if number != self.following or not places:
            return False
        self.places = places
        self.numbers[number] = ident
        self.following += 1
        return True

    def _may_come(self) -> set[int]:
        """The places of all copies that may be the next."""
        found: set[int] = set()
        for first in self.places:
            for place in range(first, len(self.copies)):
                found.add(place)
                if not self.copies[place].is_doubtful:
                    break
        return found

    @property
    def is_empty(self) -> bool:
        """True if all were heard and got."""
        return len(self.copies) in self.places and self.start not in self.numbers

    def adopt(self, first: int) -> None:
        """Take the server's word for where it begins, as that is not known."""
        if self.start is None:
            self.start = first
            self.following = max(self.following, first)

    def doubt(self) -> None:
        """Any of its messages may be gone."""
        self.start = None
        for copy in self.copies[min(self.places) :]:
            copy.is_doubtful = True

    def begun_anew(self) -> Row:
        """The same messages, all of them doubtful, under other numbers."""
        return Row(None, copies=[Copy(copy.ident, is_doubtful=True) for copy in self.copies])


@dataclass(eq=False)
class Session:
    """A session, and what it has to be told.

    @ivar resumed: N and M, once it has begun.
    @ivar due: all refusals that it has to be told.
    @ivar synced: N of each C{! synced}, in order.
    @ivar last: the number of its last line, when it is gone.
    @ivar is_over: true if it is read no further.
    """

    name: str
    tag: str
    only_sends: bool
    row: Row
    record: Record = field(default_factory=lambda: Record(0))
    resumed: tuple[int, int] | None = None
    known: int = 0
    due: set[Refusal] = field(default_factory=set)
    synced: list[int] = field(default_factory=list)
    last: int | None = None
    is_over: bool = False


@dataclass
class State:
    """All that a server remembers."""

    rows: dict[str, Row] = field(default_factory=dict)
    tags: dict[Place, Record] = field(default_factory=dict)


class Model:
    """A server, in all of its lives.

    @ivar here: by name, and by name and tag, the session that has that place.
    """

    def __init__(self, mode: Mode, rules: Rules) -> None:
        self._mode = mode
        self._rules = rules
        self._eras = 0
        self._is_mail_mortal = False
        self._before: dict[Place, int] = {}
        self._state = State()
        self._saved = State()
        self.here: dict[object, Session] = {}

    # Sessions

    def join(self, name: str, tag: str, *, only_sends: bool) -> Session:
        """A session takes its places; those that had them are read no further."""
        row = self._state.rows.get(name)
        if row is None:
            row = Row() if only_sends else self._state.rows.setdefault(name, Row())
        session = Session(name, tag, only_sends, row)
        if not tag:
            row.doubt()  # only its machine knows what it has
        places = [(name, tag)] if only_sends else [name, *([(name, tag)] if tag else [])]
        for place in places:
            if place in self.here:
                self.here[place].is_over = True
            self.here[place] = session
        return session

    def begin(self, session: Session, first: int) -> None:
        """It is told where to go on.

        @param first: where its row begins, as the server has it.
        """
        place = session.name, session.tag
        session.row = self._state.rows.setdefault(session.name, Row())
        if self._is_mail_mortal:
            session.row.doubt()
        session.row.adopt(first)
        record = self._state.tags.get(place)
        if record is None:
            if self._rules.new_era or not self._eras:
                self._eras += 1
            record = self._state.tags[place] = Record(self._eras)
        session.record = record
        assert session.row.start is not None
        session.resumed = record.lines, 0 if session.only_sends else session.row.start
        session.known = record.heard
        if self._rules.told_again:
            session.due = set(record.refusals)

    def begin_anew(self, session: Session, first: int) -> None:
        """It begins, and its tag was forgotten, as it may have been."""
        del self._state.tags[session.name, session.tag]
        self.begin(session, first)

    def is_doubtful(self, session: Session) -> bool:
        record = self._state.tags.get((session.name, session.tag))
        return record is not None and record.is_doubtful

    def end(self, session: Session) -> None:
        """It is gone, and its tag may be forgotten."""
        session.is_over = True
        session.last = session.record.lines
        for place in [place for place, other in self.here.items() if other is session]:
            del self.here[place]
        record, place = session.record, (session.name, session.tag)
        if session.only_sends and self._rules.senders_forgotten:
            is_confirmed = record.heard == record.lines or not self._rules.unconfirmed_stay
            if is_confirmed and self._state.tags.get(place) is record:
                del self._state.tags[place]

    # Lines

    def take(self, session: Session, line: str, full: Collection[str] = ()) -> None:
        """Take in a line.

        @param full: the names whose mailbox has no room for it.
        """
        record = session.record
        word, _, argument = line.partition(" ")
        if line.startswith("/"):
            record.lines += self._rules.commands_count
            if word == "/sync":
                session.synced.append(record.lines)
            elif word == "/got":
                self._got(session, *map(int, argument.split()))
            elif word == "/quit":
                session.is_over = True
            return
        record.lines += 1
        names, colon, text = line.partition(": ")
        if not colon:
            self._refuse(session, "bad-line", "")
            return
        for name in names.split(", "):
            row = self._state.rows.get(name)
            if row is None:
                self._refuse(session, "unknown", name)
            elif name in full:
                self._refuse(session, "full", name)
            else:
                holder = self.here.get(name)
                is_doubtful = holder is not None and not holder.tag
                row.copies.append(Copy(text.split()[0], is_doubtful))

    def _refuse(self, session: Session, word: str, name: str) -> None:
        refusal = session.record.lines, word, name
        session.due.add(refusal)
        session.record.refusals.add(refusal)
        if not self._rules.refused_to_its_tag:
            for (owner, _), record in self._state.tags.items():
                if owner == session.name:
                    record.refusals.add(refusal)

    def _got(self, session: Session, messages: int, lines: int) -> None:
        row, record = session.row, session.record
        if not session.only_sends and row.start is not None and messages >= row.start:
            row.start = messages + 1 if self._rules.got_is_cumulative else row.start + 1
        if lines > record.heard:
            record.heard = lines
            if self._rules.forgotten_when_got:
                record.refusals = {each for each in record.refusals if each[0] > lines}

    # What befalls the server

    def snapshot(self) -> State:
        """All that a commit which begins now writes."""
        state = deepcopy(self._state)
        if not self._rules.n_with_copies:
            lines = {place: record.lines for place, record in state.tags.items()}
            for place, record in state.tags.items():
                record.lines = min(record.lines, self._before.get(place, 0))
            self._before = lines
        for row in state.rows.values():
            if row.is_empty and not self._rules.first_with_rows:
                row.start = 1
        if not self._rules.refusals_saved:
            for record in state.tags.values():
                record.refusals = set()
        return state

    def commit(self, state: State) -> None:
        """The commit has ended."""
        self._saved = state

    def stop(self) -> None:
        """Stop in order, and start again."""
        self._leave()
        if self._mode is Mode.MEMORY:
            self._state = State()
        elif not self._rules.stop_vouches:
            self._state.tags = {}
        self._saved = deepcopy(self._state)
        self._state = deepcopy(self._state)

    def crash(self, knows: Callable[[str], bool]) -> None:
        """Crash, and start again.

        @param knows: true for a name that the server knows then.
        """
        self._leave()
        if self._mode is Mode.DURABLE:
            self._state = deepcopy(self._saved)
            return
        tags = self._state.tags if not self._rules.crash_forgets else {}
        rows = {name: row.begun_anew() for name, row in self._state.rows.items() if knows(name)}
        self._state = State(rows, deepcopy(tags))

    def expire(self) -> None:
        """From now on mail may be gone at any time, and so may tags that nobody uses."""
        self._is_mail_mortal = True
        for row in self._state.rows.values():
            row.doubt()
        for record in self._state.tags.values():
            record.is_doubtful = True

    def _leave(self) -> None:
        for session in self.here.values():
            session.is_over = True
        self.here = {}
