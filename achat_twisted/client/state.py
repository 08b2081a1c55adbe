"""The state: what a client must not forget when a connection ends.

Strategy: every line that is posted has a I{place}, from 1 on, for as long as the state lives. On
the wire lines count from 1 in each era, so line N of this era is the one at C{base + N}. The lines
after C{settled} are kept, as they may have to be said again.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

from achat_twisted.client.errors import Refusal, StateError

if TYPE_CHECKING:
    from sqlite3 import Connection


ALL = 2**63 - 1
"""Above the number of any message, and the greatest that a file of SQLite's can hold."""


def make_tag() -> str:
    """A tag that nobody has made up before: 64 bits of chance."""
    return os.urandom(8).hex()


@dataclass(slots=True)
class Numbers:
    """All that a state is, but for lines, refusals, and what was worked off out of order.

    @ivar owner: the word and the name of the login that it belongs to; empty if it has none yet.
    @ivar tag: the client's own name for this state.
    @ivar era: what the server calls the numbers below; empty if it has given none yet.
    @ivar base: the place of the line before the first one of this era.
    @ivar taken: the place of the last line that a server is known to have taken in.
    @ivar settled: the place of the last line whose fate is known.
    @ivar got: the number of the last message up to which all are worked off.
    """

    owner: str = ""
    tag: str = field(default_factory=make_tag)
    era: str = ""
    base: int = 0
    taken: int = 0
    settled: int = 0
    got: int = 0


class Reached(NamedTuple):
    """The place in a room up to which all is worked off.

    @ivar era: what the server calls the numbers of the room; a room made again has another one.
    @ivar number: the number of the last line up to which all are worked off.
    """

    era: str
    number: int


class State(Protocol):
    """The part of a client that outlives a connection, and, in a file, the program."""

    numbers: Numbers

    @property
    def rooms(self) -> Mapping[str, Reached]:
        """The rooms whose lines were heard, and how far they are worked off."""

    @property
    def is_lasting(self) -> bool:
        """True if it outlives the program, and so may take lines while no server is there."""

    @property
    def last(self) -> int:
        """The place of the last line that was posted."""

    def add(self, line: str) -> int:
        """Add a line to be said; returns its place."""

    def lines(self, after: int, most: int) -> Iterable[str]:
        """At most so many of the lines behind a place, which are all kept, in order."""

    def line(self, place: int) -> str:
        """The line at a place behind C{settled}."""

    def settle(self, place: int) -> None:
        """Forget the lines up to that place, and note that it is C{settled}."""

    def refuse(self, refusal: Refusal) -> None:
        """Keep a refusal until it was told; one that is kept already changes nothing."""

    def told(self, place: int) -> None:
        """Forget the refusals of the line at that place."""

    def refusals(self) -> list[Refusal]:
        """The refusals that were not told yet, of lines up to C{settled}, by place."""

    def is_done(self, number: int, room: str = "") -> bool:
        """True for a message that was worked off before an earlier one.

        @param room: the room whose line it is, if it is one; here and below.
        """

    def mark_done(self, number: int, room: str = "") -> None:
        """Note that a message was worked off before an earlier one."""

    def forget_done(self, number: int, room: str = "") -> None:
        """Forget those marks up to that number."""

    def reach(self, room: str, reached: Reached) -> None:
        """Note how far a room is worked off."""

    def leave(self, room: str) -> None:
        """Forget a room and all marks in it, as it has been left."""

    def save(self) -> None:
        """Make sure that all of this, as it is now, will be there after a crash.

        @raise StateError: if that cannot be.
        """

    def close(self) -> None:
        """Save it, and let go of it."""


class Transactional(State, Protocol):
    """A state in a database, which the work on a message may share."""

    @property
    def database(self) -> Connection:
        """The database; between L{begin} and the end its changes are part of the transaction."""

    def begin(self) -> None:
        """Save all, and begin a transaction, which C{save} ends."""

    def roll_back(self) -> None:
        """Forget all that has changed since it began."""


class MemoryState:
    """A state that lives as long as the object: what is in it goes with the program."""

    is_lasting = False

    def __init__(self) -> None:
        self.numbers = Numbers()
        self._lines: dict[int, str] = {}
        self._refusals: dict[int, dict[str, Refusal]] = {}
        self._done: set[tuple[str, int]] = set()
        self.rooms: dict[str, Reached] = {}
        self.last = 0

    def add(self, line: str) -> int:
        self.last += 1
        self._lines[self.last] = line
        return self.last

    def lines(self, after: int, most: int) -> list[str]:
        until = min(after + most, self.last)
        return [self._lines[place] for place in range(after + 1, until + 1)]

    def line(self, place: int) -> str:
        return self._lines[place]

    def settle(self, place: int) -> None:
        for each in range(self.numbers.settled + 1, place + 1):
            del self._lines[each]
        self.numbers.settled = place

    def refuse(self, refusal: Refusal) -> None:
        self._refusals.setdefault(refusal.place, {}).setdefault(refusal.recipient, refusal)

    def told(self, place: int) -> None:
        self._refusals.pop(place, None)

    def refusals(self) -> list[Refusal]:
        settled = sorted(place for place in self._refusals if place <= self.numbers.settled)
        return [each for place in settled for _, each in sorted(self._refusals[place].items())]

    def is_done(self, number: int, room: str = "") -> bool:
        return (room, number) in self._done

    def mark_done(self, number: int, room: str = "") -> None:
        self._done.add((room, number))

    def forget_done(self, number: int, room: str = "") -> None:
        if self._done:
            self._done = {each for each in self._done if each[0] != room or each[1] > number}

    def reach(self, room: str, reached: Reached) -> None:
        self.rooms[room] = reached

    def leave(self, room: str) -> None:
        self.rooms.pop(room, None)
        self.forget_done(ALL, room)

    def save(self) -> None:
        """Nothing would be there after a crash."""

    def close(self) -> None:
        """There is nothing to let go of."""


_KINDS = {"/send": "a client that only sends", "/device": "a device"}
"""The logins that need a state of their own kind, by their words."""


def claim(state: State, owner: str) -> None:
    """Have a state belong to a login.

    @param owner: the word with which its tag is said, and the name.
    @raise StateError: if it belongs to another one already.
    """
    numbers = state.numbers
    if numbers.owner not in ("", owner):
        word, _, name = numbers.owner.partition(" ")
        kind = f"{_KINDS[word]}, of " if word in _KINDS else ""
        login = _KINDS.get(owner.partition(" ")[0], "this login")
        raise StateError(f"that state is of {kind}the name {name}; use another one for {login}")
    numbers.owner = owner
