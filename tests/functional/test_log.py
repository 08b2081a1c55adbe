"""The log of the real twistd: whole, in JSON if asked for, and without a message's words."""

from __future__ import annotations

import json
import re
import signal
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import UNIXClientEndpoint
from twisted.python.failure import Failure

from achat_twisted.server.log_queue import LAST
from tests.functional.processes import TWISTD, FunctionalTestCase, Process

_LOGINS = 700
"""More than a pipe that nobody reads takes lines about: 64 KiB, and what the test has read."""


class Running(Process):
    """A process whose output may be left unread.

    @ivar exited: fires when it is no more, whatever it has printed is read or not.
    """

    def __init__(self) -> None:
        super().__init__()
        self.exited: Deferred[None] = Deferred()

    def read_nothing(self) -> None:
        self.transport.pipes[1].pauseProducing()

    def read_on(self) -> None:
        self.transport.pipes[1].resumeProducing()

    def processExited(self, reason: Failure) -> None:
        self.exited.callback(None)


class UnreadTests(FunctionalTestCase):
    """A log that nobody reads."""

    async def _flood(self) -> Running:
        """A server that has had more to log than the pipe takes, and serves all the same."""
        server = Running()
        self.run_process(*TWISTD, "--port", "0", process=server)
        await server.output.contains("listening on ")
        server.read_nothing()
        for number in range(_LOGINS):
            client = await self.call(server, f"visitor {number}")
            client.say("/quit")
            await self.bye(client)
        honest = await self.call(server, "alice")
        honest.say("/ping")
        await honest.heard.contains("! pong\n")
        return server

    async def test_read_later(self) -> None:
        """When it is read again everything is there, to the last line of the stop."""
        server = await self._flood()
        server.send(signal.SIGTERM)
        server.read_on()
        self.assertEqual(await server.ended, -signal.SIGTERM)
        said = server.output.whole
        came, left = (
            [int(number) for number in re.findall(rf"visitor (\d+) {what}", said)]
            for what in ("logged in", "left")
        )
        self.assertEqual(came, [*range(_LOGINS)])
        # One may be gone before the server has seen the end of the one before.
        self.assertEqual(sorted(left), [*range(_LOGINS)])
        self.assertTrue(said.endswith("Server Shut Down.\n"), said[-200:])

    async def test_never_read(self) -> None:
        """It holds up the stop for a few seconds at most."""
        server = await self._flood()
        began = reactor.seconds()
        server.send(signal.SIGTERM)
        await server.exited
        self.assertLess(reactor.seconds() - began, LAST + 3)
        server.read_on()
        await server.ended


class JSONTests(FunctionalTestCase):
    """C{--log-format json}."""

    def setUp(self) -> None:
        self.place = self.folder()
        self.socket = self.place / "socket"

    async def _converse(self, server: Process) -> None:
        """Have everything happen that a client can make the log speak of."""
        endpoint = UNIXClientEndpoint(reactor, str(self.socket))
        alice, bob = await self.call(endpoint, "alice"), await self.call(endpoint, "bob")
        taken = await self.call(endpoint, "bob")
        await taken.lost
        alice.say("bob: the secret word", "the secret line", f"bob: {'secret ' * 2000}", "/secret")
        alice.say("nobody: the secret", "alice: sec\\x07ret", "/sync secret", "/quit")
        await self.bye(alice)
        bob.abort()
        await server.output.contains("bob left")
        server.send(signal.SIGTERM)
        await server.ended

    def _objects(self, text: str) -> list[dict[str, Any]]:
        objects = [json.loads(line) for line in text.splitlines()]
        for one in objects:
            self.assertLessEqual({"time", "level", "event", "message", "source"}, set(one))
        return objects

    def _check(self, text: str) -> None:
        self.assertNotIn("secret", text)
        events = self._objects(text)
        said = [event["message"] for event in events]
        self.assertIn("starting up", said[0])
        self.assertEqual(said[-1], "Server Shut Down.")
        self.assertEqual(len([line for line in said if line.startswith("alice logged in")]), 1)
        by_kind = {event["event"]: event for event in events}
        refused = by_kind["{peer} was refused: {reason}"]
        self.assertEqual(refused["reason"], "name-taken bob")
        bad_line = by_kind["{name} sent a line that was refused: {reason}"]
        self.assertEqual(bad_line["name"], "alice")
        self.assertIn("too-long 8192", [event.get("reason") for event in events])
        for event in events:
            if event["source"] in (
                "achat_twisted.broker.broker.Broker",
                "achat_twisted.reader.arrival.Arrival",
                "achat_twisted.reader.lines.ChatReader",
            ):
                self.assertEqual(event["peer"], "a local socket")

    async def test_standard_output(self) -> None:
        """From the first line to the last each is an object, and none is there twice."""
        server = self.run_twistd("--listen", f"unix:{self.socket}", "--log-format", "json")
        await server.output.contains("listening on ")
        await self._converse(server)
        self._check(server.output.whole)

    async def test_text(self) -> None:
        """No word of a message is in a log of text."""
        server = await self.start("--listen", f"unix:{self.socket}")
        await self._converse(server)
        self.assertIn("alice left", server.output.whole)
        self.assertNotIn("secret", server.output.whole)
