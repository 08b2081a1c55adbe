"""The mailbox's files: in their places, for their owner alone, and on a disk that can be read."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.mailbox.batch import Batch, Span
from achat_twisted.mailbox.checkup import Damaged, explain, explain_failure, look_over
from achat_twisted.mailbox.database import Database
from achat_twisted.mailbox.files import Files, Gone
from achat_twisted.mailbox.layout import SCHEMA
from achat_twisted.tools.errors import Unusable
from tests.disk import batch_of, scratch_file
from tests.logged import Logged


def _removed(path: Path) -> None:
    path.unlink()


def _moved_away(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))


def _replaced(path: Path) -> None:
    other = path.with_name("other")
    shutil.copyfile(path, other)
    other.rename(path)


def _directory_moved(path: Path) -> None:
    path.parent.rename(path.parent.with_name("old"))
    path.parent.mkdir()


def _directory_removed(path: Path) -> None:
    shutil.rmtree(path.parent)


def _log_removed(path: Path) -> None:
    path.with_name(f"{path.name}-wal").unlink()


GONE: list[Callable[[Path], None]] = [
    _removed,
    _moved_away,
    _replaced,
    _directory_moved,
    _directory_removed,
    _log_removed,
]
"""Things that people do to a file while a server uses it."""

MAIL = batch_of(Span(1, 0, 0.0, b"1\n", 1), names={1: "bob"})

MORE = batch_of(Span(1, 1, 0.0, b"2\n", 1))


class FilesTestCase(SynchronousTestCase):
    """A test with a place for a mailbox in a folder of its own."""

    def setUp(self) -> None:
        self.path = self.new_path()

    def new_path(self) -> Path:
        path = scratch_file(self).parent / "folder" / "mailbox.sqlite"
        path.parent.mkdir()
        return path

    def open(self, batch: Batch = MAIL) -> Database:
        database = Database(self.path, durable=False)
        self.addCleanup(database.close)
        if batch:
            database.commit(batch)
        return database

    def lines(self) -> list[bytes]:
        """The lines that the next start finds."""
        database = self.open(Batch())
        lines = database.page(1, 0, 1000)
        database.close()
        return lines


class PlaceTests(FilesTestCase):
    """Files that go away under the server."""

    def test_gone(self) -> None:
        """Each way to lose a file fails the next commit, which says which file it is about."""
        for go in GONE:
            self.path = self.new_path()
            database = self.open()
            go(self.path)
            gone = self.assertRaises(Gone, database.commit, MORE)
            self.assertIn(str(self.path), str(gone), go)

    def test_back(self) -> None:
        """When the file is back in its place commits succeed, and nothing is missing in it."""
        database = self.open()
        elsewhere = self.path.rename(self.path.with_name("elsewhere"))
        self.assertRaises(Gone, database.commit, MORE)
        elsewhere.rename(self.path)
        database.commit(MORE)
        database.close()
        self.assertEqual(self.lines(), [b"1\n", b"2\n"])

    def test_gone_and_full(self) -> None:
        """A file that has gone is what a failing commit tells of, whatever else fails it."""
        database = self.open()
        self.path.unlink()
        text: Any = "which the column does not take"
        self.assertRaises(Gone, database.commit, batch_of(Span(1, 2, 0.0, text, 1)))

    def test_rescue(self) -> None:
        """The mail in a file that has gone can be saved to where the next start looks for it."""
        for go in GONE:
            if go in {_replaced, _directory_removed}:
                continue
            self.path = self.new_path()
            database = self.open()
            go(self.path)
            self.assertRaises(Gone, database.commit, MORE)
            self.assertEqual(database.rescue(), self.path)
            database.close()
            self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)
            self.assertEqual(self.lines(), [b"1\n", b"2\n"], go)

    def test_moved_file_is_whole(self) -> None:
        """A file that was moved, and not its log, has all that was committed after a rescue."""
        database = self.open()
        elsewhere = self.path.rename(self.path.with_name("elsewhere"))
        database.rescue()
        database.close()
        self.path = elsewhere
        self.assertEqual(self.lines(), [b"1\n"])

    def test_rescue_beside_another_file(self) -> None:
        """A file that was put in its place is left alone: the mail is saved beside it."""
        database = self.open()
        _replaced(self.path)
        before = self.path.read_bytes()
        rescued = self.path.with_name("mailbox.sqlite.rescued")
        self.assertEqual(database.rescue(), rescued)
        database.close()
        self.assertEqual(self.path.read_bytes(), before)
        self.path = rescued
        self.assertEqual(self.lines(), [b"1\n"])

    def test_no_rescue(self) -> None:
        """A rescue that fails leaves nothing behind."""
        database = self.open()
        _directory_removed(self.path)
        self.assertRaises(OSError, database.rescue)
        self.assertFalse(self.path.parent.exists())


class LinkTests(FilesTestCase):
    """A mailbox behind a symbolic link, whose log SQLite puts beside the file."""

    def setUp(self) -> None:
        super().setUp()
        self.file = self.path.with_name("on-another-disk")
        self.path.symlink_to(self.file)

    def test_used(self) -> None:
        """It is opened, written to, and found again."""
        database = self.open()
        database.commit(MORE)
        database.close()
        self.assertEqual(self.lines(), [b"1\n", b"2\n"])

    def test_crash(self) -> None:
        """Lines that a crash has left in the log are found through a link as well."""
        self.open()
        after = self.path.parent.with_name("after the crash")
        shutil.copytree(self.path.parent, after, symlinks=True)
        self.path = after / "link"
        self.path.symlink_to(after / self.file.name)
        self.assertEqual(look_over(self.path, SCHEMA.version), SCHEMA.version)
        self.assertEqual(self.lines(), [b"1\n"])

    def test_log_removed(self) -> None:
        """A log that goes from beside the file is missed."""
        database = self.open()
        _log_removed(self.file)
        self.assertRaises(Gone, database.commit, MORE)

    def test_rescue(self) -> None:
        """When the file has gone, the mail is saved to where the link leads."""
        database = self.open()
        self.file.unlink()
        self.assertEqual(database.rescue(), self.path)
        database.close()
        self.assertTrue(self.path.is_symlink())
        self.assertEqual(self.lines(), [b"1\n"])


class RightsTests(FilesTestCase):
    """Files that are not for their owner alone."""

    def _logged(self) -> list[str]:
        with Logged("achat_twisted") as logged:
            Database(self.path, durable=False).close()
        return logged.texts

    def test_private(self) -> None:
        """Of a file that only its owner can use nothing is said."""
        self.assertEqual(self._logged(), [])
        self.assertEqual(self._logged(), [])

    def test_readable(self) -> None:
        """A file that others can read is used, and the log says what to do about it."""
        self._logged()
        for mode in (0o604, 0o640):
            self.path.chmod(mode)
            self.assertEqual(
                self._logged(), [f"{self.path} can be read by others; chmod 600 it"], oct(mode)
            )

    def test_writable(self) -> None:
        """A file that others can write is refused, as anybody's mail could be written there."""
        self._logged()
        for mode in (0o602, 0o620):
            self.path.chmod(mode)
            refused = self.assertRaises(Unusable, self._logged)
            self.assertIn(f"others may write {self.path}; chmod 600 it", str(refused))

    def test_behind_a_link(self) -> None:
        """A symbolic link counts as the file that it leads to."""
        self._logged()
        self.path.chmod(0o620)
        link = self.path.with_name("link")
        link.symlink_to(self.path)
        self.path = link
        refused = self.assertRaises(Unusable, self._logged)
        self.assertIn(f"others may write {link}", str(refused))

    def test_log_of_a_crash(self) -> None:
        """The log beside the file, which a crash has left, counts as well."""
        self._logged()
        wal = self.path.with_name("mailbox.sqlite-wal")
        wal.touch(mode=0o600)
        wal.chmod(0o620)
        refused = self.assertRaises(Unusable, self._logged)
        self.assertIn(f"others may write {wal}; chmod 600 it", str(refused))

    def test_anybodys_folder(self) -> None:
        """A folder in which anybody may put another file in its place is told of."""
        self.path.parent.chmod(0o777)
        (text,) = self._logged()
        self.assertIn(f"anybody may remove {self.path}", text)
        self.path.parent.chmod(0o1777)
        self.assertEqual(self._logged(), [])


class UnreadableFiles(Files):
    """Files on a disk that cannot read one of their pages."""

    def read_through(self) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))


class UnreadableTests(FilesTestCase):
    """A disk that cannot be read, which SQLite calls damage."""

    def setUp(self) -> None:
        super().setUp()
        for kind in (Files, UnreadableFiles):
            files = kind(self.path)
            self.addCleanup(files.close)
            self.sound, self.files = getattr(self, "files", files), files

    def _malformed(self) -> sqlite3.DatabaseError:
        """The error that SQLite raises for a page that it cannot make sense of."""
        self.open().close()
        with self.path.open("r+b") as file:
            file.seek(100)
            file.write(b"\xa5" * 4000)
        with closing(sqlite3.connect(self.path)) as sql:
            error = self.assertRaises(sqlite3.DatabaseError, sql.execute, "SELECT * FROM copy")
        assert isinstance(error, sqlite3.DatabaseError)
        return error

    def test_at_the_start(self) -> None:
        """A page that the disk cannot read ends the start, and is not called damage."""
        for error in (Damaged("Tree 4 page 9"), self._malformed()):
            self.assertEqual(
                explain(error, self.files),
                "it cannot be read: Input/output error; look at the disk",
            )
            self.assertIn("it is damaged; restore it from a backup", explain(error, self.sound))

    def test_while_it_runs(self) -> None:
        """Nor is it while the server runs."""
        error = self._malformed()
        self.assertEqual(
            explain_failure(error, self.files), f"{self.path} cannot be read: Input/output error"
        )
        self.assertEqual(explain_failure(error, self.sound), "database disk image is malformed")

    def test_before_it_is_open(self) -> None:
        """A file that cannot be opened is told apart from a disk that fails, or is full."""
        for number, sentence in (
            (errno.ENOENT, "it cannot be opened; its directory must exist, and be writable"),
            (errno.ENOSPC, "the disk is full"),
            (errno.EIO, "it cannot be read or written; is it a file, on a disk that works"),
        ):
            self.assertIn(sentence, explain(OSError(number, os.strerror(number)), None))
