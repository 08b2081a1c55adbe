"""C{achat passwd}, without a terminal."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from click.testing import CliRunner, Result
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.cli import main
from achat_twisted.login import password_file as entries
from achat_twisted.login.passwords import verify
from tests.disk import scratch_file
from tests.passwords import password_file


def _has_no_space(_source: str, _target: Path) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class PasswdTests(SynchronousTestCase):
    """A file, and the command's changes to it."""

    def setUp(self) -> None:
        self.path = scratch_file(self)

    def runs(self, name: str, typed: bytes = b"secret\n", path: Path | None = None) -> Result:
        arguments = ["passwd", str(path or self.path), name]
        return CliRunner().invoke(main, arguments, input=typed)

    def entries(self) -> entries.Entries:
        return entries.parse(self.path.read_text())

    def is_refused(self, sentence: str, name: str = "alice", typed: bytes = b"secret\n") -> None:
        before = self.path.read_text() if self.path.exists() else None
        result = self.runs(name, typed)
        self.assertEqual(result.exit_code, 1)
        self.assertEqual(result.output, f"Error: {sentence}\n")
        self.assertEqual(self.path.read_text() if self.path.exists() else None, before)

    def test_new_file(self) -> None:
        """The first entry makes the file, which nobody else can read."""
        result = self.runs("alice", b" see:cr\xc3\xa4t \n")
        self.assertEqual((result.exit_code, result.output), (0, "alice was added\n"))
        self.assertTrue(verify(self.entries().hashes["alice"], " see:crät ".encode()))
        self.assertEqual(self.path.stat().st_mode & 0o777, 0o600)

    def test_cost(self) -> None:
        """It has the cost that the documents name."""
        self.runs("alice")
        self.assertIn(f"alice:$argon2id$v=19${entries.DEFAULT_COST}$", self.path.read_text())

    def test_change(self) -> None:
        """A new secret replaces the old one; all else stays, but for the mode."""
        text = "# people\n" + password_file(alice="one", bob="two")
        self.path.write_text(text)
        self.path.chmod(0o644)
        result = self.runs("alice", b"new")
        self.assertEqual((result.exit_code, result.output), (0, "alice has a new secret\n"))
        self.assertTrue(verify(self.entries().hashes["alice"], b"new"))
        self.assertEqual(self.path.read_text().splitlines()[2], text.splitlines()[2])
        self.assertEqual(self.path.stat().st_mode & 0o777, 0o600)

    def test_list(self) -> None:
        """The names in a file are listed, one a line, as they stand there; and nothing else."""
        self.path.write_text("# people\n" + password_file(zoe="one", alice="two"))
        result = CliRunner().invoke(main, ["passwd", "--list", str(self.path)])
        self.assertEqual((result.exit_code, result.output), (0, "zoe\nalice\n"))

    def test_list_nothing(self) -> None:
        """A file that is not there, or is none of passwords, has no list."""
        arguments = ["passwd", "--list", str(self.path)]
        result = CliRunner().invoke(main, arguments)
        why = f"Error: {self.path} cannot be read: No such file or directory\n"
        self.assertEqual((result.exit_code, result.output), (1, why))
        for content in (b"alice:secret\n", b"\xff"):
            self.path.write_bytes(content)
            self.assertEqual(CliRunner().invoke(main, arguments).exit_code, 1)

    def test_remove(self) -> None:
        """A name that is removed has no secret any more; all else stays."""
        text = "# people\n" + password_file(alice="one", bob="two")
        self.path.write_text(text)
        arguments = ["passwd", "--remove", str(self.path), " alice "]
        result = CliRunner().invoke(main, arguments)
        self.assertEqual((result.exit_code, result.output), (0, "alice was removed\n"))
        first, _, last = text.splitlines()
        self.assertEqual(self.path.read_text().splitlines(), [first, last])
        result = CliRunner().invoke(main, arguments)
        why = f"Error: alice is not in {self.path}\n"
        self.assertEqual((result.exit_code, result.output), (1, why))

    def test_remove_from_nothing(self) -> None:
        """To remove a name from a file that is not there is a mistake, and makes none."""
        result = CliRunner().invoke(main, ["passwd", "--remove", str(self.path), "alice"])
        self.assertEqual(result.exit_code, 1)
        self.assertFalse(self.path.exists())

    def test_wrong_usage(self) -> None:
        """A command line that wants nothing, or two things at once, is a mistake."""
        for arguments in ([], ["--list", "alice"], ["--list", "--remove"], ["--remove"]):
            result = CliRunner().invoke(main, ["passwd", str(self.path), *arguments])
            self.assertEqual(result.exit_code, 2, arguments)
            self.assertIn("Error: give NAME, or --list without it\n", result.output)

    def test_replaced(self) -> None:
        """Meanwhile readers have the file as it was; and nothing else is left in the folder."""
        self.path.write_text("")
        with open(self.path) as reader:
            self.runs("alice")
            self.assertEqual(reader.read(), "")
        self.assertEqual(os.listdir(self.path.parent), [self.path.name])

    def test_link(self) -> None:
        """A link to the file stays one."""
        link = self.path.with_name("link")
        link.symlink_to(self.path)
        self.assertEqual(self.runs("alice", path=link).exit_code, 0)
        self.assertTrue(link.is_symlink())
        self.assertIn("alice", self.entries().hashes)

    def test_wrong_name(self) -> None:
        """An invalid name gets no secret."""
        self.is_refused("NAME will not do: it contains :", "a:b")
        self.is_refused("NAME will not do: it begins with ! or /", "!a")

    def test_wrong_secret(self) -> None:
        """A secret that nobody could send is refused."""
        self.is_refused("the secret must not be empty", typed=b"\n")
        self.is_refused("the secret must not be empty", typed=b"")
        self.is_refused("the secret will not do: not UTF-8", typed=b"\xff\n")
        self.is_refused("the secret will not do: control characters", typed=b"a\0b\n")

    def test_wrong_file(self) -> None:
        """A file that is not a password file is left as it was."""
        self.path.write_text("alice:secret\n")
        self.is_refused(
            f"{self.path} is left as it was: line 1 is not"
            " NAME:$argon2id$v=19$m=…,t=…,p=…$SALT$HASH"
        )

    def test_no_folder(self) -> None:
        """A file in a folder that does not exist cannot be written."""
        result = self.runs("alice", path=self.path / "x")
        self.assertEqual(result.exit_code, 1)
        self.assertEqual(
            result.output,
            f"Error: {self.path / 'x'} cannot be written: No such file or directory\n",
        )

    def test_broken_off(self) -> None:
        """The file is as it was before if anything goes wrong, and nothing else is left."""
        self.path.write_text("")
        self.patch(os, "replace", _has_no_space)
        self.is_refused(f"{self.path} cannot be written: No space left on device")
        self.assertEqual(os.listdir(self.path.parent), [self.path.name])
