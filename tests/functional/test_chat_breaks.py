"""C{achat chat} when its connection breaks, and it is in the middle of something."""

from __future__ import annotations

import re
import signal

from twisted.internet import reactor
from twisted.internet.task import deferLater

from tests.functional.chatting import ChatTestCase
from tests.functional.processes import Client

LINES = 40_000
"""Far more than fits into the pipe to a terminal that stands still, and into the kernel."""

SEEN_AT_ONCE = 1000
"""Fewer than fit into that pipe."""


class BreakTests(ChatTestCase):
    """Resets."""

    async def _delivered(self, client: Client) -> int:
        """The number of lines that recipients' machines had acknowledged a second ago."""
        await deferLater(reactor, 1.5)
        client.heard.turn_page()
        client.say("/stats")
        await client.heard.contains("in flight")
        delivered = re.search(r"delivered (\d+)", client.heard.text)
        assert delivered is not None
        return int(delivered[1])

    async def test_what_was_delivered_is_shown(self) -> None:
        """Messages count as delivered when standard output has taken them, so none is lost that
        counts, though the user's output is slow, and the server is killed.
        """
        server = await self.start()
        bob = await self.call(server, "bob")
        alice = await self.come("alice", server.port(), "--retry", "0")
        alice.stops_reading()
        bob.say(*(f"alice: {number}" for number in range(LINES)), "/sync")
        await bob.heard.contains("! synced")
        delivered = await self._delivered(bob)
        server.send(signal.SIGKILL)
        await server.ended
        for _ in range(10):
            alice.types("bob: are you there?")
            await deferLater(reactor, 0.02)  # the first is answered by the reset
        alice.reads_on()
        await alice.ended
        numbers = alice.numbers()
        self.assertGreater(delivered, SEEN_AT_ONCE)
        self.assertGreaterEqual(len(numbers), delivered - 1)
        self.assertEqual(numbers, list(range(len(numbers))))
