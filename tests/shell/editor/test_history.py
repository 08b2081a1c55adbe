"""The history in its file."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from tempfile import TemporaryDirectory

from prompt_toolkit.history import InMemoryHistory
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.shell.editor import history
from achat_twisted.shell.editor.history import open_history, place


class HistoryTests(SynchronousTestCase):
    """L{open_history}."""

    def setUp(self) -> None:
        self.folder = Path(self.enterContext(TemporaryDirectory()))
        self.environ = {"XDG_STATE_HOME": str(self.folder / "state")}
        self.path = self.folder / "state" / "achat" / "history"

    def lines(self) -> list[str]:
        """The lines that the next chat begins with, the newest first."""
        return [*open_history(self.environ).load_history_strings()]

    def test_place(self) -> None:
        """The file is where the user wants states to be; a relative folder does not count."""
        self.assertEqual(place(self.environ), self.path)
        home = Path("~/.local/state/achat/history").expanduser()
        for environ in ({}, {"XDG_STATE_HOME": "here"}):
            self.assertEqual(place(environ), home)

    def test_kept(self) -> None:
        """A line that was typed is there in the next chat, pastes of several lines whole."""
        first = open_history(self.environ)
        for line in ("bob: one", "bob: two\nthree", "bob: 東京"):
            first.store_string(line)
        self.assertEqual(self.lines(), ["bob: 東京", "bob: two\nthree", "bob: one"])

    def test_private(self) -> None:
        """Nobody else may read it."""
        open_history(self.environ)
        for path, mode in ((self.path, 0o600), (self.path.parent, 0o700)):
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), mode)

    def test_no_file(self) -> None:
        """Without a place for it, lines are remembered for the time of the chat."""
        (self.folder / "state").touch()
        self.assertIsInstance(open_history(self.environ), InMemoryHistory)

    def test_full_disk(self) -> None:
        """A file that takes no more costs nothing but the history."""
        self.path.parent.mkdir(parents=True)
        os.symlink("/dev/full", self.path)
        open_history(self.environ).store_string("bob: hi")

    def test_shortened(self) -> None:
        """Of a file that has become too long the older half is forgotten."""
        self.patch(history, "_LONGEST", 2000)
        first = open_history(self.environ)
        for number in range(100):
            first.store_string(f"bob: {number}")
        self.assertGreater(self.path.stat().st_size, 2000)
        lines = self.lines()
        self.assertEqual(lines, [f"bob: {99 - number}" for number in range(len(lines))])
        self.assertTrue(10 < len(lines) < 50)
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)
        self.assertEqual([*self.path.parent.iterdir()], [self.path])
