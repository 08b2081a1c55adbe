"""Deadlines: one timer for many."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.tools.deadlines import Deadlines


class DeadlinesTests(SynchronousTestCase):
    """L{Deadlines}."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.late: list[str] = []
        self.deadlines: Deadlines[str] = Deadlines(self.clock, 10.0, self.late.append)

    def test_each_is_late_in_its_time(self) -> None:
        """An entry is late when its time is over, however many came before and after."""
        for name in ("first", "second", "third"):
            self.deadlines.add(name)
            self.clock.advance(3)
        self.assertEqual(self.late, [])
        self.clock.advance(1)
        self.assertEqual(self.late, ["first"])
        self.clock.advance(3)
        self.assertEqual(self.late, ["first", "second"])
        self.clock.advance(3)
        self.assertEqual(self.late, ["first", "second", "third"])

    def test_many_are_late(self) -> None:
        """However many are late at once, others have their turn between."""
        for number in range(120):
            self.deadlines.add(str(number))
        self.clock.rightNow += 10
        counts: list[int] = []

        def count() -> None:
            counts.append(len(self.late))
            if len(self.late) < 120:
                self.clock.callLater(0, count)

        self.clock.callLater(0, count)
        self.clock.advance(0)
        self.assertEqual(counts, [50, 100, 120])

    def test_removed_are_not_late(self) -> None:
        """A removed entry is not waited for, and the others are."""
        for name in ("first", "second"):
            self.deadlines.add(name)
            self.clock.advance(3)
        self.deadlines.remove("first")
        self.deadlines.remove("nobody")
        self.clock.advance(6.9)
        self.assertEqual(self.late, [])
        self.clock.advance(0.1)
        self.assertEqual(self.late, ["second"])

    def test_one_timer(self) -> None:
        """There is one timer for all, and none for nobody."""
        for name in ("first", "second", "third"):
            self.deadlines.add(name)
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)
        for name in ("first", "second", "third"):
            self.deadlines.remove(name)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_hastened(self) -> None:
        """An entry can be hastened, and is never late later than before."""
        self.deadlines.add("first")
        self.clock.advance(9)
        self.deadlines.add("second")
        self.deadlines.hasten(2)
        self.clock.advance(1)
        self.assertEqual(self.late, ["first"])
        self.clock.advance(1)
        self.assertEqual(self.late, ["first", "second"])

    def test_somebody_removes_another(self) -> None:
        """An entry removed because another is late, at the same moment, is not late."""
        self.deadlines = Deadlines(self.clock, 10.0, self._remove_all)
        self.deadlines.add("first")
        self.deadlines.add("second")
        self.clock.advance(10)
        self.assertEqual(self.late, ["first"])

    def _remove_all(self, name: str) -> None:
        self.late.append(name)
        self.deadlines.remove("second")
