"""Pacing: senders are slowed down for moments, and never for long."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from achat_twisted.limits.pacing import HOLD, ISender, Pace


@implementer(ISender)
class Sender:
    """Counts its holds."""

    holds = 0

    def hold(self, _reason: object) -> None:
        self.holds += 1

    def release(self, _reason: object) -> None:
        self.holds -= 1


class PaceTests(SynchronousTestCase):
    """L{Pace}."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.pace = Pace(self.clock)
        self.sender = Sender()

    def test_holds_until_low(self) -> None:
        """A client that sends to a high outbox is held once, until that outbox is low."""
        self.pace.press(self.sender)
        self.pace.press(self.sender)
        self.assertEqual(self.sender.holds, 1)
        self.pace.ease()
        self.assertEqual(self.sender.holds, 0)

    def test_hold_ends(self) -> None:
        """A recipient that stays high holds nobody for longer than L{HOLD}."""
        self.pace.press(self.sender)
        self.clock.advance(HOLD)
        self.assertEqual(self.sender.holds, 0)

    def test_stalled_holds_nobody(self) -> None:
        """Once it has stalled, a recipient holds nobody until it has been low again."""
        self.pace.press(self.sender)
        self.clock.advance(HOLD)
        self.pace.press(self.sender)
        self.assertEqual(self.sender.holds, 0)
        self.pace.ease()
        self.pace.press(self.sender)
        self.assertEqual(self.sender.holds, 1)

    def test_hold_is_counted_from_the_first(self) -> None:
        """The time starts with the first that is held: those that come later do not prolong it."""
        late = Sender()
        self.pace.press(self.sender)
        self.clock.advance(HOLD / 2)
        self.pace.press(late)
        self.clock.advance(HOLD / 2)
        self.assertEqual((self.sender.holds, late.holds), (0, 0))

    def test_one_by_one(self) -> None:
        """While the peer is behind, its relief lets one go on, the one that has waited longest."""
        first, second = Sender(), Sender()
        self.pace.press(first)
        self.pace.press(second)
        self.clock.advance(HOLD / 2)
        self.pace.ease_one()
        self.assertEqual((first.holds, second.holds), (0, 1))
        self.clock.advance(HOLD / 2)
        self.assertEqual(second.holds, 0)
        self.pace.press(second)
        self.assertEqual(second.holds, 1)

    def test_nobody_waits_for_all_who_came_before(self) -> None:
        """However many are held, and however slowly they go on, each waits no longer than that."""
        senders = [Sender() for _ in range(100)]
        for sender in senders:
            self.pace.press(sender)
        self.clock.advance(HOLD * 0.9)
        self.pace.ease_one()
        self.clock.advance(HOLD * 0.1)
        self.assertEqual([sender.holds for sender in senders], [0] * 100)
        self.pace.press(self.sender)
        self.assertEqual(self.sender.holds, 1)

    def test_leaves_no_timer(self) -> None:
        """When all is eased, nothing is left to wait for."""
        self.pace.press(self.sender)
        self.pace.ease()
        self.assertEqual(self.clock.getDelayedCalls(), [])
