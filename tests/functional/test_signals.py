"""Signals that are not meant as an end, sent to the real twistd; and the real logrotate."""

from __future__ import annotations

import shutil
import signal
import subprocess
from pathlib import Path
from unittest import SkipTest

from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from achat_twisted.server.signals import STRAYS
from tests.functional.processes import TWISTD, FunctionalTestCase, Process

DEPLOY = Path(__file__).parents[2] / "deploy"


class StrayTests(FunctionalTestCase):
    """Without a log file, where SIGUSR1 means nothing either."""

    async def test_ignored(self) -> None:
        """None of them ends the server; of each the first is a line in the log."""
        server = await self.start()
        strays = [number for number in STRAYS if number != signal.SIGHUP]
        for name in ("alice", "bob"):
            for number in strays:
                server.transport.signalProcess(number)
            client = await self.call(server, name)
            await server.output.contains(f"{name} logged in")
        self.assertEqual(server.output.text.count("means nothing here: ignored"), len(strays))
        self.assertIn("#info] SIGUSR1 means nothing here: ignored\n", server.output.text)
        server.send(signal.SIGTERM)
        self.assertEqual(await self.bye(client), 0)

    async def test_hangup_at_the_start(self) -> None:
        """A hangup before the server can be reloaded is ignored as well."""
        server = self.run_twistd("--port", "0")
        await server.output.contains("starting up")
        server.send(signal.SIGHUP)
        await server.output.contains("listening on ")
        alice = await self.call(server, "alice")
        server.send(signal.SIGTERM)
        self.assertEqual(await self.bye(alice), 0)


class LogrotateTests(FunctionalTestCase):
    """C{deploy/achat.logrotate}, run by logrotate and by hand."""

    def setUp(self) -> None:
        self.place = self.folder()
        self.log = self.place / "achat.log"

    async def serve(self) -> Process:
        twistd = [*TWISTD[:-1], f"--logfile={self.log}", f"--pidfile={self.place}/pid", "achat"]
        server = self.run_process(*twistd, "--listen", f"unix:{self.place}/socket")
        await self.logged("listening on ")
        return server

    async def logged(self, text: str, name: str = "achat.log") -> None:
        """Wait until it stands in a log."""
        path = self.place / name
        while not (path.exists() and text in path.read_text()):
            await deferLater(reactor, 0.02)

    async def test_twice(self) -> None:
        """As shipped it moves the log away, and the server goes on in a new one, each time."""
        logrotate = shutil.which("logrotate", path="/usr/sbin:/usr/bin:/sbin:/bin")
        if logrotate is None:
            raise SkipTest("there is no logrotate here")
        text = (DEPLOY / "achat.logrotate").read_text()
        for path, mine in (
            ("/var/log/achat/achat.log {", f"{self.log} {{"),
            ("/run/achat.pid", f"{self.place}/pid"),
        ):
            self.assertIn(path, text)
            text = text.replace(path, mine)
        configuration = self.place / "logrotate.conf"
        configuration.write_text(text)
        server = await self.serve()
        command = [logrotate, "--force", "--state", str(self.place / "state"), str(configuration)]
        for turn in (1, 2):
            done = await deferToThread(
                subprocess.run, command, capture_output=True, text=True, check=False
            )
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            while not self.log.exists():
                await deferLater(reactor, 0.02)
            # Something to be logged, or there is nothing to move away the next time.
            server.send([signal.SIGUSR2, signal.SIGALRM][turn - 1])
            await self.logged("means nothing here")
        self.assertIn("SIGALRM", self.log.read_text())
        self.assertIn("SIGUSR2", (self.place / "achat.log.1").read_text())
        self.assertTrue((self.place / "achat.log.2.gz").exists())

    async def test_by_hand(self) -> None:
        """After a move and SIGUSR1, too, the log is where the server was told to write it."""
        server = await self.serve()
        self.log.rename(self.place / "moved")
        server.send(signal.SIGUSR1)
        while not self.log.exists():
            await deferLater(reactor, 0.02)
        server.send(signal.SIGUSR2)
        await self.logged("SIGUSR2 means nothing here")
