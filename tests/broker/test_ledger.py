"""The ledger."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.broker.ledger import Ledger


class LedgerTests(SynchronousTestCase):
    """L{Ledger}."""

    def test_balance(self) -> None:
        """What came in is delivered, kept, refused, expired or in flight; the rest is missing."""
        ledger = Ledger(accepted=10, inherited=3, delivered=4)
        ledger.refused.update(unknown=2, full=1)
        balance = ledger.balance(kept=2, expired=1, in_flight=1)
        self.assertEqual(balance.missing, 2)
        self.assertEqual(
            str(balance),
            "accepted 10 + inherited 3 = delivered 4 + kept 2 + refused 3 (full 1, unknown 2)"
            " + expired 1 + in flight 1",
        )
