"""The stop of the real twistd: nothing accepted is lost, and nobody is waited for in vain."""

from __future__ import annotations

import re
import signal
from collections import defaultdict

from twisted.internet.defer import ensureDeferred, gatherResults
from twisted.internet.error import ConnectError, ConnectionDone
from twisted.internet.interfaces import IHalfCloseableProtocol, IPushProducer
from zope.interface import implementer

from tests.functional.processes import Client, FunctionalTestCase, Process

NUMBERED = re.compile(r"from (\w+): (\d+)")


@implementer(IPushProducer)
class Flooder(Client):
    """A client that sends numbered lines to all others in turn, as fast as they are taken."""

    CHUNK = 500

    def __init__(self, name: str, others: list[str]) -> None:
        super().__init__()
        self.name = name
        self._others = others
        self._sent = 0
        self._may_send = False

    def flood(self) -> None:
        self.transport.registerProducer(self, True)
        self.resumeProducing()

    def recipient(self, number: int) -> str:
        return self._others[number % len(self._others)]

    def resumeProducing(self) -> None:
        self._may_send = True
        while self._may_send:
            numbers = range(self._sent, self._sent + self.CHUNK)
            self._sent += self.CHUNK
            self.say(*(f"{self.recipient(number)}: {number}" for number in numbers))

    def pauseProducing(self) -> None:
        self._may_send = False

    def stopProducing(self) -> None:
        self._may_send = False


@implementer(IHalfCloseableProtocol)
class Idler(Client):
    """A client that does not close when it hears the end of file."""

    def readConnectionLost(self) -> None:
        """Stay."""

    def writeConnectionLost(self) -> None:
        """Stay."""


class Talker(Idler):
    """A client that goes on talking when it has heard the end of file, and then closes."""

    AFTERWARDS = 8 * 2**20  # bytes, far more than the kernel would hold for a server

    def readConnectionLost(self) -> None:
        self.transport.write(b"x" * self.AFTERWARDS)
        self.transport.loseConnection()


class StopTests(FunctionalTestCase):
    """SIGTERM and its like."""

    async def _mesh(self, server: Process, size: int) -> list[Flooder]:
        names = [f"peer{number}" for number in range(size)]
        mesh = []
        for name in names:
            client = Flooder(name, [other for other in names if other != name])
            await self.connect(server, client)
            client.say(name)
            await client.heard.contains("! welcome")
            mesh.append(client)
        for client in mesh:
            client.flood()
        return mesh

    async def test_flooding_mesh(self) -> None:
        """If everybody floods everybody when the stop comes, all lines taken in arrive.

        For each the numbers from each other one have no gap, the end is an end of file and no
        reset, and the bye of each sender is just what its recipients got. Nothing was refused
        before either, as all of them read.
        """
        server = await self.start("--grace", "60")
        mesh = await self._mesh(server, 8)
        await gatherResults(
            [client.heard.until(lambda text: len(text) > 50_000) for client in mesh]
        )
        server.send(signal.SIGTERM)
        taken = {client.name: await self.bye(client) for client in mesh}
        self.assertEqual(await server.ended, -signal.SIGTERM)
        got: dict[tuple[str, str], list[int]] = defaultdict(list)
        for client in mesh:
            notices = [line for line in client.lines() if line.startswith("! ")]
            self.assertLessEqual({line.split()[1] for line in notices}, {"welcome", "kept", "bye"})
            for sender, number in NUMBERED.findall(client.heard.text):
                got[sender, client.name].append(int(number))
        for sender in mesh:
            for recipient in mesh:
                expected = [
                    number
                    for number in range(taken[sender.name])
                    if sender.recipient(number) == recipient.name
                ]
                self.assertEqual(got[sender.name, recipient.name], expected)
        total = sum(taken.values())
        self.assert_ledger(server, rf"accepted {total} \+ inherited 0 = delivered {total} ")

    async def test_never_named(self) -> None:
        """Connections that never sent a name are closed, and hold nothing up."""
        server = await self.start()
        nameless = [await self.call(server) for _ in range(20)]
        alice = await self.call(server, "alice")
        server.send(signal.SIGTERM)
        self.assertEqual(await self.bye(alice), 0)
        for client in nameless:
            self.assertIsInstance(await client.lost, ConnectionDone)
            self.assertEqual(client.heard.text, "")
        await server.ended
        self.assertNotIn("not waiting any longer", server.output.text)

    async def test_just_connected(self) -> None:
        """A client accepted just before the stop that then says its name is welcomed."""
        server = await self.start()
        alice = await self.call(server, "alice")
        bob = await self.call(server)
        alice.say("alice: hi")
        await alice.heard.contains("from alice: hi")
        server.send(signal.SIGTERM)
        await server.output.contains("stopping; at most 10 seconds")
        bob.say("bob", "alice: before you go")
        self.assertEqual(await self.bye(bob), 1)
        self.assertEqual(bob.lines()[0], "! welcome bob")
        self.assertEqual(await self.bye(alice), 1)
        self.assertEqual(alice.messages()[-1], "from bob: before you go")

    async def _with_stuck_client(self, *options: str) -> tuple[Process, Client]:
        """A server, and a client that has posted 12 MB to somebody who never reads."""
        server = await self.start(*options)
        stuck, alice = await self.call(server, "stuck"), await self.call(server, "alice")
        stuck.transport.pauseProducing()
        alice.say(*(f"stuck: {'x' * 1000}" for _ in range(12_000)), "/sync")
        await alice.heard.contains("! synced")
        return server, alice

    async def test_never_reading(self) -> None:
        """A client that never reads has until the grace ends; its lines are kept, and counted."""
        server, _ = await self._with_stuck_client("--grace", "2")
        server.send(signal.SIGTERM)
        await server.ended
        self.assertIn("not waiting any longer", server.output.text)
        self.assert_ledger(
            server, r"accepted 12000 \+ inherited 0 = delivered \d+ \+ kept \d+ \+ refused 0 "
        )
        kept = re.search(r"kept (\d+)", server.output.text)
        assert kept is not None
        self.assertIn(f"lines kept in memory end with this process: {kept[1]}", server.output.text)

    async def test_second_signal(self) -> None:
        """A second SIGTERM ends the waiting at once, whatever the grace period."""
        server, alice = await self._with_stuck_client("--grace", "3600")
        server.send(signal.SIGTERM)
        self.assertEqual(await self.bye(alice), 12_001)
        server.send(signal.SIGTERM)
        await server.ended
        self.assert_ledger(server, r"accepted 12000 \+ inherited 0 = .* in flight 0")

    async def test_other_signal(self) -> None:
        """SIGINT is an ordered stop as well."""
        server = await self.start()
        alice = await self.call(server, "alice")
        alice.say("alice: last words")
        await alice.heard.contains("last words\n")
        server.send(signal.SIGINT)
        self.assertEqual(await self.bye(alice), 1)
        await server.ended
        self.assert_ledger(server, r"accepted 1 \+ inherited 0 = delivered 1 ")

    async def test_clients_still_arrive(self) -> None:
        """While clients still arrive, a stop lets those in that it welcomed, to the last line."""
        server = await self.start()
        alice = await self.call(server, "alice")
        callers = [Client() for _ in range(50)]
        connecting = [ensureDeferred(self.connect(server, client)) for client in callers]
        server.send(signal.SIGTERM)
        for client, connection in zip(callers, connecting, strict=True):
            try:
                await connection
            except ConnectError:
                continue
            client.say(f"caller {id(client)}", "alice: hi")
        await self.bye(alice)
        await server.ended
        welcomed = [client for client in callers if "! welcome" in client.heard.text]
        for client in welcomed:
            await self.bye(client)
        self.assertNotIn("Traceback", server.output.text)
        self.assert_ledger(server, rf"accepted {len(alice.messages())} \+ inherited 0 = ")

    async def test_talking_client(self) -> None:
        """A client that goes on talking after the bye is read to its end, and not reset."""
        server = await self.start("--grace", "60")
        talker = Talker()
        await self.connect(server, talker)
        talker.say("talker", "talker: hi")
        await talker.heard.contains("from talker: hi\n")
        server.send(signal.SIGTERM)
        self.assertEqual(await self.bye(talker), 1)
        await server.ended

    async def test_idle_clients(self) -> None:
        """Clients that neither say anything nor close do not cost the grace period."""
        server = await self.start("--grace", "3600")
        clients = [Idler() for _ in range(20)]
        for number, client in enumerate(clients):
            await self.connect(server, client)
            client.say(f"idle {number}")
            await client.heard.contains("! welcome")
        server.send(signal.SIGTERM)
        await server.ended
        for client in clients:
            self.assertEqual(client.lines()[-1], "! bye 0")
