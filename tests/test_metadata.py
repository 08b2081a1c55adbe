"""The metadata names the versions of Python that are tried."""

from __future__ import annotations

import re
import tomllib

from twisted.trial.unittest import SynchronousTestCase

from tests.scratch import TREE


class PythonTests(SynchronousTestCase):
    """The versions of Python that C{pyproject.toml} names."""

    def setUp(self) -> None:
        project = tomllib.loads((TREE / "pyproject.toml").read_text())["project"]
        self.oldest = project["requires-python"].removeprefix(">=")
        self.named = [
            version
            for row in project["classifiers"]
            for version in re.findall(r"^Programming Language :: Python :: (3\.\d+)$", row)
        ]

    def test_tried(self) -> None:
        """C{tox} tries each of them, and no other; the oldest is the one that is required."""
        (listed,) = re.findall(
            r"^env_list = .*\bunit-py\{([\d,]+)\}", (TREE / "tox.ini").read_text(), re.MULTILINE
        )
        self.assertEqual([f"{v[0]}.{v[1:]}" for v in listed.split(",")], self.named)
        self.assertEqual(self.named[0], self.oldest)

    def test_readme(self) -> None:
        """The README says which version is required, and which are tested."""
        self.assertIn(
            f"It needs Python {self.oldest} or newer, on Linux; it is tested with"
            f" {self.named[0]} to {self.named[-1]}.",
            (TREE / "README.md").read_text(),
        )
