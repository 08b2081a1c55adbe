"""The clock that everything waits by."""

from __future__ import annotations

from typing import Any

from hypothesis import given, strategies as st
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.tools.clock import BEAT, COUNTED, SUSPENDED, SteadyClock, wait_steadily


class SteadyClockTests(SynchronousTestCase):
    """L{SteadyClock}."""

    def setUp(self) -> None:
        self.machine, self.cpu = Clock(), Clock()
        self.clock = SteadyClock(self.machine.seconds, self.cpu.seconds)

    def after(self, seconds: float, busy: float = 0.0) -> float:
        """The clock's reading so many seconds later, of which the process
        was on a processor for some.
        """
        self.machine.advance(seconds)
        self.cpu.advance(busy)
        return self.clock.seconds()

    def test_right(self) -> None:
        """As long as the process runs, the clock is right."""
        self.assertEqual([self.after(0.25) for _ in range(4)], [0.25, 0.5, 0.75, 1.0])

    def test_suspended(self) -> None:
        """A suspension hardly counts, however long, and the clock goes on from there."""
        self.after(1.0)
        self.assertAlmostEqual(self.after(3600.0), 1.0 + COUNTED)
        self.assertAlmostEqual(self.after(0.5), 1.5 + COUNTED)
        self.assertAlmostEqual(self.after(60.0), 1.5 + 2 * COUNTED)

    def test_busy(self) -> None:
        """Time for which the process was busy counts, however slow it is, again and again."""
        for turn in range(1, 10):
            self.assertEqual(self.after(3.0, busy=2.5), 3.0 * turn)
            self.clock.beat()

    def test_busy_before(self) -> None:
        """Having been busy before does not count for a suspension."""
        self.after(0.5, busy=3600.0)
        self.clock.beat()
        self.assertAlmostEqual(self.after(60.0), 0.5 + COUNTED)

    @given(st.lists(st.tuples(st.floats(0.0, 10.0), st.floats(0.0, 1.0)), max_size=30))
    def test_forward(self, gaps: list[tuple[float, float]]) -> None:
        """It never goes back, and never stands still for longer than a reading."""
        self.setUp()
        before = 0.0
        for gap, busy in gaps:
            now = self.after(gap, busy * gap)
            self.assertGreaterEqual(now - before, min(gap, COUNTED) - 1e-9)
            self.assertLessEqual(now - before, gap + 1e-9)
            before = now


class ReactorTests(SynchronousTestCase):
    """L{wait_steadily}."""

    def setUp(self) -> None:
        self.machine, self.cpu = Clock(), Clock()
        self.reactor: Any = Clock()
        self.struck: list[float] = []

    def steady(self) -> None:
        wait_steadily(self.reactor, SteadyClock(self.machine.seconds, self.cpu.seconds))

    def strike_in(self, seconds: float) -> None:
        self.reactor.callLater(seconds, lambda: self.struck.append(self.machine.seconds()))

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

    def test_suspension(self) -> None:
        """A timer due in a suspension strikes when there was as much time as there should be."""
        self.steady()
        self.cpu.advance(1000.0)  # it was busy before
        self.strike_in(3.0)
        self.run_for(1.0)
        self.machine.advance(100.0)
        self.run_for(2.0 - 2 * COUNTED)
        self.assertEqual(self.struck, [])
        self.run_for(3 * COUNTED)
        self.assertEqual(len(self.struck), 1)

    def test_after_a_suspension(self) -> None:
        """A timer set soon after a suspension has all its time, too."""
        self.steady()
        self.machine.advance(3600.0)
        self.run_for(1.0)
        self.strike_in(30.0)
        self.run_for(29.9)
        self.assertEqual(self.struck, [])
        self.run_for(0.2)
        self.assertEqual(len(self.struck), 1)

    def test_busy(self) -> None:
        """In a process that takes seconds for each turn, timers strike when they are due."""
        self.steady()
        self.strike_in(10.0)
        for _ in range(4):
            self.assertEqual(self.struck, [])
            self.machine.advance(2.5)
            self.cpu.advance(2.4)
            self.reactor.advance(0)
        self.assertEqual(self.struck, [10.0])

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
        self.strike_in(1.0)
        error = self.assertRaises(RuntimeError, self.steady)
        self.assertIn("has timers already", str(error))
