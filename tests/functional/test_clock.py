"""Processes whose wall clock is set, or that do not run for a while."""

from __future__ import annotations

import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater

from tests.functional.processes import SCRIPTS, TWISTD, Client, FunctionalTestCase, Process

HOUR = 3600.0

MINUTE = 60.0

SOON = 12.0
"""Seconds in which everything here happens; an hour's step would make it an hour."""

REACTORS = ("epoll", "poll", "select", "asyncio")

SITE = """
import os, time
real = time.time
def time_of_day():
    with open(os.environ["WALL_CLOCK"]) as file:
        return real() + float(file.read())
time.time = time_of_day
"""
"""Has a process that imports it see another time of day, before it has imported anything else."""


class WallClock:
    """The wall clock of processes that have its C{environment}."""

    def __init__(self, folder: Path) -> None:
        (folder / "sitecustomize.py").write_text(SITE)
        self._file = folder / "offset"
        path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
        self.environment = {"PYTHONPATH": path, "WALL_CLOCK": str(self._file)}
        self.set(0.0)

    def set(self, offset: float) -> None:
        """Let it be ahead of the true time by so many seconds."""
        draft = self._file.with_suffix(".draft")
        draft.write_text(str(offset))
        draft.replace(self._file)


class WallClockTests(FunctionalTestCase):
    """Deadlines and delays go by another clock."""

    async def test_server(self) -> None:
        """No timer of a server is late, and none early, when the wall clock is set; nor is mail
        any older. It is so with every reactor that twistd may have here.
        """
        await gatherResults([Deferred.fromCoroutine(self.serve(name)) for name in REACTORS])

    async def serve(self, name: str) -> None:
        folder = self.folder()
        wall = WallClock(folder)
        server = self.run_process(
            *(TWISTD[0], "--reactor", name, *TWISTD[1:]),
            *("--port", "0", "--login-timeout", "4", "--mailbox", f"sqlite:{folder}/mailbox"),
            environment=wall.environment,
        )
        await server.output.contains("listening on ")
        alice = await self.call(server, "alice")
        silent, late = await self.call(server), await self.call(server)
        await self.pong(alice)
        wall.set(HOUR)
        await self.pong(alice)
        late.say("late")
        await late.heard.contains("! welcome late\n")
        wall.set(-HOUR)
        await silent.heard.contains("! bad-name none came").addTimeout(SOON, reactor)
        server.send(signal.SIGTERM)
        await server.ended.addTimeout(SOON, reactor)
        with closing(sqlite3.connect(folder / "mailbox")) as sql:
            ((lag,),) = sql.execute("SELECT mail - wall FROM mail_clock").fetchall()
        self.assertApproximates(lag, HOUR, MINUTE)  # of real time, on a busy machine

    async def pong(self, client: Client) -> None:
        """See that the server has had a turn."""
        client.heard.turn_page()
        client.say("/ping")
        await client.heard.contains("! pong\n")

    async def test_client(self) -> None:
        """A client looks for its server for as long as it was told to."""
        wall = WallClock(self.folder())
        client = self.run_process(
            *(str(SCRIPTS / "achat"), "chat", "--retry", "2", "carol@127.0.0.1:1"),
            environment=wall.environment,
        )
        await client.output.contains("trying again for 2 seconds")
        wall.set(-HOUR)
        self.assertEqual(await client.ended.addTimeout(SOON, reactor), 75)


class SuspensionTests(FunctionalTestCase):
    """Input that came in time is read before it is called late."""

    async def suspend(self, process: Process, seconds: float) -> None:
        process.send(signal.SIGSTOP)
        await deferLater(reactor, seconds)
        process.send(signal.SIGCONT)

    async def test_names(self) -> None:
        """Clients that have said their names in time are welcome, more of them than are read in
        one turn of the reactor.
        """
        server = await self.start("--login-timeout", "2", "--connections-per-host", "0")
        clients = [await self.call(server) for _ in range(300)]
        suspension = Deferred.fromCoroutine(self.suspend(server, 3.0))
        for number, client in enumerate(clients):
            client.say(f"n{number}")
        await suspension
        for client in clients:
            await client.hears(len("! welcome "))
        heard = {client.heard.text[: len("! welcome")] for client in clients}
        self.assertEqual(heard, {"! welcome"})
