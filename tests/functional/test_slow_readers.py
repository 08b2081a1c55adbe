"""Slow readers: nobody else notices, and they get everything when they read again."""

from __future__ import annotations

from tests.functional.numbered import Counter, NumberedTestCase, numbered
from tests.functional.processes import Process

LINES = 30_000
"""Of 1 KB each: far more than the kernel and an outbox hold, and twice a mailbox's usual limit."""


class SlowReaderTests(NumberedTestCase):
    """A house with a client that does not read."""

    async def _house(self, *options: str) -> tuple[Process, dict[str, Counter]]:
        """A server and its clients, one of which has stopped reading."""
        server = await self.start("--mailbox-limit", str(2**26), *options)
        names = ("alice", "bob", "carol", "stuck")
        guests = {name: await self.count(server, name) for name in names}
        guests["stuck"].transport.pauseProducing()
        return server, guests

    def _assert_unmoved(self, guest: Counter) -> None:
        """Somebody who was told nothing but the welcome: nothing was kept, nothing refused."""
        self.assertEqual(len(guest.lines()), 1, guest.lines())

    async def test_nobody_else_notices(self) -> None:
        """While a client is flooded and does not read, two others talk as if it were not there."""
        _, guests = await self._house()
        alice, bob, carol = (guests[name] for name in ("alice", "bob", "carol"))
        carol.say(*numbered("stuck", range(LINES)))
        for number in range(1_000):
            alice.say(f"bob: {number}")
            await bob.gets(number)
            bob.say(f"alice: {number}")
            await alice.gets(number)
        for guest in (alice, bob):
            self.assertEqual(guest.numbers, list(range(1_000)))
            self._assert_unmoved(guest)

    async def test_spilled_lines(self) -> None:
        """A client that stops reading is later fed from the mailbox, in order, without a gap."""
        path = self.folder() / "mailbox.sqlite"
        for options in ((), ("--mailbox", f"sqlite:{path}")):
            _, guests = await self._house(*options)
            alice, stuck = guests["alice"], guests["stuck"]
            alice.say(*numbered("stuck", range(LINES)), "/sync")
            await alice.heard.contains("! synced")
            alice.say(*numbered("stuck", range(LINES, LINES + 100)))
            stuck.transport.resumeProducing()
            await stuck.gets(LINES + 99)
            self.assertEqual(stuck.numbers, list(range(LINES + 100)))
            words = {line.split()[1] for line in alice.lines()}
            self.assertEqual(words, {"welcome", "kept", "synced"})
            self._assert_unmoved(stuck)

    async def test_several_recipients(self) -> None:
        """Lines for several recipients reach the others, however long one of them does not read."""
        _, guests = await self._house()
        alice, bob, carol, stuck = guests.values()
        alice.say(*numbered("stuck, bob, carol", range(LINES)), "/sync")
        for guest in (bob, carol):
            await guest.gets(LINES - 1)
            self.assertEqual(guest.numbers, list(range(LINES)))
            self._assert_unmoved(guest)
        await alice.heard.contains("! synced")
        self.assertEqual({line.split()[1] for line in alice.lines()[1:-1]}, {"kept"})
        self.assertEqual(stuck.numbers, [])
        stuck.transport.resumeProducing()
        await stuck.gets(LINES - 1)
        self.assertEqual(stuck.numbers, list(range(LINES)))
