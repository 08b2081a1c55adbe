"""Completion in real shells, and the pages that C{man} shows."""

from __future__ import annotations

import os
import shutil
import sys
from unittest import SkipTest

from tests.functional.processes import SCRIPTS, FunctionalTestCase
from tests.scratch import TREE

SHARE = TREE / "share"

IN_A_TERMINAL = """
import pty, sys
pty.spawn(sys.argv[1:])
"""

SHELLS = {
    "bash": (["--norc", "-i"], f"source {SHARE}/bash-completion/completions/achat"),
    "zsh": (
        ["-f", "-i"],
        f"fpath=({SHARE}/zsh/site-functions $fpath); autoload -U compinit; compinit -u -D",
    ),
    "fish": (["--no-config", "-i"], f"source {SHARE}/fish/vendor_completions.d/achat.fish"),
}
"""For each shell the options for one without a configuration, and its first command."""


class ShellTests(FunctionalTestCase):
    """The files in C{share/}, where they are used."""

    async def _completes(self, shell: str) -> None:
        """Types parts of words, each with the Tab key, and sees that the command is run."""
        if shutil.which(shell) is None:
            raise SkipTest(f"{shell} is not installed")
        options, first = SHELLS[shell]
        home = str(self.folder())
        typist = self.run_process(
            *(sys.executable, "-c", IN_A_TERMINAL, shell, *options),
            environment={
                "HOME": home,
                "XDG_CONFIG_HOME": home,
                "TERM": "dumb",
                "PATH": f"{SCRIPTS}:{os.environ['PATH']}",
            },
        )
        typist.transport.write(f"{first}; echo rea''dy\n".encode())
        await typist.output.contains("ready")
        for _ in range(2):  # as one that works once may not work again
            typist.output.turn_page()
            typist.transport.write(b"achat adm\tki\t--help\n")
            await typist.output.contains("End the session of NAME")

    async def test_bash(self) -> None:
        """Bash completes commands and their words."""
        await self._completes("bash")

    async def test_zsh(self) -> None:
        """Zsh completes commands and their words."""
        await self._completes("zsh")

    async def test_fish(self) -> None:
        """Fish completes commands and their words."""
        await self._completes("fish")

    async def test_man(self) -> None:
        """Man shows each page, finds nothing wrong with it, and takes two words for one page."""
        if shutil.which("man") is None:
            raise SkipTest("man is not installed")
        for words in (["achat"], ["achat", "chat"], ["achat", "admin"], ["twistd", "achat"]):
            man = self.run_process("man", "--warnings", "-M", str(SHARE / "man"), *words)
            self.assertEqual(await man.ended, 0, man.output.whole)
            self.assertRegex(man.output.whole, "^" + "-".join(words).upper() + r"\(1\)")
            self.assertNotIn("warning", man.output.whole)
