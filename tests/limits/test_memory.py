"""The pool: all outboxes together, and what each may hold."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.limits.limits import Limits
from achat_twisted.limits.memory import Pool


class PoolTests(SynchronousTestCase):
    """L{Pool}."""

    def setUp(self) -> None:
        self.limits = Limits(outbox_total=1_000_000)
        self.pool = Pool(self.limits)

    def holds(self, size: int) -> bool:
        """Ends a turn with so much in all outboxes, and returns whether their shares change."""
        self.pool.size = size
        return size > self.pool.calm and self.pool.look()

    def test_room(self) -> None:
        """While there is room, each may hold what it may hold alone."""
        self.assertFalse(self.holds(1_000_000))
        self.assertEqual(self.pool.share(500_000, 100), 500_000)

    def test_tight(self) -> None:
        """When there is too much each has an equal share, until half of it has gone."""
        self.assertTrue(self.holds(1_000_001))
        self.assertEqual(self.pool.share(500_000, 100), 10_000)
        self.assertFalse(self.holds(500_001))
        self.assertEqual(self.pool.share(500_000, 100), 10_000)
        self.assertTrue(self.holds(500_000))
        self.assertEqual(self.pool.share(500_000, 100), 500_000)

    def test_share(self) -> None:
        """A share is not more than one may hold alone, and never nothing."""
        self.holds(1_000_001)
        self.assertEqual(self.pool.share(400_000, 1), 400_000)
        self.assertEqual(self.pool.share(2**20, 10**6), 4096)
        self.assertEqual(self.pool.share(400_000, 0), 400_000)

    def test_no_limit(self) -> None:
        """0 means no limit, even if it is set while the pool is tight."""
        self.holds(1_000_001)
        self.limits.outbox_total = 0
        self.assertTrue(self.holds(10**12))
        self.assertFalse(self.holds(10**15))

    def test_highest(self) -> None:
        """The highest total is remembered."""
        for size in (10_000, 200_000, 30_000):
            self.holds(size)
        self.assertEqual(self.pool.highest, 200_000)

    def test_highest_while_tight(self) -> None:
        """The highest total is remembered while the pool is tight, too, and looked at each turn."""
        for size in (1_200_000, 900_000, 400_000):
            self.holds(size)
        self.assertEqual(self.pool.highest, 1_200_000)
