"""The checker sees what is wrong."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.proof.checker import Inbox, Verdict, total


class CheckerTests(SynchronousTestCase):
    """Histories made up, of five lines that Alice has posted."""

    def _verdict(self, *numbers: int) -> Verdict:
        inbox = Inbox()
        for number in numbers:
            inbox.arrive("alice", number)
        return inbox.judge({"alice": 5})

    def test_perfect(self) -> None:
        """Each number once and in order is exactly once."""
        verdict = self._verdict(0, 1, 2, 3, 4)
        self.assertEqual(verdict, Verdict(posted=5, delivered=5, repeated=0, missing=0, late=0))
        self.assertTrue(verdict.exactly_once)

    def test_missing(self) -> None:
        """A number that never came is missing: the first, one in between, the last, or all."""
        for numbers in ([1, 2, 3, 4], [0, 1, 3, 4], [0, 1, 2, 3]):
            verdict = self._verdict(*numbers)
            self.assertEqual(verdict, Verdict(5, delivered=4, repeated=0, missing=1, late=0))
            self.assertFalse(verdict.at_least_once)
        self.assertEqual(self._verdict().missing, 5)

    def test_repeated(self) -> None:
        """A repeat is not exactly once, but at least once; at once, and from further back."""
        for numbers in ([0, 1, 1, 2, 3, 4], [0, 1, 2, 3, 4, 0], [0, 1, 2, 0, 3, 4]):
            verdict = self._verdict(*numbers)
            self.assertEqual(verdict, Verdict(5, delivered=5, repeated=1, missing=0, late=0))
            self.assertFalse(verdict.exactly_once)
            self.assertTrue(verdict.at_least_once)

    def test_swapped(self) -> None:
        """A number that comes after a higher one for the first time is out of order."""
        verdict = self._verdict(0, 2, 1, 3, 4)
        self.assertEqual(verdict, Verdict(5, delivered=5, repeated=0, missing=0, late=1))
        self.assertFalse(verdict.at_least_once)

    def test_swapped_and_repeated(self) -> None:
        """Repeats do not mend the order: lines repeated in order came out of order before."""
        verdict = self._verdict(0, 3, 4, 0, 1, 2, 3, 4)
        self.assertEqual(verdict, Verdict(5, delivered=5, repeated=3, missing=0, late=2))
        self.assertFalse(verdict.at_least_once)

    def test_never_posted(self) -> None:
        """A line that nobody has posted is a mistake of the proof, or worse."""
        self.assertRaises(ValueError, self._verdict, 5)
        inbox = Inbox()
        inbox.arrive("mallory", 0)
        self.assertRaises(ValueError, inbox.judge, {"alice": 5})

    def test_senders_are_apart(self) -> None:
        """The numbers of one sender say nothing of another's."""
        inbox = Inbox()
        for sender, number in [("alice", 0), ("bob", 0), ("bob", 1), ("alice", 1), ("bob", 3)]:
            inbox.arrive(sender, number)
        self.assertEqual(
            inbox.judge({"alice": 3, "bob": 4}),
            Verdict(posted=7, delivered=5, repeated=0, missing=2, late=0),
        )

    def test_total(self) -> None:
        """Verdicts on several recipients add up."""
        self.assertEqual(
            total([Verdict(5, 4, 3, 1, 0), Verdict(10, 10, 0, 0, 2)]), Verdict(15, 14, 3, 1, 2)
        )
