"""The log's file: its lines are found at its path, even if somebody has moved it away."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.server.log_file import RenewableFile
from tests.logged import Logged


class RenewableFileTests(SynchronousTestCase):
    """L{RenewableFile}."""

    def setUp(self) -> None:
        self.path = Path(self.enterContext(TemporaryDirectory()), "log")
        self.path.write_bytes(b"old\n")
        self.log = RenewableFile(self.path)
        self.addCleanup(self.log.file.close)

    def at(self, suffix: str = "") -> bytes:
        """The content of a file beside the log."""
        return self.path.with_name(f"log{suffix}").read_bytes()

    def test_appends(self) -> None:
        """The lines that were there stay."""
        self.log.file.write(b"new\n")
        self.assertEqual(self.at(), b"old\nnew\n")

    def test_moved_away(self) -> None:
        """After a move by somebody else it goes on at its path, and until then in the moved one."""
        self.path.rename(self.path.with_name("log.moved"))
        self.log.file.write(b"between\n")
        self.log.renew()
        self.log.file.write(b"new\n")
        self.assertEqual((self.at(".moved"), self.at()), (b"old\nbetween\n", b"new\n"))
        self.assertEqual(len(list(self.path.parent.iterdir())), 2)

    def test_moved_away_and_made_anew(self) -> None:
        """A file that somebody has put in its place is used, not moved away as well."""
        self.path.rename(self.path.with_name("log.moved"))
        self.path.write_bytes(b"theirs\n")
        self.log.renew()
        self.log.file.write(b"new\n")
        self.assertEqual(self.at(), b"theirs\nnew\n")
        self.assertEqual(len(list(self.path.parent.iterdir())), 2)

    def test_in_place(self) -> None:
        """If nobody has moved the file, it does so itself, and moves older ones further."""
        for word in (b"one\n", b"two\n"):
            self.log.renew()
            self.log.file.write(word)
        self.assertEqual((self.at(".2"), self.at(".1"), self.at()), (b"old\n", b"one\n", b"two\n"))

    def test_truncated(self) -> None:
        """When somebody truncates the file, the next line stands at its beginning."""
        os.truncate(self.path, 0)
        self.log.file.write(b"new\n")
        self.assertEqual(self.at(), b"new\n")

    def test_large(self) -> None:
        """However large it gets, it begins no new file unasked, as logrotate may count on it."""
        for _ in range(3):
            self.log.file.write(b"x" * 1_000_000)
        self.assertEqual(len(list(self.path.parent.iterdir())), 1)

    def test_cannot_be_made(self) -> None:
        """If no new file can be made, the log stays where it is, and says so in one line."""
        moved = self.path.parent.rename(f"{self.path.parent}.moved")
        self.addCleanup(moved.rename, self.path.parent)
        with Logged() as logged:
            self.log.renew()
        self.log.file.write(b"new\n")
        self.assertRegex(logged.texts[0], r"^the log stays in its old file: \[Errno 2\] .*log'$")
        self.assertEqual(len(logged.texts), 1)
        self.assertEqual((moved / "log").read_bytes(), b"old\nnew\n")

    def test_no_regular_file(self) -> None:
        """A device, as which standard error may be named, is not moved away."""
        path = self.path.with_name("device")
        path.symlink_to("/dev/null")
        log = RenewableFile(path)
        self.addCleanup(log.file.close)
        log.renew()
        self.assertTrue(path.is_char_device())
