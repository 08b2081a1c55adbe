"""Arrears: since when an acknowledgement is owed."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.broker.acknowledgements import Mark, look


class ArrearsTests(SynchronousTestCase):
    """L{look}."""

    def test_nothing_owed(self) -> None:
        """When all has arrived there is no mark."""
        self.assertEqual(look((Mark(1.0, 100),), 2.0, arrived=100, written=100), ())

    def test_oldest_stays(self) -> None:
        """A mark stays until all that it stands for has arrived, whatever is written after it."""
        marks = look((), 1.0, arrived=0, written=100)
        marks = look(marks, 2.0, arrived=99, written=200)
        self.assertEqual(marks, (Mark(1.0, 100), Mark(2.0, 200)))
        self.assertEqual(look(marks, 3.0, arrived=100, written=200), (Mark(2.0, 200),))

    def test_nothing_new(self) -> None:
        """While nothing is written there is no further mark."""
        marks = (Mark(1.0, 100),)
        self.assertEqual(look(marks, 2.0, arrived=50, written=100), marks)

    def test_bounded(self) -> None:
        """However long a peer lags behind, the marks stay few, and the oldest is among them."""
        marks: tuple[Mark, ...] = ()
        for second in range(10_000):
            marks = look(marks, float(second), arrived=0, written=second + 1)
        self.assertLess(len(marks), 250)
        self.assertEqual(marks[0], Mark(0.0, 1))

    def test_who_never_catches_up(self) -> None:
        """The age of who lags ever further behind is right to a thirtieth, or a second."""
        marks: tuple[Mark, ...] = ()
        for second in range(10_000):
            marks = look(marks, float(second), arrived=second // 2, written=second + 1)
            age, owed = second - marks[0].moment, second - second // 2
            self.assertTrue(owed * 0.96 - 1 <= age <= owed, (second, owed, age))
