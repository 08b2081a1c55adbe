"""Connections that break: missing lines come again, in order, and none is lost."""

from __future__ import annotations

import signal
import socket
import struct
import sys

from twisted.internet import reactor
from twisted.internet.endpoints import UNIXClientEndpoint
from twisted.internet.interfaces import IStreamClientEndpoint

from tests.functional.numbered import TEXT, NumberedTestCase, numbered
from tests.functional.processes import Client, Process

LINES = 6_000
"""Of 1 KB each: more than the kernel and an outbox hold for somebody who does not read."""

CUTS = (0, 1, 5_000, 1_500_000)
"""After how many bytes of messages a connection is reset."""

WINDOW = 65_536
"""The receive buffer of a client that is reset; the kernel makes it twice as large."""

SLEEPER = """
import signal, socket, sys
server = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
server.sendall(b"bob\\n")
signal.pause()
"""
"""A client that logs in, and then neither reads nor says anything."""


def _read(client: socket.socket, size: int) -> bytes:
    """Exactly so many bytes."""
    data = b""
    while len(data) < size:
        chunk = client.recv(size - len(data))
        assert chunk, data
        data += chunk
    return data


def _reset(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


class BreakTests(NumberedTestCase):
    """A client that is sent 6 MB, and breaks off in the middle."""

    async def _posts(self, server: Process, alice: Client) -> None:
        """Alice posts to Bob, who has just logged in, until all of it is taken in."""
        await server.output.contains("bob logged in")
        server.output.turn_page()
        alice.heard.turn_page()
        alice.say(*numbered("bob", range(LINES)), "/sync")
        await alice.heard.contains("! synced")

    async def _returns(
        self, server: Process, address: Process | IStreamClientEndpoint
    ) -> list[int]:
        """Bob comes again, and gets his mail: the numbers of his lines."""
        await server.output.contains("bob left")
        bob = await self.count(address, "bob")
        await bob.gets(LINES - 1)
        bob.say("/quit")
        await self.bye(bob)
        await server.output.until(lambda text: text.count("bob left") == 2)
        return bob.numbers

    async def test_reset(self) -> None:
        """Wherever a connection is reset, lines its machine had not got come again, in order."""
        server = await self.start()
        alice = await self.call(server, "alice")
        for cut in CUTS:
            bob = socket.socket()
            self.addCleanup(bob.close)
            bob.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, WINDOW)
            bob.connect(("127.0.0.1", server.port()))
            bob.sendall(b"bob\n")
            await self._posts(server, alice)
            _read(bob, len("! welcome bob\n") + cut)
            _reset(bob)
            numbers = await self._returns(server, server)
            self.assertEqual(numbers, list(range(numbers[0], LINES)))
            self.assertLessEqual(numbers[0] * len(TEXT), cut + 3 * WINDOW)

    async def test_reset_of_a_unix_socket(self) -> None:
        """On a unix socket all lines that the client itself had not read come again."""
        path = str(self.folder() / "socket")
        server = await self.start("--listen", f"unix:{path}")
        endpoint = UNIXClientEndpoint(reactor, path)
        alice = await self.call(endpoint, "alice")
        for cut in CUTS:
            bob = socket.socket(socket.AF_UNIX)
            self.addCleanup(bob.close)
            bob.connect(path)
            bob.sendall(b"bob\n")
            await self._posts(server, alice)
            read = _read(bob, len("! welcome bob\n") + cut).count(b"\n") - 1
            bob.close()
            numbers = await self._returns(server, endpoint)
            self.assertEqual(numbers, list(range(numbers[0], LINES)))
            self.assertLessEqual(numbers[0], read)

    async def test_killed_unread(self) -> None:
        """A client that is killed before it has read anything costs only what its machine had."""
        server = await self.start()
        alice = await self.call(server, "alice")
        bob = self.run_process(sys.executable, "-c", SLEEPER, str(server.port()))
        await self._posts(server, alice)
        bob.send(signal.SIGKILL)
        await bob.ended
        numbers = await self._returns(server, server)
        self.assertEqual(numbers, list(range(numbers[0], LINES)))
        self.assertLess(numbers[0], 1_000)
