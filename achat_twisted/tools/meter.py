"""The meter: events that are counted and timed for the metrics.

Strategy: a line is never counted here. The numbers that grow with each line are in the ledger
already, and are read on demand. Only logins, turns and commits are reported, and the last two are
timed by a wrapper that is there only if metrics are wanted.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import accumulate

from zope.interface import implementer

from achat_twisted.tools.interfaces import IMeter, P, Result

OUTCOMES = ("welcome", "denied", "bad-name", "name-taken", "busy", "timeout", "left")
"""The ways in which a login ends: mostly the word of the notice that the client gets."""

TURN_BOUNDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1)
"""In seconds; a single line takes a tenth of the least, and clients notice the last ones."""

COMMIT_BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
"""In seconds; from a disk with a cache of its own to one that hangs."""


class Histogram:
    """The number of values up to each bound.

    It has one writer; a reader in another thread may miss the last value. The library's own takes
    a lock, and 0.70 µs instead of 0.15.

    @ivar total: the sum of all values.
    """

    __slots__ = ("_bounds", "_counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        """@param bounds: the greatest value that each bucket takes, ascending; values above them
        all have a bucket of their own.
        """
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self.total += value

    def buckets(self) -> list[tuple[str, float]]:
        """Each bound, with the number of values no greater, as Prometheus writes them."""
        names = [*(str(float(bound)) for bound in self._bounds), "+Inf"]
        return list(zip(names, accumulate(self._counts), strict=True))


@implementer(IMeter)
class Meter:
    """Counts logins, and times turns and commits.

    @ivar logins: the number that have ended, by outcome; all L{OUTCOMES} are there from the start.
    @ivar turns: the seconds taken to serve a round of clients.
    @ivar commits: the seconds that the mailbox's commits took, including those that failed.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        """@param now: a clock that never goes back, in seconds."""
        self._now = now
        self.logins: Counter[str] = Counter(dict.fromkeys(OUTCOMES, 0))
        self.turns = Histogram(TURN_BOUNDS)
        self.commits = Histogram(COMMIT_BOUNDS)

    def login(self, outcome: str) -> None:
        self.logins[outcome] += 1

    def time_turn(self, turn: Callable[P, Result]) -> Callable[P, Result]:
        return self._timed(turn, self.turns.observe)

    def time_commit(self, commit: Callable[P, Result]) -> Callable[P, Result]:
        return self._timed(commit, self.commits.observe)

    def _timed(
        self, work: Callable[P, Result], observe: Callable[[float], None]
    ) -> Callable[P, Result]:
        now = self._now

        def timed(*args: P.args, **kwargs: P.kwargs) -> Result:
            began = now()
            try:
                return work(*args, **kwargs)
            finally:
                observe(now() - began)

        return timed


@implementer(IMeter)
class NoMeter:
    """The null object: nothing is counted or timed."""

    def login(self, outcome: str) -> None:
        pass

    def time_turn(self, turn: Callable[P, Result]) -> Callable[P, Result]:
        return turn

    def time_commit(self, commit: Callable[P, Result]) -> Callable[P, Result]:
        return commit


NO_METER = NoMeter()
"""For servers without metrics."""
