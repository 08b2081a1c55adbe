"""An older mailbox file that is put back: what it needs so that no number is given twice."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing

from tests.disk import write_version_1
from tests.functional.processes import Client, Process
from tests.functional.test_mailbox import MailboxTestCase
from tests.scratch import TREE

DELETE = "DELETE FROM tag; DELETE FROM refusal; UPDATE room SET era = ''"
"""The SQL that docs/operations.md has for it."""


class RestoreTests(MailboxTestCase):
    """A file that is copied after a stop, and put back when more has happened."""

    async def _start(self) -> Process:
        return await self.start("--mailbox", self.mailbox, "--durable")

    async def _resume(self, server: Process, name: str) -> tuple[Client, list[str]]:
        """A session with a tag, and what it is told: lines, next message, era."""
        client = await self.call(server, f"/resume t\n{name}")
        await client.heard.contains("! resumed ")
        (told,) = (line for line in client.lines() if line.startswith("! resumed "))
        return client, told.split()[2:]

    async def _converse(self, text: str) -> list[str]:
        """Run a server once: Alice says a line to the worker, which gets it."""
        server = await self._start()
        worker, told = await self._resume(server, "worker")
        alice, _ = await self._resume(server, "alice")
        alice.say(f"worker: {text}", "/sync")
        await worker.heard.contains(f"from alice: {text}\n")
        worker.say(f"/got {told[1]}", "/sync")
        for client in (alice, worker):
            await client.heard.contains("! synced ")
        await self.stop(server)
        return told

    async def _put_back(self, sql: str) -> tuple[list[str], list[str]]:
        """Put an older file back, once with C{sql}: what the worker is told before, and then."""
        await self._converse("1")
        older = self.path.with_name("older.sqlite")
        shutil.copy(self.path, older)
        before = await self._converse("2")
        shutil.copy(older, self.path)
        with closing(sqlite3.connect(self.path)) as file:
            file.executescript(sql)
        return before, await self._converse("3")

    async def test_with_its_tags(self) -> None:
        """With its tags the file gives a number twice: the worker takes 3 for 2, and skips it."""
        before, after = await self._put_back("")
        self.assertEqual(after, before)

    async def test_without_its_tags(self) -> None:
        """Without them each tag hears of another era, so that it knows that it knows nothing."""
        before, after = await self._put_back(DELETE)
        self.assertNotEqual(after[2], before[2])
        self.assertEqual(after[0], "0")
        documented = (TREE / "docs" / "operations.md").read_text()
        self.assertIn(f'"{DELETE}"', documented)


class UpgradeTests(MailboxTestCase):
    """A file of version 1, as a server with C{--durable} leaves it when it is killed."""

    async def test_upgrade(self) -> None:
        """The mail is there, in order, and has numbers; the old file lies beside it."""
        write_version_1(self.path)
        server = await self.start("--mailbox", self.mailbox)
        bob = await self.call(server, "/resume t\nbob")
        await bob.heard.contains("six\n")
        _, resumed, *rest = bob.lines()
        self.assertRegex(resumed, r"^! resumed 0 [1-9]\d* ")
        self.assertEqual(rest, ["! mail 5", "one", "two", "four", "five", "six"])
        backup = self.path.with_name("mailbox.sqlite.version-1")
        with closing(sqlite3.connect(backup)) as sql:
            self.assertEqual(sql.execute("PRAGMA user_version").fetchone(), (1,))
            self.assertEqual(sql.execute("SELECT count(*) FROM copy").fetchone(), (4,))
