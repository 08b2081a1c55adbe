"""Unix sockets: those that are there already, and those that stay behind."""

from __future__ import annotations

import fcntl
import os
import pwd
import signal
import socket
from unittest import SkipTest

from twisted.internet import reactor
from twisted.internet.endpoints import UNIXClientEndpoint

from tests.functional.processes import SCRIPTS, TWISTD, FunctionalTestCase, Process


class TakeoverTests(FunctionalTestCase):
    """C{--listen unix:}; for C{--admin} see L{tests.functional.test_admin}."""

    def setUp(self) -> None:
        self.place = self.folder()
        self.socket = self.place / "socket"
        self.lock = self.place / "socket.lock"

    async def serve(self, *options: str) -> Process:
        return await self.start("--listen", f"unix:{self.socket}", *options)

    async def refused(self) -> str:
        """The words of a server that cannot listen there, and ends."""
        server = self.run_twistd("--listen", f"unix:{self.socket}")
        said = await server.output.until(lambda text: "listening on " in text or "[Errno" in text)
        self.assertNotIn("listening on ", said)
        self.assertEqual(await server.ended, 1)
        return server.output.whole

    async def chat(self, before: str = "") -> None:
        """See that there is a server behind the socket, and that its reactor runs."""
        client = await self.call(UNIXClientEndpoint(reactor, str(self.socket)), f"{before}alice")
        self.assertEqual(client.lines(), ["! welcome alice"])
        client.abort()

    async def test_dead_server(self) -> None:
        """A killed server's socket is taken over, although its process number is another's now."""
        server = await self.serve()
        server.send(signal.SIGKILL)
        await server.ended
        self.lock.unlink()
        self.lock.symlink_to(str(os.getpid()))
        await self.serve()
        await self.chat()

    async def test_lock_alone(self) -> None:
        """A lock without a socket is taken over, too."""
        self.lock.symlink_to(str(os.getpid()))
        await self.serve()
        await self.chat()

    async def test_living_server(self) -> None:
        """A running server's socket is left alone, whatever the lock says."""
        await self.serve()
        self.lock.unlink()
        self.assertIn("[Errno 98] another server listens there; stop ", await self.refused())
        await self.chat()

    async def test_race(self) -> None:
        """Of servers that start at once on a dead one's socket, one gets it and the others fail."""
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(self.socket))
        servers = [self.run_twistd("--listen", f"unix:{self.socket}") for _ in range(4)]
        for server in servers:
            await server.output.until(
                lambda text: "listening on " in text or "another server listens there" in text
            )
        owners = [server for server in servers if "listening on" in server.output.text]
        self.assertEqual(len(owners), 1)
        await self.chat()

    async def test_locked(self) -> None:
        """A directory that somebody keeps locked ends the start with a sentence."""
        descriptor = os.open(self.place, os.O_RDONLY)
        self.addCleanup(os.close, descriptor)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        said = await self.refused()
        self.assertIn(f"[Errno 16] {self.place} is locked by another process", said)

    async def test_something_else(self) -> None:
        """A file that is not a socket is left alone, and no lock stays behind."""
        self.socket.write_text("precious")
        self.assertIn("[Errno 98] Address already in use", await self.refused())
        self.assertEqual(self.socket.read_text(), "precious")
        self.assertFalse(self.lock.is_symlink())

    async def test_mode_and_lockfile(self) -> None:
        """The endpoint's options keep Twisted's meaning, behind a proxy too."""
        endpoint = f"unix:{self.socket}:mode=600:lockfile=0"
        for kind, before in (("", ""), ("haproxy:", "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n")):
            server = await self.start("--listen", f"{kind}{endpoint}")
            await self.chat(before)
            self.assertEqual(self.socket.stat().st_mode & 0o777, 0o600)
            self.assertFalse(self.lock.is_symlink())
            server.send(signal.SIGTERM)
            await server.ended
            self.assertEqual(list(self.place.iterdir()), [])

    async def test_removed(self) -> None:
        """A stop is in order although somebody has removed the socket, or put up another one."""
        for successor in (False, True):
            server = await self.serve()
            await self.chat()
            self.socket.unlink()
            if successor:
                self.enterContext(socket.socket(socket.AF_UNIX)).bind(str(self.socket))
            server.send(signal.SIGTERM)
            await server.ended
            self.assert_ledger(server, "accepted 0 ")
            self.assertNotIn("Traceback", server.output.whole)
            self.assertEqual(self.socket.exists(), successor)


class OtherUserTests(FunctionalTestCase):
    """C{twistd --uid}: root makes the sockets, and then becomes nobody."""

    async def test_two_lives(self) -> None:
        """The user owns them; one it cannot remove is reported, for the next start to take."""
        if os.getuid() != 0:
            raise SkipTest("only root can become another user")
        nobody = pwd.getpwnam("nobody")
        place = self.folder()
        place.chmod(0o755)
        paths = [place / "socket", place / "admin"]
        options = ("--listen", f"unix:{paths[0]}:mode=600", "--admin", str(paths[1]))
        for _ in range(2):
            server = self.run_process(*TWISTD[:-1], "--uid", "nobody", TWISTD[-1], *options)
            await server.output.contains("listening on ")
            for path in paths:
                self.assertEqual((path.stat().st_uid, path.stat().st_gid), nobody[2:4])
            client = await self.call(UNIXClientEndpoint(reactor, str(paths[0])), "alice")
            admin = [str(SCRIPTS / "achat"), "admin", "--socket", str(paths[1]), "kick", "alice"]
            asking = self.run_process(*admin)
            self.assertEqual((await asking.ended, asking.output.whole), (0, ""))
            self.assertEqual(await self.bye(client), 0)
            server.send(signal.SIGTERM)
            await server.ended
            self.assert_ledger(server, "accepted 0 ")
            self.assertNotIn("Traceback", server.output.whole)
            for path in paths:
                self.assertIn(
                    f"{path} stays behind, for the next server to take over: Permission denied",
                    server.output.whole,
                )
