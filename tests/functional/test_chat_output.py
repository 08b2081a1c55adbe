"""C{achat chat} and messages that cannot be shown, or lines that cannot be sent."""

from __future__ import annotations

import fcntl
import os
import signal
import struct
import termios

from twisted.internet import reactor
from twisted.internet.task import deferLater

from tests.functional.chatting import Chat, ChatTestCase
from tests.functional.processes import SCRIPTS, Process

MAIL = 20_000
"""Messages, far more than fit into a pipe."""

PIPE = 4096
"""Bytes that a pipe holds at least."""

NO_SPACE = "achat: standard output cannot be written: No space left on device"

WAYS_OUT = [
    (">/dev/full", NO_SPACE, 1),
    (">&-", "achat: standard output cannot be written: Bad file descriptor", 1),
    (">&- 2>&-", "", 1),
    (">/dev/null", "", 0),
    ("2>&-", "", 0),
]
"""The targets of standard output, with the message about each and the exit code."""


class OutputTests(ChatTestCase):
    """Mail that is fetched into an output that does not take it."""

    async def _fetch(self, server: Process, where: str) -> Chat:
        chat = Chat()
        command = f"{SCRIPTS / 'achat'} chat bob@127.0.0.1:{server.port()} </dev/null {where}"
        self.run_process("/bin/sh", "-c", command, process=chat)
        await chat.ended
        return chat

    async def test_ways_out(self) -> None:
        """An output that takes no more is reported, makes a failure, and costs no message."""
        server = await self.start()
        await self._fetch(server, "")
        ann = await self.call(server, "ann")
        for where, told, code in WAYS_OUT:
            ann.heard.turn_page()
            ann.say("bob: 1", "bob: 2", "/sync")
            await ann.heard.contains("! synced")
            bob = await self._fetch(server, where)
            self.assertEqual(await bob.ended, code, where)
            if told:
                told += "; what it did not take comes again\n"
            self.assertIn(told, bob.told.whole)
            if not code:
                self.assertNotIn("achat:", bob.told.whole)
            else:
                again = await self._fetch(server, "")
                self.assertEqual(again.numbers(), [1, 2], where)

    async def test_closed_but_not_needed(self) -> None:
        """A closed output is not a failure if nothing has come for it."""
        server = await self.start()
        bob = await self._fetch(server, ">&-")
        self.assertEqual((await bob.ended, bob.told.whole), (0, ""))

    async def test_reader_that_leaves(self) -> None:
        """When the reader of a pipe has had enough, the client says so, and the rest is kept."""
        server = await self.start()
        await self._fetch(server, "")
        await self._mail(server)
        chat = Chat()
        command = (
            f"({SCRIPTS / 'achat'} chat bob@127.0.0.1:{server.port()} </dev/null; echo $? >&2)"
        )
        self.run_process("/bin/sh", "-c", f"{command} | head -n 3", process=chat)
        await chat.ended
        self.assertEqual(chat.numbers(), [0, 1, 2])
        self.assertRegex(
            chat.told.whole,
            "achat: nobody reads standard output any more; what it did not take comes again\n1\n$",
        )
        again = (await self._fetch(server, "")).numbers()
        self.assertEqual(again, list(range(again[0], MAIL)))

    async def test_interrupt(self) -> None:
        """Ctrl-C ends it at once; messages that were not shown then come again."""
        server = await self.start()
        await self._fetch(server, "")
        await self._mail(server)
        reading, writing = os.pipe()
        self.addCleanup(os.close, reading)
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, PIPE)
        bob = Chat()
        self.run_process(
            *(str(SCRIPTS / "achat"), "chat", f"bob@127.0.0.1:{server.port()}"),
            process=bob,
            descriptors={1: writing},
        )
        os.close(writing)
        await bob.told.contains(f"! mail {MAIL}")
        while _count(reading) < PIPE - len("from ann: 10000\n"):
            await deferLater(reactor, 0.01)
        bob.send(signal.SIGINT)
        self.assertEqual(await bob.ended, 130)
        shown = os.read(reading, PIPE).decode().count("\n")
        again = (await self._fetch(server, "")).numbers()
        self.assertLessEqual(again[0], shown)
        self.assertEqual(again, list(range(again[0], MAIL)))

    async def _mail(self, server: Process) -> None:
        ann = await self.call(server, "ann")
        ann.say(*(f"bob: {number}" for number in range(MAIL)), "/sync")
        await ann.heard.contains("! synced")


def _count(reading: int) -> int:
    """The number of bytes in a pipe, see C{pipe(7)}."""
    (count,) = struct.unpack("i", fcntl.ioctl(reading, termios.FIONREAD, bytes(4)))
    return int(count)


class RefusedTests(ChatTestCase):
    """Lines that are not sent."""

    async def test_refused_by_the_client(self) -> None:
        """A line that is not text is shown, and makes a failure; the others are sent."""
        server = await self.start()
        bob = await self.call(server, "bob")
        ci = self.chat("ci", server.port())
        ci.transport.write(b"bob: before\nbob: caf\xe9\nbob: \x1b[31merror\x1b[0m\nbob: after\n")
        ci.ends_input()
        self.assertEqual(await ci.ended, 1)
        self.assertEqual(
            ci.told.whole,
            "achat: refused: bob: caf\\xe9\n    the line can not be posted: not UTF-8\n"
            "achat: refused: bob: \\x1b[31merror\\x1b[0m\n"
            "    the line can not be posted: control characters\n",
        )
        await bob.heard.contains("from ci: after\n")
        self.assertEqual(bob.messages(), ["from ci: before", "from ci: after"])
