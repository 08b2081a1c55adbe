"""The rate of copies in rooms: a line counts as often as its room has members."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.limits.limits import Limits
from achat_twisted.limits.room_rates import RoomRates
from tests.limits.test_pacing import Sender


class RoomRatesTests(SynchronousTestCase):
    """L{RoomRates}."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.rates = RoomRates(self.clock, Limits(room_rate=100))
        self.sender = Sender()

    def test_too_many(self) -> None:
        """A client that has made ten seconds' worth of copies at once waits for the next ones."""
        for _ in range(10):
            self.assertIsNone(self.rates.spend(self.sender, 100, is_local=False))
        self.assertEqual(self.sender.holds, 0)
        notice = self.rates.spend(self.sender, 100, is_local=False)
        assert notice is not None
        self.assertEqual((notice.word, notice.detail), ("slow-down", "100 copies"))
        self.assertEqual(self.sender.holds, 1)
        self.clock.advance(1.1)
        self.assertEqual(self.sender.holds, 0)

    def test_large_room(self) -> None:
        """A line for a large room counts as so many, and a client waits no longer than it must."""
        self.rates.spend(self.sender, 2000, is_local=False)
        self.assertEqual(self.sender.holds, 1)
        self.clock.advance(10.1)
        self.assertEqual(self.sender.holds, 0)

    def test_local(self) -> None:
        """Clients on the server's own machine are not held, unless that is wanted."""
        self.rates.spend(self.sender, 10**6, is_local=True)
        self.assertEqual(self.sender.holds, 0)
        RoomRates(self.clock, Limits(room_rate=100, limit_local=True)).spend(
            self.sender, 10**6, is_local=True
        )
        self.assertEqual(self.sender.holds, 1)

    def test_gone(self) -> None:
        """One that is gone leaves no timer."""
        self.rates.spend(self.sender, 10**6, is_local=False)
        self.rates.forget(self.sender)
        self.rates.forget(self.sender)
        self.assertEqual(self.clock.getDelayedCalls(), [])
