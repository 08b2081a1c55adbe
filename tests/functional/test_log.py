"""The log of the real twistd, in JSON: every line an object, and of messages not a word."""

from __future__ import annotations

import json
import signal
from typing import Any

from twisted.internet import reactor
from twisted.internet.endpoints import UNIXClientEndpoint

from tests.functional.processes import FunctionalTestCase, Process


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
                "achat_twisted.broker.Broker",
                "achat_twisted.reader.ChatReader",
            ):
                self.assertEqual(event["peer"], "a local socket")

    async def test_standard_output(self) -> None:
        """From the first line to the last each is an object, and none is there twice."""
        server = self.run_twistd("--listen", f"unix:{self.socket}", "--log-format", "json")
        await server.output.contains("listening on ")
        await self._converse(server)
        self._check(server.output.whole)

    async def test_text(self) -> None:
        """Nor is a word of a message in the log if it is text."""
        server = await self.start("--listen", f"unix:{self.socket}")
        await self._converse(server)
        self.assertIn("alice left", server.output.whole)
        self.assertNotIn("secret", server.output.whole)
