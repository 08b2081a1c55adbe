"""The package as it is installed."""

from __future__ import annotations

import re
from pathlib import Path

from achat_twisted import __version__
from tests.functional.processes import SCRIPTS, FunctionalTestCase, Process


class InstallTests(FunctionalTestCase):
    """The commands that a user has after the installation, in any folder."""

    def _runs(self, command: str, *arguments: str) -> Process:
        """Run a command far away from the source tree."""
        return self.run_process(str(SCRIPTS / command), *arguments, folder=Path("/"))

    async def test_twistd_knows_achat(self) -> None:
        """Twistd lists achat among its commands, from any directory."""
        twistd = self._runs("twistd", "--help")
        self.assertEqual(await twistd.ended, 0)
        self.assertRegex(twistd.output.text, r"(?m)^ +achat +A chat server that never silently")

    async def test_options_are_explained(self) -> None:
        """The server's options are explained on request."""
        for option in ("--help", "-h"):
            twistd = self._runs("twistd", "achat", option)
            self.assertEqual(await twistd.ended, 0)
            self.assertIn("--outbox-limit=", twistd.output.text)

    async def test_version(self) -> None:
        """The server says which version it is."""
        twistd = self._runs("twistd", "achat", "--version")
        self.assertEqual(await twistd.ended, 0)
        self.assertRegex(twistd.output.text, rf"^achat {re.escape(__version__)} on Twisted \d")

    async def test_achat_is_a_command(self) -> None:
        """The achat command is there, and says what it can do."""
        achat = self._runs("achat", "--help")
        self.assertEqual(await achat.ended, 0)
        self.assertIn("chat ", achat.output.text)
