"""A feed: mail from a file, for a session that is behind."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.disk import Desk
from tests.house import House


class FeedTests(SynchronousTestCase):
    """L{achat_twisted.broker.feed.Feed}, in a house with its mail in a file."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.desk = Desk.of(self, self.clock)
        self._start()
        self.alice, self.bob = self.house.comes("alice"), self.house.comes("bob")

    def _start(self) -> None:
        self.house = House(self.desk.mailbox(), self.clock, outbox_limit=1000)

    def _time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.house.turn()

    def test_order_through_a_break(self) -> None:
        """Lines come in order straight, through a file, and back from a broken connection."""
        for number in range(300):
            if number == 100:
                self._time_passes(1)
                self.bob.link.block()
            self.alice.says(f"bob: {number}")
            self.house.turn()
        for _ in range(5):
            self.bob.link.read_once()
            self._time_passes(1)
        self.bob.loses_connection()
        again = self.house.comes("bob")
        self.assertEqual(
            self.bob.link.messages() + again.link.messages(),
            [f"from alice: {number}" for number in range(300)],
        )

    def test_crash(self) -> None:
        """Mail that had not arrived outlives a crash, whatever went past it before."""
        self.bob.link.block()
        for number in range(100):
            self.alice.says(f"bob: {number} {'long' * 100 if number < 3 else 'short'}")
            self.house.turn()
        self.assertEqual(self.house.mailbox.count("bob"), 97)
        for _ in range(3):
            self.bob.link.read_once()
            self._time_passes(1)
        before = self.bob.link.messages()
        self.assertEqual(len(before), 3)
        self.desk.crash()
        self._start()
        messages = before + self.house.comes("bob").link.messages()
        numbers = [int(line.split()[2]) for line in messages]
        self.assertEqual(list(dict.fromkeys(numbers)), list(range(100)))

    def test_disk_that_is_behind(self) -> None:
        """A client that fills mailboxes faster than the disk takes it is held until it has."""
        self.bob.loses_connection()
        self.house.turn()
        self.desk.worker.held = True
        while not self.house.mailbox.pressed:
            self.assertFalse(self.alice.source.paused)
            self.alice.says(f"bob: {'x' * 2**20}")
        self.assertTrue(self.alice.source.paused)
        self.house.turn()
        self.desk.worker.release()
        self.house.turn()
        self.assertFalse(self.alice.source.paused)
