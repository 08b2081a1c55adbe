"""The clock that everything waits by."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.clock import BEAT, MOMENT, SUSPENDED, SteadyClock, wait_steadily


class SteadyClockTests(SynchronousTestCase):
    """L{SteadyClock}."""

    def setUp(self) -> None:
        self.machine = Clock()
        self.clock = SteadyClock(self.machine.seconds)

    def after(self, seconds: float) -> float:
        """What the clock says when it is read again, so many seconds later."""
        self.machine.advance(seconds)
        return self.clock.seconds()

    def test_right(self) -> None:
        """As long as the process runs, the clock is right."""
        self.assertEqual([self.after(0.25) for _ in range(4)], [0.25, 0.5, 0.75, 1.0])

    def test_suspended(self) -> None:
        """After a suspension it goes on from where it was, and is right again in a moment."""
        self.after(1.0)
        self.assertEqual(self.after(3600.0), 1.0)
        self.assertEqual(self.after(0.5), 1.5)
        steps = int(MOMENT / 0.5)
        self.assertEqual([self.after(0.5) for _ in range(steps)][-1], 3601.5 + MOMENT)

    @given(st.lists(st.floats(0.0, 10.0), max_size=30))
    def test_slow(self, gaps: list[float]) -> None:
        """However slow the process is, it lags by one gap at most, and never goes back."""
        self.setUp()
        before = 0.0
        for gap in gaps:
            now = self.after(gap)
            self.assertGreaterEqual(now, before - 1e-9)
            longest = max(gaps)
            self.assertGreaterEqual(now, self.machine.seconds() - longest - 1e-9)
            before = now


class ReactorTests(SynchronousTestCase):
    """L{wait_steadily}."""

    def setUp(self) -> None:
        self.machine = Clock()
        self.reactor: Any = Clock()

    def steady(self) -> None:
        wait_steadily(self.reactor, self.machine.seconds)

    def run_for(self, seconds: float) -> None:
        """Sleep until the next timer is due, as a reactor does, and see to those that are."""
        end = self.machine.seconds() + seconds
        while self.machine.seconds() < end:
            next_timer = self.reactor.getDelayedCalls()[0].getTime() - self.reactor.seconds()
            self.machine.advance(max(0.001, min(next_timer, end - self.machine.seconds())))
            self.reactor.advance(0)

    def test_idle(self) -> None:
        """A process that has nothing to do for long is not taken for one that was suspended."""
        self.steady()
        self.run_for(60.3)
        self.assertAlmostEqual(self.reactor.seconds(), 60.3)

    def test_deadline_in_a_suspension(self) -> None:
        """What is due in a suspension strikes after it, when there was time to read what came."""
        struck: list[float] = []
        self.steady()
        self.reactor.callLater(3.0, lambda: struck.append(self.machine.seconds()))
        self.run_for(1.0)
        self.machine.advance(100.0)
        self.run_for(1.9)
        self.assertEqual(struck, [])
        self.run_for(0.2)
        self.assertEqual(len(struck), 1)

    def test_long_deadline_in_a_suspension(self) -> None:
        """What is due long after that moment, but not by then, strikes at its end."""
        struck: list[float] = []
        self.steady()
        self.reactor.callLater(60.0, lambda: struck.append(self.machine.seconds()))
        self.run_for(1.0)
        self.machine.advance(100.0)
        self.run_for(MOMENT - 0.1)
        self.assertEqual(struck, [])
        self.run_for(BEAT + 0.2)
        self.assertEqual(len(struck), 1)

    def test_beat(self) -> None:
        """The clock is read often enough."""
        self.steady()
        self.assertLess(BEAT, SUSPENDED)
        (beat,) = self.reactor.getDelayedCalls()
        self.assertEqual(beat.getTime(), BEAT)

    def test_twice(self) -> None:
        """A second service in the same process finds the clock in its place."""
        self.steady()
        clock = self.reactor.seconds
        self.steady()
        self.assertEqual(self.reactor.seconds, clock)

    def test_too_late(self) -> None:
        """A clock is not taken from under timers."""
        self.reactor.callLater(1.0, lambda: None)
        error = self.assertRaises(RuntimeError, self.steady)
        self.assertIn("has timers already", str(error))
