"""A peer's queue: a C{DeferredQueue} with a byte count, an end marker, and two water marks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from twisted.internet.defer import Deferred, DeferredQueue, succeed

from achat_twisted.limits.memory import Pool


class Outbox:
    """The lines that wait for one peer's writer.

    Lines gather in the batch of this turn. L{seal} ends the turn, and L{release} puts what is
    sealed on the queue: one C{put}, one wake-up of the writer and one C{send} for a peer and turn,
    however many lines. In between is the time for a commit. An outbox takes lines for as long as it
    exists, also after its end marker: what the writer does not fetch is L{unfetched}, and goes back
    to the broker.

    @ivar size: bytes that the outlet has not yet found room for.
    @ivar limit: C{size} from which messages should go elsewhere.
    @ivar high_mark: C{size} from which it is L{high}.
    @ivar low_mark: C{size} up to which it is L{low}: a quarter of the limit, unless somebody has to
        wait until there is less.
    """

    __slots__ = (
        "_batch",
        "_end_sealed",
        "_ending",
        "_is_idle",
        "_on_low",
        "_queue",
        "_sealed",
        "_shut",
        "high_mark",
        "limit",
        "low_mark",
        "pool",
        "size",
    )

    def __init__(self, limit: int, pool: Pool, on_low: Callable[[], None]) -> None:
        """@param pool: the count of what all outboxes and writers hold.
        @param on_low: called when the writer has brought C{size} down to the low-water mark.
        """
        self.limit = limit
        self.high_mark = limit // 2
        self.low_mark = limit // 4
        self.size = 0
        self.pool = pool
        self._on_low = on_low
        self._batch: list[bytes] | None = None
        self._sealed: list[bytes] | None = None
        self._ending = self._end_sealed = False
        self._queue: DeferredQueue[bytes | None] = DeferredQueue()
        self._is_idle = True
        self._shut = False

    @property
    def high(self) -> bool:
        """True if senders to it should be slowed down: from half the limit on."""
        return self.size >= self.high_mark

    @property
    def low(self) -> bool:
        """True if there is plenty of room again."""
        return self.size <= self.low_mark

    def takes(self, lines: bytes) -> bool:
        """Tell if these lines do not make it high."""
        return self.size + len(lines) < self.high_mark

    def append(self, lines: bytes) -> bool:
        """Add rendered lines to this turn's batch; True if they are the first in it."""
        size = len(lines)
        self.size += size
        self.pool.size += size
        if self._batch:
            self._batch.append(lines)
            return False
        self._batch = [lines]
        return True

    def seal(self) -> None:
        """End the turn: what has come by now goes with the next L{release}."""
        if self._batch is not None:
            self._sealed = [*self._sealed, *self._batch] if self._sealed else self._batch
            self._batch = None
        self._end_sealed = self._ending

    def withdraw(self, lines: Sequence[bytes]) -> None:
        """Take back lines, these very objects, that have not been released yet."""
        withdrawn = set(map(id, lines))
        self._sealed = [line for line in self._sealed or () if id(line) not in withdrawn]
        self._batch = [line for line in self._batch or () if id(line) not in withdrawn]
        self.written(sum(map(len, lines)))

    def release(self, write: Callable[[bytes], bool]) -> bool:
        """Give the writer what is sealed.

        While its loop has nothing to do, C{write} is called at once, which saves the way through a
        C{Deferred}: 2 µs for a line that comes alone. If there is no room for more then, an empty
        batch makes the loop wait for it.

        @param write: writes a batch; False if there is no room for more.
        @return: true if the loop still has nothing to do.
        """
        if self._shut:
            return False
        if self._sealed:
            batch = b"".join(self._sealed)
            self._sealed = None
            if not self._is_idle:
                self._queue.put(batch)
            elif not write(batch):
                self._is_idle = False
                self._queue.put(b"")
        if self._end_sealed:
            self._is_idle = False
            self._queue.put(None)
        return self._is_idle

    def end(self) -> None:
        """Place the end marker behind this turn's batch; nothing after it reaches the writer."""
        self._ending = True

    def shut(self) -> None:
        """Give the writer nothing more, not even what is queued."""
        self._shut = True
        if self._queue.waiting:
            self._queue.put(None)

    def get(self) -> Deferred[bytes | None]:
        """The next batch, None for the end; call L{written} when the outlet has room again."""
        if self._shut:
            return succeed(None)
        self._is_idle = not self._queue.pending
        return self._queue.get()

    def written(self, size: int) -> None:
        """Subtract bytes that no longer wait here, as the outlet has found room, or otherwise."""
        before, self.size = self.size, self.size - size
        self.pool.size -= size
        if before > self.low_mark >= self.size:
            self._on_low()

    def resize(self, limit: int) -> None:
        """Change C{limit}."""
        was_low = self.low
        self.limit = limit
        self.high_mark = limit // 2
        self.low_mark = limit // 4
        if self.low and not was_low:
            self._on_low()

    def retire(self) -> None:
        """Stop counting what is still here, as it goes back to the broker."""
        self.pool.size -= self.size
        self.size = 0

    def unfetched(self) -> bytes:
        """The lines that the writer has not fetched, in order."""
        queued = [batch for batch in self._queue.pending if batch is not None]
        return b"".join([*queued, *(self._sealed or ()), *(self._batch or ())])
