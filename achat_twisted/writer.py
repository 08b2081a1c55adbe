"""The writer: the loop that empties an outbox into an outlet, and knows what has arrived."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from achat_twisted import wire
from achat_twisted.interfaces import IOutlet
from achat_twisted.outbox import Outbox

HURRY = 2.0
"""Seconds for a peer that is cut short to acknowledge what was written; then it is aborted."""

STALL = 300.0
"""Seconds for which a peer may acknowledge nothing while lines wait; then it is let go."""


class Writer:
    """Writes one peer's lines, and is the only one that does.

    What was written and is not known to have arrived is the I{tail}, in whole lines; with what
    the outbox still holds it is what a broken connection leaves to be handed back.
    """

    __slots__ = (
        "_ask_at",
        "_clock",
        "_deadline",
        "_deliver",
        "_farewell",
        "_outbox",
        "_outlet",
        "_room",
        "_stall",
        "_tail",
        "_tail_size",
    )
    _log = Logger()

    def __init__(
        self,
        outbox: Outbox,
        outlet: IOutlet,
        clock: IReactorTime,
        deliver: Callable[[int], None],
        farewell: Callable[[], bytes],
    ) -> None:
        """@param deliver: told how many more messages have arrived.
        @param farewell: renders the last lines, asked for when all others are written.
        """
        self._outbox = outbox
        self._outlet = outlet
        self._clock = clock
        self._deliver = deliver
        self._farewell = farewell
        self._tail: deque[bytes] = deque()
        self._tail_size = 0
        self._ask_at = outbox.limit // 4
        self._deadline: IDelayedCall | None = None
        self._room: Deferred[None] | None = None
        self._stall: IDelayedCall | None = None

    async def run(self) -> None:
        """Write until the end marker, say farewell, and wait until all has arrived.

        The loss of the connection ends it too: the outbox is shut, and the rest does nothing.
        """
        self._outlet.closed.addCallback(lambda _: self._stop_writing())
        while (batch := await self._outbox.get()) is not None:
            self._remember(batch)
            await self._has_room(self._outlet.write(batch))
            self._outbox.written(len(batch))
        last = b"".join(line for line in _lines(self._outbox.unfetched()) if _is_notice(line))
        last += self._farewell()
        self._remember(last)
        await self._outlet.finish(last)
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()
        self.prune()

    def cut_short(self) -> None:
        """Write nothing more but the farewell, and the notices that wait; and be quick."""
        if self._deadline is None:
            self._deadline = self._clock.callLater(HURRY, self._outlet.abort)
        self._stop_writing()

    def _stop_writing(self) -> None:
        self._outbox.shut()
        if self._room is not None:
            self._room.cancel()

    def prune(self) -> None:
        """Count as delivered what the peer's machine has acknowledged, by whole lines."""
        acknowledged = self._tail_size - self._outlet.outstanding()
        arrived: list[bytes] = []
        while self._tail and len(self._tail[0]) <= acknowledged:
            arrived.append(self._tail.popleft())
            acknowledged -= len(arrived[-1])
        if self._tail and acknowledged > 0:
            cut = self._tail[0].rfind(b"\n", 0, acknowledged) + 1
            arrived.append(self._tail[0][:cut])
            self._tail[0] = self._tail[0][cut:]
        if arrived:
            self._delivered(b"".join(arrived))
        self._ask_at = self._tail_size + self._outbox.limit // 4

    def undelivered(self) -> list[bytes]:
        """The messages that have not arrived, in order; right once L{run} has ended."""
        return [line for line in _lines(self._unacknowledged()) if not _is_notice(line)]

    @property
    def tail_size(self) -> int:
        """Bytes written that are not known to have arrived."""
        return self._tail_size

    def copies(self) -> int:
        """How many messages are in tail and outbox; for the ledger, so it really counts."""
        return wire.count_messages(self._unacknowledged())

    def _unacknowledged(self) -> bytes:
        return b"".join(self._tail) + self._outbox.unfetched()

    def _remember(self, batch: bytes) -> None:
        """Put a batch that is about to be written into the tail.

        What has been acknowledged is asked for before that, as the outlet does not know the batch;
        and seldom, as a question costs a system call.
        """
        if self._tail_size + len(batch) > self._ask_at:
            self.prune()
        self._tail.append(batch)
        self._tail_size += len(batch)

    def _delivered(self, batch: bytes) -> None:
        self._tail_size -= len(batch)
        self._deliver(wire.count_messages(batch))

    async def _has_room(self, room: Deferred[None] | None) -> None:
        if room is None:
            return
        self._room = room
        self._watch()
        try:
            await room
        except CancelledError:
            pass
        finally:
            self._room = None
            if self._stall is not None and self._stall.active():
                self._stall.cancel()

    def _watch(self) -> None:
        outstanding = self._outlet.outstanding()
        self._stall = self._clock.callLater(STALL, self._look_after, outstanding)

    def _look_after(self, outstanding: int) -> None:
        """Let a peer go that has acknowledged nothing since so much was outstanding."""
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
