"""Peers that are gone without a word: their machine is off, or the net between is."""

from __future__ import annotations

import select
import signal
import sys
from socket import (
    IPPROTO_TCP,
    SO_KEEPALIVE,
    SOL_SOCKET,
    TCP_KEEPIDLE,
    TCP_USER_TIMEOUT,
)
from typing import Any, cast

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import (
    TCP4ClientEndpoint,
    TCP4ServerEndpoint,
    UNIXClientEndpoint,
)
from twisted.internet.protocol import Factory
from twisted.internet.task import Clock
from twisted.trial.unittest import SkipTest

from achat_twisted.net import ports, transport
from achat_twisted.net.descriptors import Descriptors
from achat_twisted.net.poller import Poller
from tests.functional.chatting import Chat, ChatTestCase
from tests.functional.numbered import NumberedTestCase, numbered
from tests.functional.processes import SCRIPTS, TWISTD, Client, FunctionalTestCase, Process

FAR = """
import socket, sys
print("ready", flush=True)
sys.stdin.readline()
server = socket.create_connection(("10.0.0.1", int(sys.argv[1])))
server.sendall(b"bob\\n")
while True:
    print(server.recv(65536).decode(), flush=True)
"""
"""A client on another machine: it waits for the net, logs in, and prints what it hears."""

SOON = 5.0
"""Seconds in which a name that has come again must have its lines."""


class HalfOpenTests(NumberedTestCase):
    """Server and client in networks of their own, with a cable between that can be cut.

    Those who come from elsewhere come by a unix socket, for which no network matters.
    """

    async def _in_network(self, process: Process, command: str) -> None:
        """Run a command in the network of a process."""
        pid = str(process.transport.pid)
        done = self.run_process("nsenter", "--target", pid, "--net", *command.split())
        self.assertEqual(await done.ended, 0, done.output.text)

    async def test_cut_cable(self) -> None:
        """A client that returns from elsewhere soon gets its missing lines, first and in order."""
        probe = self.run_process("unshare", "--net", "ip", "link", "add", "type", "veth")
        if await probe.ended:
            raise SkipTest(f"no networks can be made here: {probe.output.text.strip()}")
        path = str(self.folder() / "socket")
        endpoint = UNIXClientEndpoint(reactor, path)
        server = self.run_process(
            *("unshare", "--net", *TWISTD, "--duplicate", "takeover"),
            *("--listen", f"unix:{path}", "--listen", "tcp:0:interface=0.0.0.0"),
        )
        await server.output.contains("listening on 0.0.0.0")
        far = self.run_process("unshare", "--net", sys.executable, "-c", FAR, str(server.port()))
        await far.output.contains("ready")
        peer = far.transport.pid
        await self._in_network(server, f"ip link add near type veth peer name far netns {peer}")
        for process, end, address in ((server, "near", "10.0.0.1/24"), (far, "far", "10.0.0.2/24")):
            await self._in_network(process, f"ip address add {address} dev {end}")
            await self._in_network(process, f"ip link set {end} up")
        far.transport.write(b"\n")
        await server.output.contains("bob logged in")
        alice = await self.call(endpoint, "alice")
        alice.say("bob: 0")
        await far.output.contains("from alice: 0\n")
        await self._in_network(far, "ip link set far down")
        alice.say(*numbered("bob", range(1, 3_000)), "/sync")
        await alice.heard.contains("! synced")
        began = reactor.seconds()
        bob = await self.count(endpoint, "bob")
        alice.say(*numbered("bob", [3_000]))
        await bob.gets(3_000)
        self.assertLess(reactor.seconds() - began, SOON)
        self.assertLessEqual(bob.numbers[0], 1)  # the acknowledgement for 0 may be lost
        self.assertEqual(bob.numbers, list(range(bob.numbers[0], 3_001)))


class ScopeTests(ChatTestCase):
    """A network in which an address says nothing without its interface."""

    async def test_link_local(self) -> None:
        """Servers are found at such addresses; the log and the limits know clients by them."""
        probe = self.run_process("unshare", "--net", "ip", "link", "set", "lo", "up")
        if await probe.ended:
            raise SkipTest(f"no networks can be made here: {probe.output.text.strip()}")
        prepare = "ip link set lo up && ip address add fe80::7/64 dev lo nodad && exec"
        options = "--limit-local --connections-per-host 2"
        for where in (
            "--port 8080 --interface fe80::7%lo",
            "--port 8080 --interface ::",
            r"--listen 'tcp6:8080:interface=fe80\:\:7%lo'",
        ):
            command = f"{prepare} {' '.join(TWISTD)} {options} {where}"
            server = self.run_process("unshare", "--net", "/bin/sh", "-c", command)
            await server.output.contains("listening on ")
            pid = str(server.transport.pid)
            chats = [Chat() for _ in range(3)]
            for name, chat in zip(("ann", "bob", "cy"), chats, strict=True):
                self.run_process(
                    *("nsenter", "--target", pid, "--net", str(SCRIPTS / "achat"), "chat"),
                    *("--retry", "0", f"{name}@[fe80::7%lo]:8080"),
                    process=chat,
                )
                chat.types(f"{name}: is here")
                if name != "cy":
                    await chat.shown.contains("is here\n")
            self.assertEqual(await chats[2].ended, 75)
            self.assertIn("[fe80::7%lo]:8080 is busy", chats[2].told.whole)
            await server.output.contains("ann logged in from [fe80::7%lo]:")
            for chat in chats[:2]:
                chat.ends_input()
                self.assertEqual(await chat.ended, 0)
            server.send(signal.SIGTERM)
            await server.ended
            self.assertNotIn("Traceback", server.output.whole)


class SocketTests(FunctionalTestCase):
    """The settings that the kernel gets for a connection."""

    async def test_who_is_gone_is_found_out(self) -> None:
        """The kernel asks a silent peer whether it is there, and ends the connection if not."""
        accepted: Deferred[Client] = Deferred()

        class Accepting(Client):
            def connectionMade(self) -> None:
                accepted.callback(self)

        here = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
        port: Any = await here.listen(Factory.forProtocol(Accepting))
        self.addCleanup(port.stopListening)
        poller = Poller(cast(Any, reactor), select.epoll())
        ports.prepare(port, poller, Descriptors(Clock(), 2**20))
        await self.connect(TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port), Client())
        server = await accepted
        self.addCleanup(server.abort)
        options = server.transport.socket.getsockopt
        self.assertEqual(options(SOL_SOCKET, SO_KEEPALIVE), 1)
        self.assertLessEqual(options(IPPROTO_TCP, TCP_KEEPIDLE), 60)
        self.assertEqual(options(IPPROTO_TCP, TCP_USER_TIMEOUT), transport.SILENCE * 1000)
