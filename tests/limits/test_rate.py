"""Allowances: nobody says more than rate and burst allow, and nobody waits for longer than that."""

from __future__ import annotations

from hypothesis import given, strategies as st
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted import wire
from achat_twisted.limits.limits import Limits
from achat_twisted.limits.rate import TELL_AGAIN, UNLIMITED, Bucket
from tests.limits.test_pacing import Sender


class AllowanceTests(SynchronousTestCase):
    """L{Bucket} and L{UNLIMITED}."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.limits = Limits(rate=10, burst=20)
        self.bucket = Bucket(self.clock, self.limits)
        self.sender = Sender()

    def overdraw(self, sent: int) -> wire.Notice | None:
        """Does what a reader does when its session has sent more than it may."""
        return self.bucket.overdraw(self.sender, sent) if sent > self.bucket.lines else None

    def test_burst(self) -> None:
        """A burst goes through, and the line after it waits."""
        self.overdraw(20)
        self.assertEqual(self.sender.holds, 0)
        self.overdraw(21)
        self.assertEqual(self.sender.holds, 1)
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)

    def test_wait(self) -> None:
        """A client that has sent too much waits as long as that would have taken, and a moment."""
        self.overdraw(50)
        self.clock.advance(3.0)
        self.assertEqual(self.sender.holds, 1)
        self.clock.advance(0.1)
        self.assertEqual(self.sender.holds, 0)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_wait_for_more_than_a_burst(self) -> None:
        """Even after several bursts too much, as in a chunk of short lines, it waits no longer."""
        self.overdraw(100)
        self.clock.advance(8.1)
        self.overdraw(100)
        self.assertEqual(self.sender.holds, 0)
        self.overdraw(102)
        self.assertEqual(self.sender.holds, 1)

    def test_burst_comes_back(self) -> None:
        """A client that has been silent for long enough has a whole burst again, and no more."""
        self.overdraw(20)
        self.clock.advance(1000.0)
        self.overdraw(41)
        self.assertEqual(self.sender.holds, 1)

    def test_told_once_a_minute(self) -> None:
        """A client is told what it may send, but not again for each line."""
        self.assertEqual(self.overdraw(21), wire.slow_down(10))
        self.clock.advance(1.0)
        self.assertIsNone(self.overdraw(100))
        self.clock.advance(TELL_AGAIN)
        self.assertEqual(self.overdraw(10_000), wire.slow_down(10))

    def test_limits_change(self) -> None:
        """Changed limits apply to clients that are here already."""
        self.limits.rate = 0
        self.assertIsNone(self.overdraw(21))
        self.assertIsNone(self.overdraw(10_000))
        self.assertEqual(self.sender.holds, 0)
        self.limits.rate = 10
        self.overdraw(20_000)
        self.assertEqual(self.sender.holds, 1)

    def test_end(self) -> None:
        """Nothing is waited for after the end of the session."""
        self.overdraw(50)
        self.bucket.end()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_unlimited(self) -> None:
        """This machine's own clients send what they like."""
        self.assertLess(10**12, UNLIMITED.lines)
        UNLIMITED.overdraw(self.sender, 10**12)
        UNLIMITED.end()
        self.assertEqual(self.sender.holds, 0)

    @given(st.lists(st.tuples(st.floats(0, 5), st.integers(1, 30)), min_size=1, max_size=60))
    def test_never_more(self, chunks: list[tuple[float, int]]) -> None:
        """There are never more lines than rate, burst and one chunk allow."""
        self.setUp()
        sent = 0
        for pause, lines in chunks:
            self.clock.advance(pause)
            if self.sender.holds:
                self.assertLess(self.bucket.lines, sent)
                continue
            self.assertLessEqual(sent, self.clock.seconds() * 10 + 20 + 1e-6)
            sent += lines
            self.overdraw(sent)
