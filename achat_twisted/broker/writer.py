"""The writer: it empties an outbox into an outlet, and knows what has arrived."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from achat_twisted import wire
from achat_twisted.broker import acknowledgements
from achat_twisted.broker.feed import Feed
from achat_twisted.broker.interfaces import IOwner
from achat_twisted.net.interfaces import IOutlet
from achat_twisted.wire.rooms import is_said_in_room

HURRY = 2.0
"""Seconds for a peer that is cut to acknowledge what was written; then it is aborted."""

STALL = 300.0
"""Seconds for which a peer may acknowledge nothing while lines wait; then it is let go."""


class Writer:
    """Writes one peer's lines, and is the only one that does.

    The I{tail} is what was written and is not known to have arrived, in whole lines. Together with
    what the outbox still holds, it is handed back when the connection breaks.

    @ivar marks: the moments by which bytes of the tail were written, as noted by L{look}.
    """

    __slots__ = (
        "_arrived",
        "_ask_at",
        "_clock",
        "_deadline",
        "_feed",
        "_has_ended",
        "_is_over",
        "_last",
        "_outbox",
        "_outlet",
        "_pool",
        "_session",
        "_stall",
        "_tail",
        "_work",
        "marks",
    )
    _log = Logger()

    def __init__(self, session: IOwner, feed: Feed, outlet: IOutlet, clock: IReactorTime) -> None:
        self._session = session
        self._feed = feed
        self._outbox = outbox = feed.outbox
        self._pool = outbox.pool
        self._outlet = outlet
        self._clock = clock
        self._tail = bytearray()
        self._arrived = 0
        self.marks: tuple[acknowledgements.Mark, ...] = ()
        self._last = 0
        self._ask_at = outbox.limit // 4
        self._deadline: IDelayedCall | None = None
        self._stall: IDelayedCall | None = None
        self._work: Deferred[None] | None = None  # only while it waits, as it takes 2 KB
        self._has_ended = False  # true if it takes nothing more from the outbox
        self._is_over = False  # true if the session has been told that it has ended

    def start(self) -> None:
        """Write to the outlet from now on, until it is closed."""
        self._outlet.closed.addCallback(self._lost)

    def release(self) -> None:
        """Write what the outbox has sealed, at once or when there is room."""
        if self._has_ended:
            return
        batch = self._outbox.release()
        if self._work is not None:
            if batch:
                self._outbox.put(batch)
            return
        try:
            room = self._write(batch) if batch else None
        except Exception:
            self._end(Failure())
            return
        if room is not None:
            self._start(self._catch_up(room))
        elif self._outbox.has_ended:
            self._start(self._finish())

    def cut(self) -> None:
        """Write nothing more but the farewell, and the notices that wait; and be quick."""
        if self._deadline is None:
            self._deadline = self._clock.callLater(HURRY, self._outlet.abort)
        if not self._has_ended:
            if self._work is not None:
                self._work.cancel()
            self._start(self._finish())

    def prune(self, unwritten: int = 0) -> None:
        """Count as delivered what the peer's machine has acknowledged, by whole lines.

        @param unwritten: the bytes of the tail that the outlet does not know yet.
        """
        acknowledged = max(0, len(self._tail) - unwritten - self._outlet.outstanding())
        whole = self._tail.rfind(b"\n", 0, acknowledged) + 1
        if whole:
            copies = wire.count_messages(self._tail[:whole])
            if self._session.rooms is not None:
                copies -= self._session.arrived_of_rooms(bytes(self._tail[:whole]))
            if copies:
                self._feed.delivered(copies)
            del self._tail[:whole]
            self._pool.size -= whole
            self._arrived += whole
        self._ask_at = len(self._tail) + self._outbox.limit // 4

    def look(self) -> None:
        """Ask what has arrived, and note how much has been written by now."""
        if self._tail:  # or else it only waits for a commit
            self.prune()
        if not (self._tail or self.marks):
            return
        written = self._arrived + len(self._tail)
        now = self._clock.seconds()
        self.marks = acknowledgements.look(self.marks, now, self._arrived, written)

    def undelivered(self) -> list[bytes]:
        """The messages that have not arrived, in order; right once it has ended."""
        messages = [line for line in _lines(self._unacknowledged()) if not _is_notice(line)]
        if self._session.rooms is not None:  # of which the mailbox has all lines
            messages = [line for line in messages if not is_said_in_room(line)]
        return messages

    def forget(self) -> None:
        """Drop what has not arrived, as it has gone back to the mailbox."""
        self._pool.size -= len(self._tail)
        self._tail.clear()

    @property
    def tail_size(self) -> int:
        """Bytes written that are not known to have arrived."""
        return len(self._tail)

    @property
    def is_asked(self) -> bool:
        """True if the outlet is to be asked soon what has arrived."""
        return bool(self._tail)

    def copies(self) -> int:
        """The number of messages in tail and outbox that are nowhere else; for the ledger, so it
        really counts.
        """
        if not self._feed.hands_back:
            return 0
        if self._session.rooms is not None:
            return len(self.undelivered())
        return wire.count_messages(self._unacknowledged())

    def feed_from(self, feed: Feed) -> None:
        """Count what arrives for another feed, as the row is shared from now on."""
        self._feed = feed

    def _unacknowledged(self) -> bytes:
        return bytes(self._tail) + self._outbox.left()

    def _write(self, batch: bytes) -> Deferred[None] | None:
        """Write a batch; if the outlet has no room for more, return what fires when it has."""
        size = len(batch)
        self._tail += batch
        self._pool.size += size
        # Acknowledgements are asked for before the outlet knows the batch; and seldom, as each
        # question costs a system call.
        if len(self._tail) > self._ask_at:
            self.prune(unwritten=size)
        room = self._outlet.write(batch)
        if room is not None:
            self._last = size
        elif self._outbox.written(size):
            self._session.relieved()
        return room

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        """Do what has to wait; a peer that always has room needs none of this until its end."""
        self._work = Deferred.fromCoroutine(work)
        self._work.addCallbacks(self._worked, self._failed)

    def _worked(self, _: None) -> None:
        self._work = None

    def _failed(self, failure: Failure) -> Failure | None:
        if failure.check(CancelledError):
            return None
        if self._is_over:
            return failure  # a bug in what follows from the end
        self._end(failure)
        return None

    async def _catch_up(self, room: Deferred[None] | None) -> None:
        """Write all that waits, each batch when there is room behind the one before."""
        while room is not None:
            await self._wait_for(room)
            room = None
            while room is None and self._outbox.has_waiting:
                room = self._write(await self._outbox.get())
        if self._outbox.has_ended:
            await self._finish()

    async def _finish(self) -> None:
        """Say farewell, behind the notices that wait; and end when all has arrived."""
        self._has_ended = True
        last = b"".join(line for line in _lines(self._outbox.left()) if _is_notice(line))
        last += self._session.farewell()
        self._tail += last
        self._pool.size += len(last)
        await self._outlet.finish(last)
        self.prune()
        self._end()

    def _lost(self, _: None) -> None:
        """Stop where it is, as the connection is gone: nobody would hear a farewell."""
        if self._is_over:
            return
        if self._work is not None:
            self._work.cancel()
        try:
            self.prune()
        except Exception:
            self._end(Failure())
        else:
            self._end()

    def _end(self, failure: Failure | None = None) -> None:
        """Let the session go; what has arrived since is not known behind a failure."""
        self._has_ended = self._is_over = True
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()
        self._session.ended(failure)

    async def _wait_for(self, room: Deferred[None]) -> None:
        """Wait until there is room behind the last batch."""
        self._watch()
        try:
            await room
        finally:
            if self._stall is not None and self._stall.active():
                self._stall.cancel()
            if self._outbox.written(self._last):
                self._session.relieved()

    def _watch(self) -> None:
        outstanding = self._outlet.outstanding()
        self._stall = self._clock.callLater(STALL, self._look_after, outstanding)

    def _look_after(self, outstanding: int) -> None:
        """Let a peer go if it has acknowledged nothing since C{outstanding} was measured."""
        if self._outlet.outstanding() < outstanding:
            self._watch()
            return
        self._log.info(
            "{peer} has taken nothing for {stall:g} seconds: let go",
            peer=self._outlet.peer,
            stall=STALL,
        )
        self._outlet.abort()


def _lines(batch: bytes) -> list[bytes]:
    return batch.splitlines(keepends=True)


def _is_notice(line: bytes) -> bool:
    return not wire.is_message(line)
