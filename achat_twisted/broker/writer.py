"""The writer: the loop that empties an outbox into an outlet, and knows what has arrived."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from achat_twisted import wire
from achat_twisted.broker import acknowledgements as arrears
from achat_twisted.broker.outbox import Outbox
from achat_twisted.net.interfaces import IOutlet

HURRY = 2.0
"""Seconds for a peer that is cut short to acknowledge what was written; then it is aborted."""

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
        "_deliver",
        "_failure",
        "_farewell",
        "_last",
        "_loops",
        "_on_end",
        "_outbox",
        "_outlet",
        "_pool",
        "_room",
        "_stall",
        "_tail",
        "marks",
    )
    _log = Logger()

    def __init__(
        self,
        outbox: Outbox,
        outlet: IOutlet,
        clock: IReactorTime,
        deliver: Callable[[int], None],
        farewell: Callable[[], bytes],
        on_end: Callable[[Failure | None], None],
    ) -> None:
        """@param deliver: called with the number of messages that have arrived since.
        @param farewell: renders the last lines, when all others are written.
        @param on_end: called when nothing more will be written, with the failure if there was one.
        """
        self._outbox = outbox
        self._pool = outbox.pool
        self._outlet = outlet
        self._clock = clock
        self._deliver = deliver
        self._farewell = farewell
        self._on_end = on_end
        self._tail = bytearray()
        self._arrived = 0
        self.marks: tuple[arrears.Mark, ...] = ()
        self._last = 0
        self._ask_at = outbox.limit // 4
        self._deadline: IDelayedCall | None = None
        self._room: Deferred[None] | None = None
        self._stall: IDelayedCall | None = None
        self._loops = False
        self._failure: Failure | None = None

    def start(self) -> None:
        """Write to the outlet from now on, until it is closed."""
        self._outlet.closed.addCallback(lambda _: self._stop_writing())

    def release(self) -> None:
        """Write what the outbox has sealed, at once or when there is room."""
        try:
            is_idle = self._outbox.release(self.write)
        except Exception:
            self._failure = Failure()
            self._stop_writing()
        else:
            if not is_idle:
                self._loop()

    def _loop(self) -> None:
        """Make sure that the loop runs, from the first time that there is something to wait for.

        Most peers never need it, and it would be 2 KB for each of them.
        """
        if not self._loops:
            self._loops = True
            Deferred.fromCoroutine(self._run()).addBoth(self._on_end)

    async def _run(self) -> None:
        """Write until the end marker, say farewell, and wait until all has arrived.

        The loss of the connection ends it too: the outbox is shut, and the rest does nothing.
        """
        while (batch := await self._outbox.get()) is not None:
            if batch:
                self.write(batch)
            await self._has_room()
        if self._failure is not None:
            self._failure.raiseException()
        last = b"".join(line for line in _lines(self._outbox.unfetched()) if _is_notice(line))
        last += self._farewell()
        self._tail += last
        self._pool.size += len(last)
        await self._outlet.finish(last)
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()
        self.prune()

    def write(self, batch: bytes) -> bool:
        """Write a batch; False if the outlet has no room for more, for which the loop waits."""
        size = len(batch)
        self._tail += batch
        self._pool.size += size
        # Acknowledgements are asked for before the outlet knows the batch; and seldom, as each
        # question costs a system call.
        if len(self._tail) > self._ask_at:
            self.prune(unwritten=size)
        self._room = self._outlet.write(batch)
        if self._room is None:
            self._outbox.written(size)
            return True
        self._last = size
        return False

    def cut_short(self) -> None:
        """Write nothing more but the farewell, and the notices that wait; and be quick."""
        if self._deadline is None:
            self._deadline = self._clock.callLater(HURRY, self._outlet.abort)
        self._stop_writing()

    def _stop_writing(self) -> None:
        self._outbox.shut()
        if self._room is not None:
            self._room.cancel()
        self._loop()

    def prune(self, unwritten: int = 0) -> None:
        """Count as delivered what the peer's machine has acknowledged, by whole lines.

        @param unwritten: the bytes of the tail that the outlet does not know yet.
        """
        acknowledged = max(0, len(self._tail) - unwritten - self._outlet.outstanding())
        whole = self._tail.rfind(b"\n", 0, acknowledged) + 1
        if whole:
            self._deliver(wire.count_messages(self._tail[:whole]))
            del self._tail[:whole]
            self._pool.size -= whole
            self._arrived += whole
        self._ask_at = len(self._tail) + self._outbox.limit // 4

    def look(self) -> None:
        """Ask what has arrived, and note how much has been written by now."""
        self.prune()
        written = self._arrived + len(self._tail)
        self.marks = arrears.look(self.marks, self._clock.seconds(), self._arrived, written)

    def retire(self) -> None:
        """Keep what has not arrived no longer, as it goes back to the broker."""
        self._pool.size -= len(self._tail)
        self._tail.clear()

    def undelivered(self) -> list[bytes]:
        """The messages that have not arrived, in order; right once it has ended."""
        return [line for line in _lines(self._unacknowledged()) if not _is_notice(line)]

    @property
    def tail_size(self) -> int:
        """Bytes written that are not known to have arrived."""
        return len(self._tail)

    def copies(self) -> int:
        """The number of messages in tail and outbox; for the ledger, so it really counts."""
        return wire.count_messages(self._unacknowledged())

    def _unacknowledged(self) -> bytes:
        return bytes(self._tail) + self._outbox.unfetched()

    async def _has_room(self) -> None:
        """Wait until there is room behind the last batch."""
        if self._room is None:
            return
        self._watch()
        try:
            await self._room
        except CancelledError:
            pass
        finally:
            self._room = None
            if self._stall is not None and self._stall.active():
                self._stall.cancel()
        self._outbox.written(self._last)

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
