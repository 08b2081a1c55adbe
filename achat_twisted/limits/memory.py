"""The pool: the memory held for all clients together, and each one's share when it is too much."""

from __future__ import annotations

from achat_twisted.limits.limits import Limits

_LEAST = 256
"""The least share of an outbox, however many there are, is its own limit divided by this."""

_STEP = 2**16
"""The bytes that the pool grows by before it is looked at again, as turns never end."""


class Pool:
    """Counts the bytes in all outboxes, and those that are written and not known to have arrived.

    When they are more than C{outbox_total} of the L{Limits} the pool is I{tight}, until they are
    down to half of that. Until then each outbox has only an even share, and the rest goes to the
    mailbox: so all together hold no more than twice the limit, and what comes in one turn.

    @ivar size: the number of bytes; outboxes and writers count them.
    @ivar calm: the number of bytes up to which there is nothing to L{look} at.
    @ivar highest: the most bytes there ever were at the end of a turn, to within some 64 KiB.
    """

    __slots__ = ("_is_tight", "_limits", "calm", "highest", "size")

    def __init__(self, limits: Limits) -> None:
        self.size = self.calm = self.highest = 0
        self._is_tight = False
        self._limits = limits

    def look(self) -> bool:
        """Look, at the end of a turn; true if outboxes may hold less from now on, or more."""
        size, total, was_tight = self.size, self._limits.outbox_total, self._is_tight
        self.highest = max(self.highest, size)
        if was_tight:
            self._is_tight = 0 < total < 2 * size
        else:
            self._is_tight = 0 < total < size
        self.calm = -1 if self._is_tight else min(self.highest + _STEP, total or size)
        return self._is_tight is not was_tight

    def takes(self, size: int) -> bool:
        return self.size + size <= self._limits.outbox_total or not self._limits.outbox_total

    def share(self, limit: int, outboxes: int) -> int:
        """The bytes that each of so many outboxes may hold; never more than C{limit}."""
        if not self._is_tight:
            return limit
        return min(limit, max(limit // _LEAST, self._limits.outbox_total // max(1, outboxes)))
