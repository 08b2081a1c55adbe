"""The real twistd, watched over HTTP."""

from __future__ import annotations

import re
import signal
import socket

from prometheus_client.parser import text_string_to_metric_families
from twisted.internet import reactor
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.error import ConnectionDone

from tests.functional.processes import FunctionalTestCase, Process


def door(server: Process) -> TCP4ClientEndpoint:
    """The address at which a server says that its metrics are."""
    greeting = re.compile(r"metrics are at http://127\.0\.0\.1:(\d+)/metrics$", re.MULTILINE)
    (port,) = greeting.findall(server.output.whole)
    return TCP4ClientEndpoint(reactor, "127.0.0.1", int(port))


class MonitorTests(FunctionalTestCase):
    """C{--http}."""

    async def _get(self, server: Process, path: str) -> tuple[int, str]:
        """Status and body."""
        client = await self.call(door(server))
        client.say(f"GET {path} HTTP/1.1\r", "Host: localhost\r", "\r")
        self.assertIsInstance(await client.lost, ConnectionDone)
        head, _, body = client.heard.text.partition("\r\n\r\n")
        return int(head.split()[1]), body

    async def _figures(self, server: Process) -> dict[str, float]:
        """Each sample that has no label or one, by its name and that one's value."""
        _, text = await self._get(server, "/metrics")
        return {
            " ".join([sample.name, *sample.labels.values()]): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    async def test_metrics(self) -> None:
        """The metrics show logins, lines, and their cost."""
        folder = self.folder()
        # As it is durable, an answer to /sync comes after a commit, and not a moment before.
        options = ("--http", "0", "--durable", "--mailbox", f"sqlite:{folder / 'mail'}")
        server = await self.start(*options)
        alice = await self.call(server, "alice")
        await self.call(server, "alice")
        await (await self.call(server, "/no name")).lost
        alice.say("alice: hi", "nobody: hi", "/sync")
        await alice.heard.contains("! synced")
        figures = await self._figures(server)
        for name, value in {
            "achat_copies_accepted_total": 2,
            "achat_copies_refused_total unknown": 1,
            "achat_sessions live": 1,
            "achat_logins_total welcome": 1,
            "achat_logins_total name-taken": 1,
            "achat_logins_total bad-name": 1,
            "achat_mailbox_bytes": 0,
            "achat_mailbox_failing": 0,
        }.items():
            self.assertEqual(figures[name], value, name)
        for name in ("achat_turn_seconds_count", "achat_mailbox_commit_seconds_count"):
            self.assertGreater(figures[name], 0, name)
        self.assertNotIn("GET /metrics", server.output.whole)

    async def test_stop(self) -> None:
        """While a stop waits for a slow reader, it is alive and not ready; then it is gone."""
        server = await self.start("--http", "0", "--grace", "3600")
        self.assertEqual(await self._get(server, "/readyz"), (200, "ready\n"))
        stuck, alice = await self.call(server, "stuck"), await self.call(server, "alice")
        stuck.transport.pauseProducing()
        alice.say(*(f"stuck: {'x' * 1000}" for _ in range(12_000)), "/sync")
        await alice.heard.contains("! synced")
        idler = await self.call(door(server))
        idler.say("GET /heal")
        server.send(signal.SIGTERM)
        await self.bye(alice)
        self.assertEqual(await self._get(server, "/readyz"), (503, "stopping\n"))
        self.assertEqual(await self._get(server, "/healthz"), (200, "alive\n"))
        figures = await self._figures(server)
        self.assertEqual(figures["achat_sessions behind"], 1)
        self.assertGreater(figures["achat_copies_in_flight"], 0)
        self.assertGreater(figures["achat_unacknowledged_bytes"], 0)
        server.send(signal.SIGTERM)
        self.assertEqual(await server.ended, -signal.SIGTERM)
        await idler.lost
        self.assertNotIn("Traceback", server.output.whole)
        self.assert_ledger(server, r"accepted 12000 ")

    async def test_idle_crowd(self) -> None:
        """A crowd that connects and asks nothing does not keep out one that asks."""
        server = await self.start("--http", "0")
        for _ in range(300):
            await self.call(door(server))
        self.assertEqual(await self._get(server, "/healthz"), (200, "alive\n"))

    async def test_age(self) -> None:
        """A line that a peer's machine has not acknowledged gets older, and the rest is counted."""
        server = await self.start("--http", "0")
        stuck, alice = await self.call(server, "stuck"), await self.call(server, "alice")
        stuck.transport.pauseProducing()
        alice.say(*(f"stuck: {'x' * 1000}" for _ in range(12_000)), "/sync")
        await alice.heard.contains("! synced")
        age = 0.0
        while age < 0.5:
            figures = await self._figures(server)
            age = figures["achat_unacknowledged_age_seconds"]
        self.assertGreater(figures["achat_outbox_bytes"], 100_000)
        self.assertEqual(figures["achat_outbox_fullest_bytes"], figures["achat_outbox_bytes"])
        self.assertGreaterEqual(
            figures["achat_outbox_high_water_bytes"], figures["achat_outbox_bytes"]
        )
        self.assertGreater(figures["achat_mailbox_bytes"], 1_000_000)
        self.assertEqual(figures["achat_sessions behind"], 1)

    async def test_port_in_use(self) -> None:
        """A port that is taken is one sentence at the start."""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            server = self.run_twistd("--port", "0", "--http", str(port))
            self.assertEqual(await server.ended, 1)
        self.assertIn(
            f"achat: cannot listen on tcp:{port}:interface=127.0.0.1: [Errno 98] Address already in"
            " use; stop what listens there, or choose another place",
            server.output.whole,
        )

    async def test_nobody_watches(self) -> None:
        """Without the option nothing is opened."""
        server = await self.start()
        self.assertNotIn("metrics are at", server.output.whole)
