"""The follower: has the model live through the very schedule of the real server, and compares.

Whatever a client hears must be what the model says: where to go on, which messages come, in which
order and under which numbers, which lines are refused, and how many are taken in.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from itertools import takewhile
from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.python.components import proxyForInterface

from achat_twisted import wire
from achat_twisted.broker.broker import Broker
from achat_twisted.broker.interfaces import ISession, ISource
from achat_twisted.broker.session import Session
from achat_twisted.mailbox.interfaces import IMailbox, ITags
from achat_twisted.mailbox.tags import Counter, Tag
from achat_twisted.net.interfaces import IOutlet
from achat_twisted.wire.tags import PLAIN, Opening, parse_verdict
from tests.resuming.cable import Cable
from tests.resuming.model import Model, Refusal, Session as ModelSession, State


class _Pair:
    """A session of the server, and its like in the model.

    @ivar taken: the number of its lines that the model knows of.
    @ivar told: the refusals that its client has heard.
    @ivar next: the number of the message that its client hears next.
    """

    def __init__(self, real: Session, like: ModelSession, cable: Cable) -> None:
        self.real = real
        self.like = like
        self.cable = cable
        self.taken = 0
        self.opening = sum(1 for _ in takewhile(_is_command, cable.said)) + 1  # with the login line
        self.told: set[Refusal] = set()
        self.next = 0


class Follower:
    """Sees what the server does at the doors of its broker and its mailbox.

    @ivar differences: what the model and the server do not agree on, in words.
    """

    def __init__(self, model: Model) -> None:
        self.differences: list[str] = []
        self._model = model
        self._by_cable: dict[Cable, _Pair] = {}
        self._eras: dict[int, str] = {}
        self._alive: dict[Session, _Pair] = {}
        self._by_tag: dict[Tag, _Pair] = {}
        self._sealed: list[State] = []
        self._writing: State | None = None

    def _demand(self, same: bool, what: str) -> None:
        if not same:
            self.differences.append(what)

    def mailbox(self, mailbox: IMailbox) -> IMailbox:
        followed: IMailbox = FollowedMailbox(mailbox, self)
        return followed

    def broker(self, *args: Any, **options: Any) -> Broker:
        return FollowedBroker(self, *args, **options)

    # What the server does

    def join(self, real: Session, cable: Cable, opening: Opening) -> None:
        self.catch_up()
        like = self._model.join(real.name, opening.tag, only_sends=opening.only_sends)
        self._alive[real] = self._by_cable[cable] = _Pair(real, like, cable)

    def begin(self, real: Session, tag: Tag, first: int) -> None:
        self.catch_up()
        pair = self._by_tag[tag] = self._alive[real]
        self._model.begin(pair.like, first)
        known = self._eras.setdefault(pair.like.record.era, tag.era)
        if known != tag.era and self._model.is_doubtful(pair.like):
            self._model.begin_anew(pair.like, first)
            known = self._eras.setdefault(pair.like.record.era, tag.era)
        same = known == tag.era and list(self._eras.values()).count(tag.era) == 1
        self._demand(same, f"{cable_of(pair)}: the era is another one, or is not")

    def end(self, tag: Tag) -> None:
        self.catch_up()
        pair = self._by_tag.pop(tag)
        del self._alive[pair.real]
        self._model.end(pair.like)

    def left(self) -> None:
        """Sessions without a tag may have gone."""
        for real, pair in list(self._alive.items()):
            if real.lost and pair.like.resumed is None:
                del self._alive[real]
                self._model.end(pair.like)

    def post(self, real: Session, full: Collection[str] = (), ahead: int = 0) -> None:
        """Lines were posted, behind those that others have said.

        @param full: the names that have no room for the last one.
        @param ahead: the number of them that the session itself has not counted yet.
        """
        pair = self._alive[real]
        for other in self._alive.values():
            if other is not pair:
                self._catch_up(other)
        self._catch_up(pair, full, ahead)

    def catch_up(self) -> None:
        """Have the model take in what the server has taken in by now."""
        for pair in self._alive.values():
            self._catch_up(pair)

    def _catch_up(self, pair: _Pair, full: Collection[str] = (), ahead: int = 0) -> None:
        last = pair.real.taken + ahead
        while pair.taken < last:
            line = pair.cable.said[pair.opening + pair.taken]
            pair.taken += 1
            is_last = pair.taken == last
            self._demand(not pair.like.is_over, f"{cable_of(pair)}: read, though it is over")
            self._model.take(pair.like, line, full if is_last else ())

    # What becomes of it

    def seal(self) -> None:
        """A batch is sealed."""
        self.catch_up()
        self._sealed.append(self._model.snapshot())

    def begin_job(self) -> None:
        self._writing = self._sealed.pop(0)

    def commit(self) -> None:
        """The batch is in the file."""
        if self._writing is not None:
            self._model.commit(self._writing)

    def lose(self, cable: Cable) -> None:
        """The server hears no more of a connection."""
        self.catch_up()
        pair = self._by_cable.get(cable)
        if pair is not None and pair.like.tag:
            pair.like.is_over = True

    def kick(self, name: str) -> None:
        self.catch_up()
        for pair in self._alive.values():
            if pair.like.name == name:
                pair.like.is_over = True

    def begin_stop(self) -> None:
        self.catch_up()
        for pair in self._alive.values():
            pair.like.is_over = True

    def expire(self) -> None:
        self._model.expire()

    def stop(self) -> None:
        self._forget()
        self._model.stop()

    def crash(self, knows: Callable[[str], bool]) -> None:
        self._forget()
        self._model.crash(knows)

    def _forget(self) -> None:
        self.catch_up()
        self._alive.clear()
        self._by_tag.clear()
        self._sealed.clear()
        self._writing = None

    # What its clients hear

    def hear(self, cable: Cable, line: str | None) -> None:
        """A client has heard a line, or the end."""
        pair = self._by_cable.get(cable)
        if line is None or pair is None or not pair.like.tag:
            return
        self.catch_up()
        said, who = wire.parse_server_line(line), cable_of(pair)
        if isinstance(said, wire.Message):
            ident = said.text.split()[0]
            self._demand(pair.like.row.hear(pair.next, ident), f"{who}: {pair.next} is not {ident}")
            pair.next += 1
        elif said.word == "resumed":
            lines, message, _era = said.detail.split()
            pair.next = int(message)
            here = int(lines), int(message)
            self._demand(here == pair.like.resumed, f"{who}: {here}, not {pair.like.resumed}")
        elif said.word == "synced":
            self._hear_synced(pair, int(said.detail.split()[0]))
        elif said.word == "bye" and pair.like.resumed is not None:
            last = pair.like.record.lines if pair.like.last is None else pair.like.last
            self._demand(int(said.detail) == last, f"{who}: {line}, not {last}")
        else:
            self._hear_verdict(pair, said)

    def _hear_synced(self, pair: _Pair, lines: int) -> None:
        who = cable_of(pair)
        due = pair.like.synced.pop(0) if pair.like.synced else None
        self._demand(lines == due, f"{who}: synced {lines}, not {due}")
        missing = {each for each in pair.like.due if each[0] <= lines} - pair.told
        self._demand(not missing, f"{who}: synced {lines}, and not told {missing}")

    def _hear_verdict(self, pair: _Pair, said: wire.Notice) -> None:
        verdict = parse_verdict(said)
        if verdict is None or verdict.word == "kept":
            return
        name = verdict.subject if verdict.copies else ""
        # One of several lines is told again as a whole, though the first of them are known.
        for number in range(verdict.first, verdict.last + 1):
            refusal = number, verdict.word, name
            is_due = refusal in pair.like.due or number <= pair.like.known
            self._demand(is_due, f"{cable_of(pair)}: told {refusal}")
            pair.told.add(refusal)


def _is_command(line: str) -> bool:
    return line.startswith("/")


def cable_of(pair: _Pair) -> str:
    """A session in words."""
    return f"{pair.cable.peer} {pair.like.name}"


class FollowedBroker(Broker):
    """A broker that tells the follower what it does."""

    def __init__(
        self, follower: Follower, clock: IReactorTime, mailbox: FollowedMailbox, **options: Any
    ) -> None:
        super().__init__(clock, mailbox, **options)
        self._follower = follower
        self._refused = mailbox.refused

    def join(
        self, name: str, outlet: IOutlet, source: ISource, opening: Opening = PLAIN
    ) -> Session:
        session = super().join(name, outlet, source, opening)
        assert isinstance(outlet, Cable)
        self._follower.join(session, outlet, opening)
        return session

    def post(self, sender: ISession, post: wire.Post) -> None:
        assert isinstance(sender, Session)
        self._refused.clear()
        super().post(sender, post)
        self._follower.post(sender, self._refused)

    def post_run(self, sender: ISession, posts: Sequence[wire.Post]) -> bool:
        assert isinstance(sender, Session)
        is_done = super().post_run(sender, posts)
        if is_done:
            lines = sum(post.text.count("\n") + 1 for post in posts)
            self._follower.post(sender, ahead=lines)
        return is_done


class FollowedTags(proxyForInterface(ITags)):  # type: ignore[misc]  # made at run time
    """Tags that tell the follower of their sessions."""

    def __init__(self, mailbox: IMailbox, follower: Follower) -> None:
        super().__init__(mailbox.tags)
        self._mailbox = mailbox
        self._follower = follower

    def begin(self, name: str, tag: str, counter: Counter) -> Tag | None:
        record: Tag | None = self.original.begin(name, tag, counter)
        if record is not None:
            assert isinstance(counter, Session)
            self._follower.begin(counter, record, self._mailbox.first(name))
        return record

    def end(self, name: str, tag: Tag) -> None:
        self._follower.end(tag)
        self.original.end(name, tag)


class FollowedMailbox(proxyForInterface(IMailbox)):  # type: ignore[misc]  # made at run time
    """A mailbox that tells the follower of sessions that go, and of those with a tag.

    @ivar refused: the names for which it has kept nothing of the last line.
    """

    def __init__(self, mailbox: IMailbox, follower: Follower) -> None:
        super().__init__(mailbox)
        self.refused: list[str] = []
        self._tags = FollowedTags(mailbox, follower)
        self._follower = follower

    @property
    def tags(self) -> ITags:
        tags: ITags = self._tags
        return tags

    def keep(self, name: str, line: bytes) -> bool:
        kept: bool = self.original.keep(name, line)
        if not kept:
            self.refused.append(name)
        return kept

    def hand_back(
        self, name: str, lines: Sequence[bytes], ages: Sequence[float] | None = None
    ) -> None:
        self.original.hand_back(name, lines, ages)
        self._follower.left()
