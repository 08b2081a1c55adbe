"""Files that are read again when they have changed."""

from __future__ import annotations

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.tools.errors import Unusable
from achat_twisted.tools.watched_file import WatchedFile
from tests.disk import scratch_file
from tests.logged import Logged


class WatchedTests(SynchronousTestCase):
    """L{WatchedFile}, with a number in it."""

    def setUp(self) -> None:
        self.path = scratch_file(self)
        self.reads = 0
        self.file = WatchedFile(self.path, self._parse, is_secret=True)

    def _parse(self, data: bytes) -> int:
        self.reads += 1
        return int(data)

    def write(self, text: str, mode: int = 0o600) -> None:
        """Replace the file by another one."""
        draft = Path(f"{self.path}.new")
        draft.write_text(text)
        draft.chmod(mode)
        os.replace(draft, self.path)

    def test_read_once(self) -> None:
        """As long as it does not change it is not read again."""
        self.write("1")
        self.file.open()
        self.assertEqual([self.file.content() for _ in range(3)], [1, 1, 1])
        self.assertEqual(self.reads, 1)

    def test_change(self) -> None:
        """When it has changed, callers get its new contents, and the log says so."""
        self.write("1")
        self.file.open()
        self.write("2")
        with Logged() as logged:
            self.assertEqual([self.file.content() for _ in range(3)], [2, 2, 2])
        self.assertEqual(logged.texts, [f"{self.path} has changed, and was read again"])

    def test_change_in_place(self) -> None:
        """A change in place counts as well."""
        self.write("1")
        self.file.open()
        self.path.write_text("22")
        self.assertEqual(self.file.content(), 22)

    def test_bad_change(self) -> None:
        """A change that means nothing leaves in force what was there, and is logged once."""
        self.write("1")
        self.file.open()
        self.write("one")
        with Logged() as logged:
            self.assertEqual([self.file.content() for _ in range(3)], [1, 1, 1])
        self.assertEqual(len(logged.texts), 1)
        self.assertIn(f"{self.path} cannot be used: invalid literal", logged.texts[0])
        self.assertIn("; its former content stays in force", logged.texts[0])
        self.write("2")
        self.assertEqual(self.file.content(), 2)

    def test_gone(self) -> None:
        """A file that is gone leaves the old contents in force; when it is back, it counts."""
        self.write("1")
        self.file.open()
        self.path.unlink()
        with Logged() as logged:
            self.assertEqual([self.file.content() for _ in range(3)], [1, 1, 1])
        self.assertEqual(
            logged.texts,
            [
                f"{self.path} cannot be read: No such file or directory;"
                " its former content stays in force"
            ],
        )
        self.write("2")
        self.assertEqual(self.file.content(), 2)

    def test_unusable(self) -> None:
        """At the start, an unreadable or meaningless file is an error that names it."""
        self.write("one")
        error = self.assertRaises(Unusable, self.file.open)
        self.assertIn(f"{self.path} cannot be used: ", str(error))
        self.path.unlink()
        error = self.assertRaises(Unusable, self.file.open)
        self.assertEqual(str(error), f"{self.path} cannot be read: No such file or directory")

    def test_open_to_others(self) -> None:
        """If others may read a file of secrets, the log says so each time that it is read."""
        for mode, warnings in ((0o600, 0), (0o640, 1), (0o604, 1)):
            self.write("1", mode)
            with Logged() as logged:
                self.file.open()
            self.assertEqual(
                logged.texts,
                [f"{self.path} can be read by others; chmod 600 it"] * warnings,
            )

    def test_writable_for_others(self) -> None:
        """A file that others may write is refused, or leaves in force what was there before."""
        for mode in (0o602, 0o620):
            self.write("1", mode)
            error = self.assertRaises(Unusable, self.file.open)
            self.assertIn(f"others may write {self.path}; chmod 600 it", str(error))
        self.write("2")
        self.file.open()
        self.write("3", 0o620)
        self.assertEqual(self.file.content(), 2)
