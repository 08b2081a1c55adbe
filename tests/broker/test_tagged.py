"""Sessions with a tag, many at a time."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.mailbox.tag_records import MOST_TAGS
from achat_twisted.wire.tags import Opening
from tests.house import House


class ManyTests(SynchronousTestCase):
    """More sessions of a name than it may have tags."""

    def test_send(self) -> None:
        """Sessions that only send, and are confirmed, leave nothing, however many were here."""
        house = House()
        guests = [
            house.comes("ci", opening=Opening(str(number), only_sends=True))
            for number in range(MOST_TAGS + 5)
        ]
        for guest in guests:
            guest.loses_connection()
            house.turn()
        self.assertEqual(len(house.broker.sessions), 0)
        self.assertEqual(len(house.mailbox.tags.of("ci")), 0)
