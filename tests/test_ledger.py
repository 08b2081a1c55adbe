"""The ledger."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.ledger import Ledger


class LedgerTests(SynchronousTestCase):
    """L{Ledger}."""

    def test_balance(self) -> None:
        """What is accepted is delivered, kept, refused or in flight; the rest is missing."""
        ledger = Ledger(accepted=10, delivered=4)
        ledger.refused.update(unknown=1, full=1)
        balance = ledger.balance(kept=2, in_flight=1)
        self.assertEqual(balance.missing, 1)
        self.assertEqual(
            str(balance), "accepted 10 = delivered 4 + kept 2 + refused 2 + in flight 1"
        )
