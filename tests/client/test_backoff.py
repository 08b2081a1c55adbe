"""When to try again."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.client.backoff import FIRST, LONGEST, Backoff, Urandom


class Lot:
    """A lot that a test draws."""

    def __init__(self, lot: float) -> None:
        self.lot = lot

    def random(self) -> float:
        return self.lot


class BackoffTests(SynchronousTestCase):
    """The waits between two tries."""

    def test_spread(self) -> None:
        """A half of each wait is drawn by lot, so that clients do not come back all at once."""
        for lot, share in ((0.0, 0.5), (0.5, 0.75), (0.75, 0.875)):
            waits = Backoff(0.0, None, Lot(lot))
            self.assertEqual(
                [waits.wait(0.0) for _ in range(2)], [FIRST * share, 2 * FIRST * share]
            )
            for _ in range(20):
                longest = waits.wait(0.0)
            self.assertEqual(longest, LONGEST * share)

    def test_chance(self) -> None:
        """The lot is a number from 0 to below 1, another one each time."""
        drawn = {Urandom().random() for _ in range(100)}
        self.assertGreater(len(drawn), 90)
        self.assertTrue(all(0 <= lot < 1 for lot in drawn), drawn)

    def test_retry(self) -> None:
        """The time for trying counts from the last contact, and ends the last wait."""
        waits = Backoff(0.0, 10.0, Lot(0.0))
        self.assertEqual(waits.wait(9.875), 0.125)
        self.assertIsNone(waits.wait(10.0))
        waits.reached(10.0)
        self.assertEqual(waits.wait(50.0), FIRST / 2)
        self.assertIsNone(waits.wait(60.0))

    def test_no_retry(self) -> None:
        """With no time for trying there is one try."""
        self.assertIsNone(Backoff(0.0, 0.0, Lot(0.0)).wait(0.0))
