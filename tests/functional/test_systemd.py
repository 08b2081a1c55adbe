"""Under systemd: twistd on a port that somebody else holds, and its notifications."""

from __future__ import annotations

import os
import socket
from signal import SIGTERM
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import ensureDeferred, gatherResults
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.interfaces import IReactorUNIXDatagram
from twisted.internet.protocol import DatagramProtocol
from twisted.internet.task import LoopingCall

from tests.functional.processes import TWISTD, FunctionalTestCase, Process, Watched

FIRST_INHERITED = 3
"""The descriptor at which systemd starts, see C{sd_listen_fds(3)}."""

SHELL = 'export LISTEN_PID=$$; exec "$@"'
"""Only the child itself knows its process id in time; C{exec} keeps it."""


class ActivationTests(FunctionalTestCase):
    """The test holds the port; servers come and go."""

    def setUp(self) -> None:
        self.port = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.addCleanup(self.port.close)
        self.endpoint = TCP4ClientEndpoint(reactor, *self.port.getsockname())

    def serve(self, domain: str = "INET") -> Process:
        """A server on the port."""
        command = [*TWISTD, "--listen", f"systemd:domain={domain}:index=0"]
        return self.run_process(
            *("/bin/sh", "-c", SHELL, "sh", *command),
            # Twisted wants a name for each descriptor; systemd's is that of the socket unit.
            environment={"LISTEN_FDS": "1", "LISTEN_FDNAMES": "achat.socket"},
            descriptors={FIRST_INHERITED: self.port.fileno()},
        )

    async def test_chat(self) -> None:
        """Clients of a port that the server has inherited talk to each other, and it stops well."""
        server = self.serve()
        alice = await self.call(self.endpoint, "alice")
        bob = await self.call(self.endpoint, "bob")
        alice.say("bob: hi")
        await bob.heard.contains("from alice: hi\n")
        server.send(SIGTERM)
        self.assertEqual(await self.bye(alice), 1)
        self.assertEqual(await self.bye(bob), 0)
        await server.ended
        self.assert_ledger(server, r"accepted 1 \+ inherited 0 = delivered 1 ")

    async def test_nobody_is_refused_in_between(self) -> None:
        """A client that comes while no server runs waits, and is served by the next one."""
        first = self.serve()
        alice = await self.call(self.endpoint, "alice")
        first.send(SIGTERM)
        self.assertEqual(await self.bye(alice), 0)
        await first.ended
        bob = await self.call(self.endpoint)
        bob.say("bob", "bob: still here")
        self.serve()
        await bob.heard.contains("from bob: still here\n")

    async def test_ten_restarts(self) -> None:
        """Clients that connect every 10 ms through ten restarts are let in, every single one."""
        calls: list[Any] = []
        welcomed = Watched()

        def stop_calling() -> None:
            if calling.running:
                calling.stop()

        async def call() -> None:
            name = f"client{len(calls)}"
            client = await self.call(self.endpoint)
            client.say(name, "/quit")
            self.assertEqual(await self.bye(client), 1)
            self.assertEqual(client.lines()[0], f"! welcome {name}")
            welcomed.grow(".")

        calling = LoopingCall(lambda: calls.append(ensureDeferred(call())))
        calling.start(0.01)
        self.addCleanup(stop_calling)
        for _ in range(10):
            server = self.serve()
            welcomed.turn_page()
            await welcomed.until(lambda text: len(text) > 50)
            server.send(SIGTERM)
            await server.ended
        stop_calling()
        self.serve()
        await gatherResults(calls)
        self.assertGreater(len(calls), 10 * 50)

    async def test_wrong_family(self) -> None:
        """A socket of another family than the endpoint says ends with a sentence that says so."""
        server = self.serve("INET6")
        self.assertEqual(await server.ended, 1)
        self.assertIn(
            "achat: cannot listen on systemd:domain=INET6:index=0:"
            " the socket is for AF_INET, not for AF_INET6",
            server.output.text,
        )


class Manager(DatagramProtocol):
    """The process that has started the server, and listens to its notifications."""

    def __init__(self) -> None:
        self.heard = Watched()

    def datagramReceived(self, datagram: bytes, addr: object) -> None:
        self.heard.grow(f"{datagram.decode()}\n\n")

    def messages(self) -> list[list[str]]:
        """The server's notifications, line by line."""
        return [message.split("\n") for message in self.heard.text.split("\n\n")[:-1]]


class NotifyTests(FunctionalTestCase):
    """The test is the service manager."""

    def setUp(self) -> None:
        self.manager = Manager()

    async def serve(self, address: str, *options: str) -> Process:
        """A server with this C{$NOTIFY_SOCKET}, and a watchdog of half a second."""
        listening = IReactorUNIXDatagram(reactor).listenUNIXDatagram(
            address.replace("@", "\0"), self.manager, maxPacketSize=8192, mode=0o600
        )
        self.addCleanup(listening.stopListening)
        command = [*TWISTD, "--port", "0", *options]
        server = self.run_process(
            *("/bin/sh", "-c", 'export WATCHDOG_PID=$$; exec "$@"', "sh", *command),
            environment={"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "500000"},
        )
        await self.manager.heard.contains("READY=1\n")
        return server

    async def test_life(self) -> None:
        """From READY to STOPPING, with the status, the watchdog, and more time for a slow stop."""
        server = await self.serve(str(self.folder() / "notify"), "--grace", "3")
        self.assertEqual(
            self.manager.messages()[0], ["READY=1", "STATUS=ready: 0 sessions, 0 in flight"]
        )
        await server.output.contains("listening on ")
        stuck, alice = await self.call(server, "stuck"), await self.call(server, "alice")
        await self.manager.heard.contains("\nSTATUS=ready: 2 sessions, 0 in flight\n")
        await self.manager.heard.until(lambda text: text.count("WATCHDOG=1\n") > 3)
        stuck.transport.pauseProducing()
        alice.say(*(f"stuck: {'x' * 1000}" for _ in range(12_000)), "/sync", "/quit")
        await alice.lost
        self.manager.heard.turn_page()
        server.send(SIGTERM)
        await server.ended
        said = [message for message in self.manager.messages() if message != ["WATCHDOG=1"]]
        while said[0][0].startswith("STATUS=ready"):
            del said[0]
        self.assertEqual((said[0][0], said[0][-1]), ("STOPPING=1", "EXTEND_TIMEOUT_USEC=10000000"))
        self.assertRegex(said[0][1], r"^STATUS=stopping: \d+ sessions, \d+ in flight$")
        extended = [message for message in said[1:] if "EXTEND_TIMEOUT_USEC=10000000" in message]
        self.assertGreaterEqual(len(extended), 2)

    async def test_abstract_socket(self) -> None:
        """The manager's socket may be one that is in no directory."""
        await self.serve(f"@achat-test-{os.getpid()}")

    async def test_manager_is_gone(self) -> None:
        """A manager that no longer listens is a line in the log, and nothing else."""
        path = self.folder() / "notify"
        server = await self.serve(str(path))
        path.unlink()
        await server.output.contains("systemd cannot be told ")
        alice = await self.call(server, "alice")
        server.send(SIGTERM)
        self.assertEqual(await self.bye(alice), 0)
        await server.ended
        self.assertEqual(server.output.text.count("systemd cannot be told "), 1)
