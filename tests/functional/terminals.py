"""A real terminal, for the tests of this folder: a shell in tmux, typed into and looked at."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.internet.utils import getProcessOutputAndValue
from twisted.trial.unittest import SkipTest

from tests.functional.processes import SCRIPTS, FunctionalTestCase

LOOK = 0.05
"""The seconds between two looks at the screen."""

LINES = 2000
"""The lines that have scrolled off the screen and are still looked at."""


class Terminal:
    """A terminal with a shell, which knows C{achat} and prompts with C{$}."""

    def __init__(self, folder: Path, columns: int) -> None:
        self._socket = folder / "tmux"
        self._columns = str(columns)
        self._environment = {
            **os.environ,
            "LC_ALL": "C.UTF-8",
            "PATH": f"{SCRIPTS}:{os.environ.get('PATH', os.defpath)}",
            "PS1": "$ ",
            "ENV": "",
            "HOME": str(folder),
            "XDG_STATE_HOME": str(folder / "state"),
            "XDG_CONFIG_HOME": str(folder / "config"),
        }

    async def start(self) -> None:
        size = ("-x", self._columns, "-y", "24")
        await self._tmux("new-session", "-d", *size, "/bin/sh", "-i")
        await self.shows("$ ")

    async def end(self) -> None:
        await self._tmux("kill-server")

    async def types(self, *texts: str) -> None:
        """Type texts, and keys by their names, such as C{Enter}, C{Tab} or C{C-c}."""
        for text in texts:
            is_key = text in {"Enter", "Tab", "Up", "Left", "BSpace"} or text.startswith("C-")
            await self._tmux("send-keys", *([] if is_key else ["-l"]), text)

    async def pastes(self, text: str) -> None:
        """Paste a text, as one does with a mouse: the terminal says that it is one, if asked to."""
        path = self._socket.with_name("paste")
        path.write_text(text)
        await self._tmux("load-buffer", str(path))
        await self._tmux("paste-buffer", "-p")

    async def resizes(self, columns: int, rows: int) -> None:
        await self._tmux("resize-window", "-x", str(columns), "-y", str(rows))

    async def screen(self, *options: str) -> str:
        """All that can be seen, with what has scrolled away; wrapped lines are whole."""
        return await self._tmux("capture-pane", "-p", "-J", "-S", f"-{LINES}", *options)

    async def lines(self) -> list[str]:
        """The lines of the screen that have something in them, as they can be seen just now."""
        seen = await self._tmux("capture-pane", "-p")
        return [line.rstrip() for line in seen.splitlines() if line.strip()]

    async def shows(self, text: str, times: int = 1) -> str:
        """Wait until a text can be seen so often; returns the screen."""
        while (screen := await self.screen()).count(text) < times:
            await deferLater(reactor, LOOK)
        return screen

    async def _tmux(self, *words: str) -> str:
        command = ["-u", "-f", "/dev/null", "-S", str(self._socket), *words]
        out, errors, code = await getProcessOutputAndValue("tmux", command, self._environment)
        assert code == 0, (words, errors.decode())
        said: str = out.decode()
        return said


class TerminalTestCase(FunctionalTestCase):
    """A test at a terminal."""

    async def terminal(self, columns: int = 80) -> Terminal:
        if shutil.which("tmux") is None:
            raise SkipTest("there is no tmux, which would be the terminal")
        terminal = Terminal(self.folder(), columns)
        await terminal.start()
        self.addCleanup(terminal.end)
        return terminal
