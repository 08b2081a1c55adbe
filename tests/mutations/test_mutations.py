"""The mutations fit the code as it is, and what no test notices is said."""

from __future__ import annotations

from contextlib import redirect_stdout
from io import StringIO

from twisted.python.reflect import namedAny
from twisted.trial.unittest import SynchronousTestCase

from tests import scratch
from tests.mutations.catalogue import MUTATIONS
from tests.mutations.mutation import Mutation
from tests.mutations.report import find_misfits, report
from tests.mutations.tenth import tenth

_LEDGER = "achat_twisted/broker/ledger.py"
_RIGHT = "return self.accepted + self.inherited - right"


class MutationTests(SynchronousTestCase):
    """The catalogue, and its command."""

    def test_all_fit(self) -> None:
        """Each mutation has a name of its own, fits the code at one place, and leaves it code."""
        self.assertEqual(len(MUTATIONS), len({mutation.name for mutation in MUTATIONS}))
        misfits = find_misfits(MUTATIONS)
        self.assertEqual(misfits, [], "\n".join(misfits))

    def test_tests_are_there(self) -> None:
        """The tests that a mutation names are there."""
        for mutation in MUTATIONS:
            for test in mutation.tests.split():
                self.assertIsNotNone(namedAny(test), mutation.name)

    def test_says_which_do_not_fit(self) -> None:
        """Each mutation that does not fit is named, with the reason."""
        mutations = [
            Mutation("old", _LEDGER, "no such text", "", "tests.broker.test_ledger"),
            Mutation("harmful", _LEDGER, _RIGHT, f"{_RIGHT} + 1", "tests.broker.test_ledger"),
            Mutation("no code", _LEDGER, _RIGHT, f"{_RIGHT} +", "tests.broker.test_ledger"),
            Mutation("moved", "achat_twisted/gone.py", "", "", "tests.broker.test_ledger"),
        ]
        old, no_code, moved = find_misfits(mutations)
        self.assertTrue(old.startswith("the mutation 'old' does not fit: stands 0 times in"), old)
        self.assertIn("'no code' does not fit: invalid syntax", no_code)
        self.assertIn("'moved' does not fit: [Errno 2] No such file", moved)

    def test_tenth(self) -> None:
        """A commit chooses a tenth of all, always the same one."""
        chosen = tenth(MUTATIONS)
        self.assertEqual(chosen, tenth(MUTATIONS))
        self.assertIn(len(chosen), (len(MUTATIONS) // 10, len(MUTATIONS) // 10 + 1))
        self.assertLessEqual(set(chosen), set(MUTATIONS))

    def test_misfit(self) -> None:
        """A change whose text is not there, or more than once, is an error that says so."""
        for text, times in [("no such text", 0), ("-> Balance", 2)]:
            edit = scratch.Edit(_LEDGER, text, "")
            error = self.assertRaises(scratch.Misfit, edit.changed, scratch.TREE)
            self.assertEqual(str(error), f"stands {times} times in {_LEDGER}, not once:\n{text}")

    def test_what_is_missed(self) -> None:
        """A change that breaks nothing is missed, and one that does is found, with who found it."""
        mutations = [
            Mutation("harmless", _LEDGER, _RIGHT, f"{_RIGHT}  # still", "tests.broker.test_ledger"),
            Mutation("harmful", _LEDGER, _RIGHT, f"{_RIGHT} + 1", "tests.broker.test_ledger"),
        ]
        with redirect_stdout(StringIO()) as printed:
            missed = report(mutations)
        self.assertEqual(missed, 1)
        self.assertEqual(
            printed.getvalue().splitlines(), ["MISSED  harmless", "found   harmful   test_balance"]
        )
