"""A disk that gets full under the running server, and one day has room again."""

from __future__ import annotations

import errno
import signal
from functools import partial
from pathlib import Path

from twisted.trial.unittest import SkipTest

from tests.functional.numbered import TEXT, Counter, NumberedTestCase
from tests.functional.processes import TWISTD, Client, Process

MOUNT = 'mount -t tmpfs -o size=1m small "$0" && echo ready && read line'
"""Keeps a disk of 1 MB at a folder, for itself and for processes that enter its namespace."""

FULL = "the mailbox cannot be written: database or disk is full"

ROOM = "the mailbox can be written again"


def _has_pongs(number: int, heard: str) -> bool:
    return heard.count("! pong") == number


class FullDiskTests(NumberedTestCase):
    """A server whose mailbox is on a small disk of its own; Bob is known, and away."""

    async def _mount(self) -> None:
        """Have the small disk; it is gone with the process that keeps it."""
        folder = self.folder()
        keeper = self.run_process("unshare", "--mount", "sh", "-c", MOUNT, str(folder))
        await keeper.output.until(bool)
        if "ready" not in keeper.output.text:
            raise SkipTest(f"no disk can be mounted here: {keeper.output.text.strip()}")
        self.keeper = str(keeper.transport.pid)
        self.path = folder / "mailbox.sqlite"
        self.ballast = Path(f"/proc/{self.keeper}/root{folder}/ballast")

    async def _serve(self, *options: str) -> Process:
        """A server that sees the small disk."""
        inside = ("nsenter", "--target", self.keeper, "--mount")
        server = self.run_process(
            *inside, *TWISTD, "--port", "0", "--mailbox", f"sqlite:{self.path}", *options
        )
        await server.output.contains("listening on ")
        return server

    def _fill(self) -> None:
        """Leave no room on the disk."""
        with self.ballast.open("wb", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(bytes(4096))
            except OSError as error:
                self.assertEqual(error.errno, errno.ENOSPC)

    async def _make_room(self, server: Process) -> None:
        self.ballast.unlink()
        await server.output.contains(ROOM)

    async def _post(self, alice: Client, number: int) -> str:
        """Posts one line to Bob, and returns its fate, or C{nothing} if that is not told yet."""
        alice.heard.turn_page()
        alice.say(f"bob: {number} {TEXT}")
        for pongs in (1, 2):  # the second one comes after that turn
            alice.say("/ping")
            await alice.heard.until(partial(_has_pongs, pongs))
        told = [line.split()[1] for line in alice.lines()]
        return next((word for word in told if word != "pong"), "nothing")

    async def _post_until_full(self, alice: Client, first: int) -> int:
        """Posts line after line, and returns the number of the one that is refused."""
        number = first
        while (outcome := await self._post(alice, number)) in {"kept", "nothing"}:
            number += 1
        self.assertEqual(outcome, "full")
        return number

    async def _bob(self, server: Process) -> Counter:
        return await self.count(server, "bob")

    async def _bob_was_here(self, server: Process) -> None:
        bob = await self._bob(server)
        bob.say("/quit")
        await self.bye(bob)

    async def test_nothing_kept_is_lost(self) -> None:
        """Lines that were said to be kept survive a full disk and a restart."""
        await self._mount()
        server = await self._serve()
        await self._bob_was_here(server)
        alice = await self.call(server, "alice")
        for number in range(10):
            self.assertEqual(await self._post(alice, number), "kept")
        self._fill()
        refused = await self._post_until_full(alice, 10)
        await self._make_room(server)
        self.assertEqual(await self._post(alice, refused + 1), "kept")
        server.send(signal.SIGTERM)
        await server.ended
        self.assertEqual([server.output.text.count(text) for text in (FULL, ROOM)], [1, 1])
        bob = await self._bob(await self._serve())
        await bob.gets(refused + 1)
        self.assertEqual(bob.numbers, [*range(refused), refused + 1])

    async def _goes_on(self, *options: str) -> tuple[Process, Client]:
        """See a server do what it can without room: a server and a client that live on."""
        await self._mount()
        server = await self._serve(*options)
        await self._bob_was_here(server)
        alice, carol = await self.call(server, "alice"), await self.call(server, "carol")
        self._fill()
        refused = await self._post_until_full(alice, 0)
        for number in range(100):
            alice.say(f"carol: {number}")
            await carol.heard.contains(f"from alice: {number}\n")
        bob = await self._bob(server)
        await bob.gets(refused - 1)
        self.assertEqual(bob.numbers, list(range(refused)))
        bob.say("/quit")
        await self.bye(bob)
        self.assertEqual(await self._post(alice, 0), "full")
        await server.output.until(lambda text: text.count(FULL) == 1)
        return server, alice

    async def test_life_goes_on(self) -> None:
        """On a full disk clients go on talking and fetching mail, and the log says it once."""
        server, alice = await self._goes_on()
        alice.say("/sync")
        await alice.heard.contains("! synced")
        await self._make_room(server)
        self.assertEqual(await self._post(alice, 0), "kept")

    async def test_life_goes_on_durably(self) -> None:
        """With --durable as well; but nothing is said to be safe until there is room."""
        server, alice = await self._goes_on("--durable")
        alice.heard.turn_page()
        alice.say("/sync", "/ping")
        await alice.heard.contains("! pong\n")
        self.assertNotIn("! synced", alice.heard.text)
        await self._make_room(server)
        await alice.heard.contains("! synced")
        self.assertEqual(await self._post(alice, 0), "kept")
