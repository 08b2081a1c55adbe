"""The mailbox on disk: mail that outlives the process, and files that stop a start."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path

from twisted.trial.unittest import SkipTest

from achat_twisted.mailbox.batch import Span
from achat_twisted.mailbox.database import Database
from tests.disk import batch_of
from tests.functional.numbered import NumberedTestCase, numbered
from tests.functional.processes import TWISTD, Client, Process

WRONG = [
    ("--mailbox disk", "--mailbox must be memory or sqlite:PATH, not 'disk'"),
    ("--mailbox sqlite:", "--mailbox must be memory or sqlite:PATH, not 'sqlite:'"),
    ("--mailbox-limit many", "--mailbox-limit must be a whole number of bytes from 0 to "),
    ("--mailbox-total -1", "--mailbox-total must be a whole number of bytes from 0 to "),
    ("--keep 0", "--keep must be a number of days from 0.001 to 36500, or a time"),
    ("--durable --mailbox memory", "--durable needs --mailbox sqlite:PATH"),
]

NOT_OURS = "it is a database, but not a mailbox of achat"

DAMAGED = "it is damaged; restore it from a backup, or move it away"

READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
"""Runs a command that sees a folder as read-only; root, too, may not write there."""


def _write_mailbox(path: Path) -> None:
    """A mailbox with mail, on some 50 pages of 4 KiB."""
    database = Database(path, durable=False)
    mail = Span(1, 0, 0.0, 300 * (b"x" * 500 + b"\n"), 300)
    database.commit(batch_of(mail, names={1: "bob"}))
    database.close()


def _write_newer(path: Path) -> None:
    _write_mailbox(path)
    sql = sqlite3.connect(path)
    sql.execute("PRAGMA user_version=99")
    sql.close()


def _write_foreign(path: Path) -> None:
    sql = sqlite3.connect(path)
    sql.execute("CREATE TABLE recipe (cake TEXT)")
    sql.close()


def _write_text(path: Path) -> None:
    path.write_text("eggs, flour, sugar\n" * 100)


def _write_torn(path: Path) -> None:
    """One page of it is not what it was."""
    _write_mailbox(path)
    with path.open("r+b") as file:
        file.seek(25 * 4096)
        file.write(b"\xa5" * 4096)


def _write_short(path: Path) -> None:
    _write_mailbox(path)
    os.truncate(path, path.stat().st_size // 2)


def _write_directory(path: Path) -> None:
    path.mkdir()


def _write_open(path: Path) -> None:
    """Anybody may write it."""
    _write_mailbox(path)
    path.chmod(0o666)


UNUSABLE: list[tuple[Callable[[Path], None], str]] = [
    (_write_newer, "it has version 99, and this achat knows versions up to 3"),
    (_write_foreign, NOT_OURS),
    (_write_text, "it is not a database"),
    (_write_torn, DAMAGED),
    (_write_short, DAMAGED),
    (_write_directory, ""),
    (_write_open, "others may write "),
]


class MailboxTestCase(NumberedTestCase):
    """A test with a place for a mailbox."""

    def setUp(self) -> None:
        self.path = self.folder() / "mailbox.sqlite"
        self.mailbox = f"sqlite:{self.path}"

    async def stop(self, server: Process) -> None:
        server.send(signal.SIGTERM)
        await server.ended


class RestartTests(MailboxTestCase):
    """The mail that is there again after a restart."""

    async def test_mail_and_names(self) -> None:
        """Names and their mail outlive the process, and new mail comes behind it."""
        for number, inherited in ((1, 0), (2, 2)):
            server = await self.start("--mailbox", self.mailbox)
            if number == 1:
                bob = await self.call(server, "bob")
                bob.say("/quit")
                await self.bye(bob)
            alice = await self.call(server, "alice")
            alice.say(f"bob: {number}", f"bob, nobody: {number} too", "/sync")
            await alice.heard.contains("! synced 3\n")
            self.assertEqual(alice.lines()[1:3], ["! kept bob 2", "! unknown nobody 1"])
            await self.stop(server)
            self.assert_ledger(server, rf"\+ inherited {inherited} = .* kept {inherited + 2} ")
        server = await self.start("--mailbox", self.mailbox)
        bob = await self.call(server, "bob")
        await bob.heard.contains("2 too\n")
        mail = ["1", "1 too", "2", "2 too"]
        self.assertEqual(
            bob.lines(), ["! welcome bob", "! mail 4", *(f"from alice: {text}" for text in mail)]
        )
        bob.say("/quit")
        await self.bye(bob)
        await self.stop(server)
        self.assert_ledger(server, r"^accepted 0 \+ inherited 4 = delivered 4 \+ kept 0 ")

    async def test_what_was_on_its_way(self) -> None:
        """Lines that a stop without patience cuts off come after the restart, in order."""
        server = await self.start("--mailbox", self.mailbox, "--grace", "0")
        bob, alice = await self.call(server, "bob"), await self.call(server, "alice")
        bob.transport.pauseProducing()
        alice.say(*numbered("bob", range(9_000)), "/sync")
        await alice.heard.contains("! synced 9001\n")
        await self.stop(server)
        again = await self.start("--mailbox", self.mailbox)
        bob = await self.count(again, "bob")
        await bob.gets(8_999)
        self.assertEqual(bob.numbers, list(range(bob.numbers[0], 9_000)))
        self.assert_ledger(server, rf"delivered {bob.numbers[0]} \+ kept {len(bob.numbers)} ")


class MemoryTests(MailboxTestCase):
    """A restart of a server whose mailbox is in memory."""

    async def test_who_comes_back_later(self) -> None:
        """A line that comes just after the restart waits for a name that is not back yet."""
        server = await self.start()
        alice = await self.call(server, "alice")
        alice.say("bob: hi")
        await alice.heard.contains("! kept bob 1\n")
        bob = await self.call(server, "bob")
        await bob.heard.contains("! mail 1\nfrom alice: hi\n")


class GoneTests(MailboxTestCase):
    """A mailbox whose file goes away under the server."""

    async def _lose(self, *options: str) -> tuple[Process, Client]:
        """A server that has kept a line for Bob, and has lost its file since; and Alice."""
        server = await self.start("--mailbox", self.mailbox, *options)
        bob = await self.call(server, "bob")
        bob.say("/quit")
        await self.bye(bob)
        alice = await self.call(server, "alice")
        alice.say("bob: 1")
        await alice.heard.contains("! kept bob 1\n")
        self.path.rename(self.path.with_name("elsewhere"))
        alice.heard.turn_page()
        return server, alice

    async def test_nothing_is_promised(self) -> None:
        """With --durable nothing is kept or synced before the file is back."""
        server, alice = await self._lose("--durable")
        alice.say("bob: 2", "/sync")
        await server.output.contains("was removed, moved or replaced under the server")
        alice.say("/ping")
        await alice.heard.contains("! pong\n")
        self.assertEqual(alice.lines(), ["! pong"])
        self.path.with_name("elsewhere").rename(self.path)
        await alice.heard.contains("! kept bob 1\n! synced 3\n")
        server.send(signal.SIGKILL)
        await server.ended
        bob = await self.call(await self.start("--mailbox", self.mailbox), "bob")
        await bob.heard.contains("from alice: 1\nfrom alice: 2\n")

    async def test_restart(self) -> None:
        """A stop saves all mail to where the next start finds it."""
        server, _ = await self._lose()
        await self.stop(server)
        self.assertIn(f"all that was in it is now in {self.path}\n", server.output.text)
        bob = await self.call(await self.start("--mailbox", self.mailbox), "bob")
        await bob.heard.contains("from alice: 1\n")


class CommandLineTests(MailboxTestCase):
    """The place of the mail, and places and limits that are refused."""

    async def _says(self, environment: dict[str, str]) -> str:
        """The log of a server that was not told a place."""
        server = self.run_process(*TWISTD, "--port", "0", environment=environment)
        return await server.output.contains("listening on ")

    async def test_state_directory(self) -> None:
        """In a service with a directory of its own the mail is in a file there, by default."""
        said = await self._says({"STATE_DIRECTORY": str(self.path.parent)})
        self.assertIn(f"mail is kept in {self.path}\n", said)
        self.assertTrue(self.path.exists())

    async def test_memory(self) -> None:
        """Without such a directory the mail is in memory, and the log says what that means."""
        said = await self._says({"STATE_DIRECTORY": ""})
        self.assertIn("mail is kept in memory, and ends with this process\n", said)

    async def test_wrong_values(self) -> None:
        """A wrong value ends with one sentence and a non-zero exit."""
        for options, sentence in WRONG:
            process = self.run_twistd("--port", "0", *options.split())
            self.assertEqual(await process.ended, 1)
            (line,) = process.output.text.splitlines()
            self.assertTrue(line.startswith(f"achat: {sentence}"), line)


class UnusableTests(MailboxTestCase):
    """Files with which the server does not start, and which it leaves alone."""

    async def _refuses(self, process: Process, why: str) -> None:
        self.assertEqual(await process.ended, 1)
        self.assertIn(f"achat: the mailbox {self.path} cannot be used: {why}", process.output.text)
        self.assertNotIn("Traceback", process.output.text)
        self.assertNotIn("listening", process.output.text)

    def _bytes(self) -> bytes:
        return self.path.read_bytes() if self.path.is_file() else b""

    async def test_unusable_files(self) -> None:
        """A file that is not a sound mailbox ends the start in a sentence, and stays as it is."""
        for write, why in UNUSABLE:
            self.path = self.folder() / "mailbox.sqlite"
            write(self.path)
            before = self._bytes()
            process = self.run_twistd("--port", "0", "--mailbox", f"sqlite:{self.path}")
            await self._refuses(process, why)
            self.assertEqual(self._bytes(), before, why)

    async def test_no_such_directory(self) -> None:
        """A directory is not made for the mailbox: perhaps its disk is not mounted."""
        self.path = self.path.parent / "missing" / "mailbox.sqlite"
        process = self.run_twistd("--port", "0", "--mailbox", f"sqlite:{self.path}")
        await self._refuses(process, "it cannot be opened; its directory must exist")
        self.assertFalse(self.path.parent.exists())

    async def test_in_use(self) -> None:
        """A second server on the same file does not start, and does not disturb the first one."""
        _write_mailbox(self.path)
        server = await self.start("--mailbox", self.mailbox)
        before = self._bytes()
        process = self.run_twistd("--port", "0", "--mailbox", self.mailbox)
        await self._refuses(process, "another server uses it")
        self.assertEqual(self._bytes(), before)
        bob = await self.call(server, "bob")
        await bob.hears(300 * 500)

    async def test_read_only(self) -> None:
        """No server starts if nothing can be written, whether there is mail or not."""
        folder = str(self.path.parent)
        if await self.run_process(
            "unshare", "--mount", "sh", "-c", READ_ONLY, folder, "true"
        ).ended:
            raise SkipTest("a folder cannot be made read-only here: unshare or mount failed")
        for there_is_mail in (False, True):
            if there_is_mail:
                _write_mailbox(self.path)
            before = self._bytes()
            server = (*TWISTD, "--port", "0", "--mailbox", self.mailbox)
            await self._refuses(
                self.run_process("unshare", "--mount", "sh", "-c", READ_ONLY, folder, *server),
                "it cannot be opened; its directory must exist, and be writable",
            )
            self.assertEqual(self._bytes(), before)
