"""Messages and lines as a program holds them: to be worked off, and to be waited for."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from achat_twisted.client.driving import Signal
from achat_twisted.client.errors import ChatError, Refused, afresh
from achat_twisted.client.events import Received

if TYPE_CHECKING:
    from datetime import datetime
    from sqlite3 import Connection

_STAMP = "%Y%m%dT%H%M%SZ"


class Desk(Protocol):
    """The chat, as a message sees it."""

    async def work_off(self, received: Received) -> None:
        """Note that a message is worked off."""

    def work_together(self, received: Received) -> AbstractAsyncContextManager[Work]:
        """Work a message off in a transaction of the state's own."""


class Message:
    """A message that has come, and is to be worked off.

    It comes again, to this program's next life, until it was said to be done.

    @ivar number: its number; within an era of the server's a message has one number, for ever. What
        is said in a room has a number of the room's, the same for all who hear it; there may be
        holes in these.
    @ivar era: that era; in another one the same message may have another number.
    @ivar sender: the name of its sender, who cannot be forged.
    @ivar text: what was said.
    @ivar room: the room in which it was said; empty if it was said to the name itself.
    @ivar is_own: true if our own name has said it. All that it says in a room comes back, as other
        programs and devices of that name need to know; so a program that answers should look.
    """

    __slots__ = ("_desk", "_received", "era", "is_own", "number", "room", "sender", "text")

    def __init__(self, received: Received, desk: Desk) -> None:
        self.number = received.number
        self.era = received.era
        self.sender = received.sender
        self.text = received.text
        self.room = received.room
        self.is_own = received.is_own
        self._received = received
        self._desk = desk

    @property
    def time(self) -> datetime | None:
        """The moment of its acceptance, to the second (UTC); None if the server did not say."""
        return _time(self._received.stamp) if self._received.stamp else None

    async def done(self) -> None:
        """Say that it is worked off: it will not come again.

        In any order, for any number of messages; the server is told of all up to the first one that
        is not done, at the end of the loop's turn, and of each room by itself. A crash before that
        lets them come again.
        """
        await self._desk.work_off(self._received)

    def transaction(self) -> AbstractAsyncContextManager[Work]:
        """Work it off exactly once: all that is done in the block is kept, or nothing::

            async with message.transaction() as work:
                work.db.execute("INSERT INTO job VALUES (?)", [message.text])
                work.post(message.sender, "it is noted")

        The changes to the state's database, the lines posted and the message's being done are one
        transaction, committed and synced when the block ends; if it raises, nothing has happened,
        and the message may be worked off again. There is one such block at a time, and while it
        lasts nothing is taken in and no line is posted by others: so it should not wait for long.

        @raise StateError: if the chat has no state in a file.
        """
        return self._desk.work_together(self._received)

    def __repr__(self) -> str:
        where = f" in {self.room}" if self.room else ""
        return f"<message {self.number} from {self.sender!r}{where}>"


def _time(stamp: str) -> datetime:
    from datetime import UTC, datetime  # which takes 5 ms, and not everybody asks

    return datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Logged:
    """A line of a room's log, which was said before.

    @ivar number: its number in the room.
    @ivar stamp: when it was accepted (UTC), as C{20261130T031005Z}.
    """

    number: int
    stamp: str
    sender: str
    text: str

    @property
    def time(self) -> datetime:
        """The moment of its acceptance, to the second (UTC)."""
        return _time(self.stamp)


class Members(NamedTuple):
    """The names that are in a room.

    @ivar here: those that are there at the moment.
    @ivar away: those that are not.
    """

    here: list[str]
    away: list[str]


class Work(Protocol):
    """The work on a message, inside its transaction."""

    @property
    def db(self) -> Connection:
        """The state's database. Tables that begin with C{achat_} are the library's own."""

    def post(self, to: str | Iterable[str], text: str) -> None:
        """Post a line if the transaction is committed; if refused, L{Chat.refusals} has it.

        @raise UnusableLine: see L{Chat.post}.
        """


@dataclass(frozen=True, slots=True)
class Posted:
    """A line that was taken in: each copy is delivered, on its way, or kept.

    @ivar place: the line's place among all that were posted with its state.
    @ivar line: the line.
    @ivar kept: the recipients for whom it waits, as far as was heard: if the connection broke
        before the server said so, some are missing.
    """

    place: int
    line: str
    kept: tuple[str, ...] = ()


class Posting:
    """A line that is posted: C{await} it to learn what has become of it.

    Nobody need wait for it: it is said all the same, again after each break, until its fate is
    known. To be cancelled while waiting does not unsay it.
    """

    __slots__ = ("_error", "_posted", "_signal", "line", "place")

    def __init__(self, place: int, line: str, signal: Signal) -> None:
        self.place = place
        self.line = line
        self._signal = signal
        self._posted: Posted | None = None
        self._error: ChatError | None = None

    @property
    def is_known(self) -> bool:
        """True if its fate is known."""
        return self._posted is not None or self._error is not None

    @property
    def is_settled(self) -> bool:
        """True if it was taken in or refused, and so is the state's no more."""
        return self._posted is not None or isinstance(self._error, Refused)

    def __await__(self) -> Generator[Any, Any, Posted]:
        """Waits until its fate is known.

        @raise Refused: if it was refused, for all of its recipients or for some.
        @raise SessionOver: if the server lets us in no more.
        @raise Closed: if the chat was closed before.
        """
        return self._outcome().__await__()

    async def _outcome(self) -> Posted:
        while not self.is_known:
            await self._signal.wait()
        if self._error is not None:
            raise afresh(self._error)
        assert self._posted is not None
        return self._posted

    def settle(self, posted: Posted | Refused) -> None:
        """Note its fate."""
        if isinstance(posted, Refused):
            self._error = posted
        else:
            self._posted = posted
        self._signal.fire()

    def give_up(self, error: ChatError) -> None:
        """Note that its fate will not be known here."""
        self._error = error
        self._signal.fire()
