"""All tests are run, part by part, and a failure is told."""

from __future__ import annotations

from contextlib import redirect_stdout
from io import StringIO

from twisted.trial.unittest import SynchronousTestCase

from tests.__main__ import main, parts
from tests.scratch import TREE


class PartsTests(SynchronousTestCase):
    """C{python -m tests}."""

    def test_all(self) -> None:
        """Each module with tests belongs to one part."""
        for path in TREE.glob("tests/**/test_*.py"):
            module = ".".join(path.relative_to(TREE).with_suffix("").parts)
            found = [part for part in parts() if f"{module}.".startswith(f"{part}.")]
            self.assertEqual(len(found), 1, module)

    def test_failure(self) -> None:
        """A part that fails, or has no tests, is named with all that it prints."""
        with redirect_stdout(StringIO()) as printed:
            code = main(["tests.broker.test_ledger", "tests.no_such_room", "tests.house"])
        self.assertEqual(code, 1)
        lines = printed.getvalue()
        self.assertRegex(lines, r"(?m)^ +[0-9.]+ s  tests\.broker\.test_ledger: PASSED \(succ")
        self.assertRegex(lines, r"(?ms)  tests\.no_such_room: FAILED\n.*does not exist")
        self.assertRegex(lines, r"(?ms)  tests\.house: FAILED\n.*^PASSED$")
        self.assertTrue(lines.endswith("1 parts passed, 2 failed\n"), lines)
