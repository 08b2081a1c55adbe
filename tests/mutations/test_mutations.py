"""The mutations fit the code as it is, and what no test notices is said."""

from __future__ import annotations

from contextlib import redirect_stdout
from io import StringIO

from twisted.trial.unittest import SynchronousTestCase

from tests import scratch
from tests.mutations.catalogue import MUTATIONS
from tests.mutations.mutation import Mutation
from tests.mutations.report import report

_LEDGER = "achat_twisted/ledger.py"
_RIGHT = "return self.accepted + self.inherited - right"


class MutationTests(SynchronousTestCase):
    """The catalogue, and its command."""

    def test_all_fit(self) -> None:
        """Each mutation has a name of its own, fits the code at one place, and leaves it code."""
        self.assertEqual(len(MUTATIONS), len({mutation.name for mutation in MUTATIONS}))
        for mutation in MUTATIONS:
            compile(mutation.edit.changed(scratch.TREE), mutation.file, "exec")

    def test_misfit(self) -> None:
        """A change whose text is not there, or more than once, is an error that says so."""
        for text, times in [("no such text", 0), ("accepted: int", 2)]:
            edit = scratch.Edit(_LEDGER, text, "")
            error = self.assertRaises(scratch.Misfit, edit.changed, scratch.TREE)
            self.assertEqual(str(error), f"stands {times} times in {_LEDGER}, not once:\n{text}")

    def test_what_is_missed(self) -> None:
        """A change that breaks nothing is missed, and one that does is found, with who found it."""
        mutations = [
            Mutation("harmless", _LEDGER, _RIGHT, f"{_RIGHT}  # still", "tests.test_ledger"),
            Mutation("harmful", _LEDGER, _RIGHT, f"{_RIGHT} + 1", "tests.test_ledger"),
        ]
        with redirect_stdout(StringIO()) as printed:
            missed = report(mutations)
        self.assertEqual(missed, 1)
        self.assertEqual(
            printed.getvalue().splitlines(), ["MISSED  harmless", "found   harmful   test_balance"]
        )
