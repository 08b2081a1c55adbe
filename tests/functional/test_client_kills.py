"""Programs that use the library, and what is left of them: from file to file, through kills.

An asker has questions in a table of its file, and posts them; a worker notes each of them in its
own file, and answers; the asker notes the answers. Both work in the library's transactions.
"""

from __future__ import annotations

import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from tests.functional.serving import Running, ServedTestCase, until

ASKER = """
import asyncio, sys
from achat_twisted.client import connect

async def ask(chat):
    async with chat.transaction() as work:
        work.db.execute("CREATE TABLE IF NOT EXISTS asked (number)")
        work.db.execute("CREATE TABLE IF NOT EXISTS heard (text)")
        (first,) = work.db.execute("SELECT count(*) FROM asked").fetchone()
    for number in range(first, int(sys.argv[3])):
        async with chat.transaction() as work:
            work.db.execute("INSERT INTO asked VALUES (?)", [number])
            work.post("worker", number)

async def main():
    async with connect(sys.argv[1], state=sys.argv[2]) as chat:
        asking = asyncio.create_task(ask(chat))
        async for message in chat:
            async with message.transaction() as work:
                work.db.execute("INSERT INTO heard VALUES (?)", [message.text])

asyncio.run(main())
"""

WORKER = """
import sys
from achat_twisted.client.blocking import connect

with connect(sys.argv[1], state=sys.argv[2]) as chat:
    for message in chat:
        with message.transaction() as work:
            work.db.execute("CREATE TABLE IF NOT EXISTS heard (text)")
            work.db.execute("INSERT INTO heard VALUES (?)", [message.text])
            work.post(message.sender, f"did {message.text}")
"""

QUESTIONS = 600


class Program:
    """One name's program, in process after process, all with the same file."""

    def __init__(self, case: ServedTestCase, code: str, name: str, path: Path) -> None:
        self.name = name
        self._case = case
        self._code = code
        self._path = path
        self._running: Running | None = None

    async def start(self, port: int) -> None:
        self._running = await self._case.run_python(
            self._code, f"{self.name}@127.0.0.1:{port}", str(self._path), str(QUESTIONS)
        )

    async def kill(self) -> None:
        """The end without a warning."""
        assert self._running is not None and not self._running.is_over, self._running
        await self._running.end(signal.SIGKILL)

    def heard(self) -> list[str]:
        """The texts that it has noted, in order."""
        if not self._path.exists():
            return []
        with closing(sqlite3.connect(self._path, timeout=30)) as db:
            try:
                return [text for (text,) in db.execute("SELECT text FROM heard ORDER BY rowid")]
            except sqlite3.OperationalError:
                return []  # there is no such table yet


class KillTests(ServedTestCase):
    """An asker, a worker and a server that are killed in turn."""

    async def asyncSetUp(self) -> None:
        self.place = self.folder()
        self.asker = Program(self, ASKER, "asker", self.place / "asker")
        self.worker = Program(self, WORKER, "worker", self.place / "worker")

    async def begin(self, *options: str) -> None:
        self.server = await self.serve(*options)
        for program in (self.worker, self.asker):
            await program.start(self.server.port)

    def has_heard(self, program: Program, count: int) -> Callable[[], bool]:
        return lambda: len(program.heard()) >= count

    def assert_once(self) -> None:
        """Each question was worked off once and each answer came once, in order."""
        self.assertEqual(self.worker.heard(), [str(number) for number in range(QUESTIONS)])
        self.assertEqual(self.asker.heard(), [f"did {number}" for number in range(QUESTIONS)])

    async def test_kills(self) -> None:
        """Each line arrives once and in order, from file to file, whatever is killed."""
        await self.begin("--durable", "--mailbox", f"sqlite:{self.place / 'mail'}")
        for part in range(1, 7):
            await until(self.has_heard(self.worker, part * QUESTIONS // 8))
            if part % 3 == 0:
                await self.server.kill()
                await self.server.start()
            else:
                program = (self.asker, self.worker)[part % 3 - 1]
                await program.kill()
                await program.start(self.server.port)
        await until(self.has_heard(self.asker, QUESTIONS))
        self.assert_once()

    async def test_away(self) -> None:
        """Lines that are posted while no server is there arrive once, though their program dies."""
        await self.begin("--durable", "--mailbox", f"sqlite:{self.place / 'mail'}")
        await until(self.has_heard(self.worker, 1))
        await self.server.kill()
        await until(lambda: self._asked() == QUESTIONS)
        await self.asker.kill()
        await self.server.start()
        await self.asker.start(self.server.port)
        await until(self.has_heard(self.asker, QUESTIONS))
        self.assert_once()

    def _asked(self) -> int:
        with closing(sqlite3.connect(self.place / "asker", timeout=30)) as db:
            (count,) = db.execute("SELECT count(*) FROM asked").fetchone()
        return int(count)
