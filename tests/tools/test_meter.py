"""The meter: its counts and times, which cost nothing while nobody watches."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.tools.meter import NO_METER, OUTCOMES, Histogram, Meter
from tests.fakes import Bug


class HistogramTests(SynchronousTestCase):
    """L{Histogram}."""

    def test_buckets(self) -> None:
        """Each bucket counts the times up to its bound, and the last one all."""
        histogram = Histogram((0.1, 1, 5))
        for value in (0.05, 0.1, 0.2, 5.0, 6.0):
            histogram.observe(value)
        self.assertEqual(histogram.buckets(), [("0.1", 2), ("1.0", 3), ("5.0", 4), ("+Inf", 5)])
        self.assertAlmostEqual(histogram.total, 11.35)


class MeterTests(SynchronousTestCase):
    """L{Meter}, and none."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.meter = Meter(self.clock.seconds)

    def _work(self, seconds: float) -> float:
        self.clock.advance(seconds)
        if seconds > 1:
            raise Bug
        return seconds

    def test_times(self) -> None:
        """Turns and commits are timed each for themselves, and do what they did."""
        turn, commit = self.meter.time_turn(self._work), self.meter.time_commit(self._work)
        self.assertEqual((turn(0.25), turn(0.5), commit(1.0)), (0.25, 0.5, 1.0))
        for histogram, count, total in ((self.meter.turns, 2, 0.75), (self.meter.commits, 1, 1.0)):
            self.assertEqual((histogram.buckets()[-1][1], histogram.total), (count, total))

    def test_what_fails_takes_time_as_well(self) -> None:
        """A commit that fails is timed too, and fails as it did."""
        self.assertRaises(Bug, self.meter.time_commit(self._work), 2.0)
        self.assertEqual(self.meter.commits.total, 2.0)

    def test_logins(self) -> None:
        """Logins are counted by outcome; those that have not happened are there as well."""
        self.meter.login("busy")
        self.meter.login("busy")
        self.assertEqual(self.meter.logins, {**dict.fromkeys(OUTCOMES, 0), "busy": 2})

    def test_nobody_looks_on(self) -> None:
        """Without an observer, turns and commits are not even wrapped."""
        for timed in (NO_METER.time_turn, NO_METER.time_commit):
            self.assertEqual(timed(self._work), self._work)
