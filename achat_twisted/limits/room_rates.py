"""The rate at which a client may say something in rooms: by copies, as one line makes many."""

from __future__ import annotations

from twisted.internet.interfaces import IReactorTime

from achat_twisted import wire
from achat_twisted.limits.limits import Limits
from achat_twisted.limits.pacing import ISender
from achat_twisted.limits.rate import Bucket

_AHEAD = 10
"""The seconds by which a client may be ahead of its rate."""


class _Copies(Bucket):
    """A token bucket from which a line takes as many tokens as its room has members.

    @ivar spent: the copies that were said.
    """

    __slots__ = ("spent",)

    def __init__(self, clock: IReactorTime, limits: Limits) -> None:
        super().__init__(clock, limits)
        self.spent = 0

    def _terms(self) -> tuple[int, int]:
        return self._limits.room_rate, self._limits.room_rate * _AHEAD

    def _notice(self, rate: int) -> wire.Notice:
        return wire.slow_down(rate, "copies")


class RoomRates:
    """Counts the copies that each client makes in rooms, and holds those that make too many."""

    def __init__(self, clock: IReactorTime, limits: Limits) -> None:
        self._clock = clock
        self._limits = limits
        self._buckets: dict[ISender, _Copies] = {}

    def spend(self, sender: ISender, copies: int, *, is_local: bool) -> wire.Notice | None:
        """Count a line that was said, and hold its sender if that was too much.

        @param is_local: true if the sender is on this machine.
        @return: the notice for it, if there is one.
        """
        if is_local and not self._limits.limit_local:
            return None
        bucket = self._buckets.get(sender)
        if bucket is None:
            bucket = self._buckets[sender] = _Copies(self._clock, self._limits)
        bucket.spent += copies
        return bucket.overdraw(sender, bucket.spent) if bucket.spent > bucket.lines else None

    def forget(self, sender: ISender) -> None:
        """Forget a client that is gone."""
        bucket = self._buckets.pop(sender, None)
        if bucket is not None:
            bucket.end()
