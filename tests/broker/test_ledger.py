"""The ledger."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.broker.ledger import Ledger
from achat_twisted.mailbox.memory import MemoryMailbox


class LedgerTests(SynchronousTestCase):
    """L{Ledger}."""

    def test_balance(self) -> None:
        """Copies are delivered, kept, refused, expired or in flight; the rest is missing."""
        mailbox = MemoryMailbox(Clock())
        mailbox.enroll("bob")
        mailbox.hand_back("bob", [b"from alice: hi\n"] * 3)
        ledger = Ledger(mailbox)
        ledger.open()
        for _ in range(2):
            mailbox.take("bob", 1)
        mailbox.keep("bob", b"from alice: hi\n")
        mailbox.rows.expired += 1
        ledger.accepted, ledger.delivered = 10, 4
        ledger.refused.update(unknown=2, full=1)
        balance = ledger.balance(in_flight=1)
        self.assertEqual(balance.missing, 2)
        self.assertEqual(
            str(balance),
            "accepted 10 + inherited 3 = delivered 4 + kept 2 + refused 3 (full 1, unknown 2)"
            " + expired 1 + in flight 1",
        )
