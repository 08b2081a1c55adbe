"""The benchmarks still fit the code; their figures are printed by running them."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.promise import OFF
from tests import scratch


class PromiseTests(SynchronousTestCase):
    """C{benchmarks.promise}."""

    def test_edits_fit(self) -> None:
        """What it edits out stands in the code once, and what is left is code."""
        with scratch.copy(*OFF.values()) as tree:
            for edit in OFF.values():
                compile((tree / edit.file).read_text(), edit.file, "exec")
