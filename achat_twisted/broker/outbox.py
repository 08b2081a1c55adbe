"""A peer's queue: a C{DeferredQueue} with a byte count, an end marker, and two water marks."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.defer import Deferred, DeferredQueue

from achat_twisted.limits.memory import Pool


class Outbox:
    """The lines that wait for one peer's writer.

    Lines gather in the batch of this turn. L{seal} ends the turn, and L{release} hands out what is
    sealed: one C{send} for a peer and turn, however many lines. In between is the time for a
    commit. A batch for which there is no room is L{put} behind others, until the writer's loop can
    L{get} it. An outbox takes lines for as long as it exists, also after its end marker: what the
    writer does not get is L{left}, and goes back to the mailbox.

    @ivar size: bytes that the outlet has not yet found room for.
    @ivar limit: C{size} from which messages should go elsewhere.
    @ivar high_mark: C{size} from which it is L{high}.
    @ivar low_mark: C{size} up to which it is L{low}: a quarter of the limit, unless somebody has to
        wait until there is less.
    @ivar has_ended: true if the end marker stands behind what was released last.
    """

    __slots__ = (
        "_batch",
        "_is_ending",
        "_queue",
        "_sealed",
        "_will_end",
        "has_ended",
        "high_mark",
        "limit",
        "low_mark",
        "pool",
        "size",
    )
    stamps = False
    """True if it tells of each message when it was accepted."""

    def __init__(self, limit: int, pool: Pool) -> None:
        self.limit = limit
        self.high_mark = limit // 2
        self.low_mark = limit // 4
        self.size = 0
        self.pool = pool
        self._batch: list[bytes] | None = None
        self._sealed: list[bytes] | None = None
        # Made when the first batch waits: for most it would be 0.4 KB, and 2 of 90 µs of a login.
        self._queue: DeferredQueue[bytes] | None = None
        self._is_ending = self._will_end = self.has_ended = False

    @property
    def high(self) -> bool:
        """True if senders to it should be slowed down: from half the limit on."""
        return self.size >= self.high_mark

    @property
    def low(self) -> bool:
        return self.size <= self.low_mark

    @property
    def is_full(self) -> bool:
        return self.size >= self.limit

    @property
    def takes_page(self) -> bool:
        """True if there is room for a page of mail, of half the limit."""
        return self.low

    @property
    def admits(self) -> int:
        """Bytes that may come into the mailbox that is fed to it, until senders are slowed."""
        return self.limit // 4

    def takes(self, lines: bytes) -> bool:
        """Tell if these lines do not make it high."""
        return self.size + len(lines) < self.high_mark

    def append(self, lines: bytes, age: float = 0.0) -> bool:
        """Add rendered lines to this turn's batch; True if they are the first in it.

        @param age: the seconds since they were accepted, for those who want to know.
        """
        size = len(lines)
        self.size += size
        self.pool.size += size
        if self._batch:
            self._batch.append(lines)
            return False
        self._batch = [lines]
        return True

    def end(self) -> None:
        """Place the end marker behind this turn's batch; nothing after it reaches the writer."""
        self._is_ending = True

    def seal(self) -> None:
        """End the turn: what has come by now goes with the next L{release}."""
        if self._batch is not None:
            self._sealed = [*self._sealed, *self._batch] if self._sealed else self._batch
            self._batch = None
        self._will_end = self._is_ending

    def withdraw(self, lines: Sequence[bytes]) -> bool:
        """Take back lines, these very objects, that have not been released yet.

        @return: true if it becomes low by that.
        """
        withdrawn = set(map(id, lines))
        self._sealed = [line for line in self._sealed or () if id(line) not in withdrawn]
        self._batch = [line for line in self._batch or () if id(line) not in withdrawn]
        return self.written(sum(map(len, lines)))

    def release(self) -> bytes:
        """Hand out what is sealed, as one batch; no bytes if there is nothing."""
        if self.has_ended or not (self._sealed or self._will_end):
            return b""
        self.has_ended = self._will_end
        batch = b"".join(self._sealed or ())
        self._sealed = None
        return batch

    def put(self, batch: bytes) -> None:
        """Let a released batch wait behind those that wait already."""
        if self._queue is None:
            self._queue = DeferredQueue()
        self._queue.put(batch)

    @property
    def has_waiting(self) -> bool:
        """True if a batch waits."""
        return bool(self._waiting())

    def get(self) -> Deferred[bytes]:
        """The first batch that waits; there must be one."""
        assert self._queue is not None
        return self._queue.get()

    def _waiting(self) -> list[bytes]:
        """The batches that wait."""
        return [] if self._queue is None else self._queue.pending

    def written(self, size: int) -> bool:
        """Subtract bytes that no longer wait here, as the outlet has found room, or otherwise.

        @return: true if it becomes low by that.
        """
        before, self.size = self.size, self.size - size
        self.pool.size -= size
        return before > self.low_mark >= self.size

    def resize(self, limit: int) -> bool:
        """Change C{limit}.

        @return: true if it becomes low by that.
        """
        was_low = self.low
        self.limit = limit
        self.high_mark = limit // 2
        self.low_mark = limit // 4
        return self.low and not was_low

    def left(self) -> bytes:
        """The lines that the writer has not got, in order."""
        return b"".join([*self._waiting(), *(self._sealed or ()), *(self._batch or ())])

    def kept(self, lines: list[bytes]) -> tuple[list[bytes], list[float] | None]:
        """Lines that were here as the mailbox has them, and their ages, if they are known."""
        return lines, None

    def forget(self) -> None:
        """Drop what is left, as it has gone back to the mailbox."""
        self.pool.size -= self.size
        self.size = 0
        self._batch = self._sealed = None
        self._queue = None
