"""Tags: what is remembered of clients that resume where they were.

A tag's record says how many lines of its client are taken in, which refusals the client may not
have heard, and to which I{era} all of its numbers belong. It is kept with the mail of its name,
since both are true only together: a mailbox that has one without the other would lose lines, or
take them in twice.
"""

from __future__ import annotations

from itertools import takewhile
from secrets import token_hex
from typing import NamedTuple, Protocol

from achat_twisted.wire.tags import Verdict

MOST_REFUSALS = 64 * 1024
"""Bytes of refusals that may wait for a tag to confirm them; more end its session."""

MOST_UNHEARD = 2**20
"""Bytes of refusals from which on a tag is forgotten at its next login, as its client says lines
session after session, and confirms nothing.
"""

TAG_COST = 1024
"""The bytes that a tag counts against the limits of its name's mailbox, even if it needs fewer."""

_RECORD_COST = 512
"""The bytes that a tag needs besides its refusals."""

_REFUSAL_COST = 160
"""The bytes that a refusal counts besides its recipient."""


class Counter(Protocol):
    """The session that a tag's lines come from."""

    taken: int
    commands: int


RefusalKey = tuple[int, str, str]
"""The first line of a refusal, its word and its recipient, by which no two of a tag are alike."""


class Saved(NamedTuple):
    """The entry of a tag in a file, but for its name and its tag; see C{tags.sql}."""

    era: str
    lines: int
    heard: int
    used: float


_NONE: dict[RefusalKey, Verdict] = {}
"""The refusals of most tags: none. It is never added to, as a dict for each takes 64 bytes."""


class Tag:
    """One tag of one name.

    @ivar name: the tag itself.
    @ivar era: made up with this record, so that a client notices that it met another one.
    @ivar heard: the number of the last line whose fate the client knows.
    @ivar refusals: those of later lines, in order.
    @ivar unsaved: those of them that have come, or gone on, since a file was last given them; None
        for most.
    @ivar has_confirmed: true if others have gone since.
    @ivar used: when its last session began or ended, by the mail clock, in seconds.
    @ivar counted: the bytes of L{size} that count towards the limits of the mailbox by now.
    """

    __slots__ = (
        "_before",
        "_counter",
        "_waiting",
        "counted",
        "era",
        "has_confirmed",
        "heard",
        "name",
        "refusals",
        "unsaved",
        "used",
    )

    def __init__(
        self, name: str, era: str = "", lines: int = 0, heard: int = 0, used: float = 0.0
    ) -> None:
        self.name = name
        self.era = era or token_hex(6)
        self.heard = heard
        self.used = used
        self.refusals = _NONE
        self.unsaved: dict[RefusalKey, Verdict] | None = None
        self.has_confirmed = False
        self._waiting = 0  # bytes of refusals
        self.counted = 0
        self._before = lines
        self._counter: Counter | None = None

    @property
    def lines(self) -> int:
        """The number of its lines that are taken in; commands do not count."""
        if self._counter is None:
            return self._before
        return self._before + self._counter.taken - self._counter.commands

    def saved(self) -> Saved:
        """The record as it is now."""
        return Saved(self.era, self.lines, self.heard, self.used)

    def begin(self, counter: Counter) -> None:
        """Count the lines of a session from now on."""
        self._counter = counter

    def end(self) -> None:
        """Count no more, as the session is over."""
        self._before = self.lines
        self._counter = None

    @property
    def is_here(self) -> bool:
        """True while it has a session."""
        return self._counter is not None

    def refuse(self, verdict: Verdict) -> None:
        """Remember a refusal until it is confirmed; one that begins as another goes on with it."""
        key = _key(verdict)
        if key not in self.refusals:
            self._waiting += _cost(verdict)
        if self.refusals is _NONE:
            self.refusals = {}
        if self.unsaved is None:
            self.unsaved = {}
        self.refusals[key] = self.unsaved[key] = verdict

    @property
    def size(self) -> int:
        """The bytes that it takes; a few refusals take none, as they have room from the start."""
        return max(TAG_COST, _RECORD_COST + self._waiting)

    @property
    def is_full(self) -> bool:
        """True if no more refusals may wait."""
        return self._waiting > MOST_REFUSALS

    @property
    def is_unheard(self) -> bool:
        """True if it has had room for its refusals again and again, and nobody confirms them."""
        return self._waiting > MOST_UNHEARD

    def confirm(self, lines: int) -> None:
        """The client knows the fate of its lines up to that one.

        A refusal of several lines goes with the last of them.
        """
        self.heard = max(self.heard, lines)
        known = takewhile(lambda verdict: verdict.first <= lines, self.refusals.values())
        for verdict in [verdict for verdict in known if verdict.last <= lines]:
            key = _key(verdict)
            del self.refusals[key]
            self._waiting -= _cost(verdict)
            self.has_confirmed = True
            if self.unsaved:
                self.unsaved.pop(key, None)


def _cost(verdict: Verdict) -> int:
    return _REFUSAL_COST + len(verdict.subject.encode())


def _key(verdict: Verdict) -> RefusalKey:
    return verdict.first, verdict.word, verdict.subject
