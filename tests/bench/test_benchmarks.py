"""The benchmarks still fit the code; their figures are printed by running them."""

from __future__ import annotations

import shlex
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.bench.command import parse_command
from benchmarks.compare import servers
from benchmarks.promise import OFF
from tests import scratch


class PromiseTests(SynchronousTestCase):
    """C{benchmarks.promise}."""

    def test_edits_fit(self) -> None:
        """Each edit finds its text in the code once, and leaves code."""
        with scratch.copy(*OFF.values()) as tree:
            for edit in OFF.values():
                compile((tree / edit.file).read_text(), edit.file, "exec")


class CompareTests(SynchronousTestCase):
    """C{benchmarks.compare}."""

    def test_commands(self) -> None:
        """C{achat bench} takes each server's command, and achat is the one to compare with."""
        found = servers(Path("/opt/tokio server"), None)
        for words in found.values():
            self.assertEqual(shlex.split(parse_command(shlex.join(words)).words), words)
        self.assertEqual(list(found)[:3], ["achat", "tokio", "nats-server"])
