"""Limits on what clients may take of a real server, which goes on when they take it all."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.endpoints import UNIXClientEndpoint
from twisted.internet.error import ConnectionDone
from twisted.internet.task import deferLater

from tests.functional.processes import TWISTD, Client, FunctionalTestCase, Process


class LimitTests(FunctionalTestCase):
    """A server with limits that are soon reached."""

    async def test_connections_per_host(self) -> None:
        """A host gets so many connections and no more, and another when one has gone."""
        server = await self.start("--limit-local", "--connections-per-host", "2")
        alice, bob = await self.call(server, "alice"), await self.call(server, "bob")
        carol = await self.call(server)
        self.assertIsInstance(await carol.lost, ConnectionDone)
        self.assertEqual(carol.lines(), ["! busy too many connections from 127.0.0.1"])
        alice.say("bob: still here", "/quit")
        await bob.heard.contains("from alice: still here\n")
        await alice.lost
        await self.call(server, "carol")

    async def test_unix_socket(self) -> None:
        """On a unix socket it is the user who gets so many."""
        path = self.folder() / "socket"
        server = await self.start(
            *("--listen", "tcp:0:interface=127.0.0.1", "--listen", f"unix:{path}"),
            *("--limit-local", "--connections-per-host", "1"),
        )
        await self.call(server, "alice")
        endpoint = UNIXClientEndpoint(reactor, str(path))
        await self.call(endpoint, "bob")
        carol = await self.call(endpoint)
        await carol.lost
        self.assertEqual(carol.lines(), [f"! busy too many connections from uid {os.getuid()}"])

    async def test_rate(self) -> None:
        """A client that sends faster than allowed is told so, and none of its lines is dropped."""
        server = await self.start("--limit-local", "--rate", "1000", "--burst", "100")
        alice, bob = await self.call(server, "alice"), await self.call(server, "bob")
        alice.say(*(f"bob: {number}" for number in range(1500)))
        await bob.heard.contains("from alice: 1499\n")
        self.assertEqual(bob.messages(), [f"from alice: {number}" for number in range(1500)])
        await alice.heard.contains("! slow-down 1000\n")

    async def test_descriptors(self) -> None:
        """When descriptors are short, newcomers wait, the server is idle, and all are served."""
        command = f'ulimit -n 100; exec "{TWISTD[0]}" --nodaemon --pidfile= achat --port 0'
        server = self.run_process("/bin/sh", "-c", command)
        await server.output.contains("listening on ")
        first = [await self.call(server, f"early {number}") for number in range(30)]
        clients = [await self.call(server) for _ in range(60)]
        for number, client in enumerate(clients):
            client.say(f"late {number}", "early 1: hi")
        await server.output.contains("descriptors are short")
        before = _cpu_seconds(server)
        await deferLater(reactor, 1.0)
        self.assertLess(_cpu_seconds(server) - before, 0.5)
        first[0].say("early 2: still served")
        await first[2].heard.contains("from early 0: still served")
        for client in clients:
            await client.heard.contains("! welcome")
            client.say("/quit")
            await client.lost
        greetings = [line for line in first[1].messages() if line.endswith(": hi")]
        self.assertEqual(len(greetings), len(clients))
        self.assertNotIn("Traceback", server.output.whole)

    async def test_kernel_buffers(self) -> None:
        """The kernel takes little for a client that does not read."""
        server = await self.start()
        alice, stuck = await self.call(server, "alice"), await self.call(server, "stuck")
        stuck.transport.pauseProducing()
        alice.say(*(f"stuck: {'x' * 1000}" for _ in range(20_000)), "/sync")
        await alice.heard.contains("! synced")
        self.assertGreater(_unsent(server.port()), 0)
        self.assertLess(_unsent(server.port()), 200_000)

    async def test_burst_on_few_descriptors(self) -> None:
        """A crowd that comes at once to a server with few descriptors gets in, all of it."""
        command = f'ulimit -n 64; exec "{TWISTD[0]}" --nodaemon --pidfile= achat --port 0'
        server = self.run_process("/bin/sh", "-c", command)
        await server.output.contains("listening on ")
        server.send(signal.SIGSTOP)  # so that all of them wait in the kernel when it goes on
        clients = [await self.call(server) for _ in range(100)]
        for number, client in enumerate(clients):
            client.say(f"one of many {number}")
        server.send(signal.SIGCONT)
        for client in clients:
            await client.heard.contains("! welcome")
            client.say("/quit")
            await client.lost
        self.assertNotIn("Could not accept", server.output.whole)

    async def test_behind_a_proxy(self) -> None:
        """Behind a proxy a client counts for, and is logged with, the address it really has."""
        server = await self.start(
            *("--listen", "haproxy:tcp:0:interface=127.0.0.1", "--connections-per-host", "1")
        )
        await self.call(server)
        alice = await self._proxied(server, "203.0.113.7", "alice")
        await alice.heard.contains("! welcome")
        await server.output.contains("alice logged in from 203.0.113.7:4000")
        for host, answer in (
            ("203.0.113.7", "! busy too many connections from 203.0.113.7"),
            ("203.0.113.8", "! welcome bob"),
        ):
            bob = await self._proxied(server, host, "bob")
            await bob.heard.contains(answer)
        alice.say("bob: hi", "/stats")
        await bob.heard.contains("from alice: hi\n")
        await alice.heard.contains("/stats is answered on this server's own machine only")
        alice.transport.loseWriteConnection()
        self.assertEqual(await self.bye(alice), 2)

    async def test_silent_behind_a_proxy(self) -> None:
        """A silent client behind a proxy is counted as well, as the proxy has said who it is."""
        server = await self.start(
            *("--listen", "haproxy:tcp:0:interface=127.0.0.1", "--connections-per-host", "1")
        )
        for client in (await self.call(server), later := await self.call(server)):
            client.say("PROXY TCP4 203.0.113.7 192.0.2.1 4000 8080\r")
        await later.heard.contains("! busy too many connections from 203.0.113.7")

    async def _proxied(self, server: Process, host: str, name: str) -> Client:
        """A client that a proxy has sent."""
        client = await self.call(server)
        client.say(f"PROXY TCP4 {host} 192.0.2.1 4000 8080\r", name)
        return client


def _cpu_seconds(server: Process) -> float:
    """The CPU time that a process has used, see C{proc(5)}."""
    stat = Path(f"/proc/{server.transport.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


def _unsent(port: int) -> int:
    """The most that the kernel holds for anybody who is connected to a port, in bytes."""
    queues = []
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, _, _, queue, *_ = line.split()
        if int(local.partition(":")[2], 16) == port:
            queues.append(int(queue.partition(":")[0], 16))
    return max(queues)
