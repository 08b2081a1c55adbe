"""The real C{achat chat}: users at their terminals, and servers that come and go."""

from __future__ import annotations

import re
import signal
import socket
import sys

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.protocol import Factory

from tests.functional.chatting import Chat, ChatTestCase
from tests.functional.processes import SCRIPTS, Client, Process

IN_A_TERMINAL = """
import os, pty, sys
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))
"""

BLOCKING = "import os; print('blocking:', *map(os.get_blocking, range(3)))"

AND_THEN = f"""
trap : INT
"$@"
code=$?
{sys.executable} -c "{BLOCKING}"
exit $code
"""
"""Runs a command, and tells how it leaves the terminal behind."""

CTRL_C, CTRL_D = "\x03", "\x04"


class Host(Factory):
    """A server of the test's own, of which each connection is a L{Client}, seen from its end."""

    noisy = False

    def __init__(self) -> None:
        self._waiting: Deferred[Client] = Deferred()

    def buildProtocol(self, addr: object) -> Client:
        guest = Client()
        waiting, self._waiting = self._waiting, Deferred()
        waiting.callback(guest)
        return guest

    async def guest(self) -> Client:
        """The next connection, when it has said its name."""
        guest = await self._waiting
        await guest.heard.contains("\nann\n")
        guest.heard.turn_page()
        return guest


class ConversationTests(ChatTestCase):
    """Users and one server."""

    async def test_conversation(self) -> None:
        """Two users talk to each other, and each leaves when there is no more input."""
        server = await self.start()
        ann = await self.come("ann", server.port())
        bob = await self.come("bob", server.port())
        ann.types("bob: hi")
        await bob.shown.contains("from ann: hi\n")
        bob.types("ann: hello")
        await ann.shown.contains("from bob: hello\n")
        for chat in (ann, bob):
            chat.ends_input()
            self.assertEqual((await chat.ended, chat.told.whole), (0, ""))

    async def test_one_shot(self) -> None:
        """A line piped in is posted, its outcome told, and the rest of the mail fetched."""
        server = await self.start()
        bob = await self.come("bob", server.port())
        bob.ends_input()
        await bob.ended
        posting = self.chat("ci", server.port())
        posting.types("bob: built")
        posting.ends_input()
        self.assertEqual((await posting.ended, posting.told.whole), (0, "! kept bob 1\n"))
        fetching = self.chat("bob", server.port())
        fetching.ends_input()
        self.assertEqual(await fetching.ended, 0)
        self.assertEqual(fetching.shown.whole, "from ci: built\n")

    async def test_files(self) -> None:
        """Standard input and output may be files."""
        server = await self.start()
        folder = self.folder()
        (folder / "in").write_text("".join(f"ann: {number}\n" for number in range(5000)))
        achat = f"{SCRIPTS / 'achat'} chat ann@127.0.0.1:{server.port()}"
        for source in ("in", "/dev/null"):
            command = f"cd {folder} && {achat} <{source} >>out 2>>told"
            self.assertEqual(await self.run_process("/bin/sh", "-c", command).ended, 0)
        posted = "".join(f"from ann: {number}\n" for number in range(5000))
        self.assertEqual((folder / "out").read_text(), posted)
        self.assertEqual((folder / "told").read_text(), "")

    async def test_slow_output(self) -> None:
        """A client whose output nobody reads stops reading; later all comes, in order."""
        server = await self.start()
        ann = await self.come("ann", server.port())
        ann.stops_reading()
        bob = await self.call(server, "bob")
        filler = " " * 8000
        posted = 0
        while "! kept ann" not in bob.heard.whole:
            bob.heard.turn_page()
            bob.say(*(f"ann: x{filler}: {posted + number}" for number in range(100)), "/sync")
            posted += 100
            await bob.heard.contains("! synced")
        ann.ends_input()
        ann.reads_on()
        self.assertEqual(await ann.ended, 0)
        self.assertEqual(ann.numbers(), list(range(posted)))

    async def test_terminal(self) -> None:
        """On a terminal without a cursor the standard files are one; Ctrl-D ends the input."""
        server = await self.start()
        ann = self._in_a_terminal("ann", server.port())
        ann.types("ann: is here", "/ping")
        await ann.shown.contains("from ann: is here\r\n")
        await ann.shown.contains("! pong\r\n")
        ann.types(CTRL_D)
        self.assertEqual(await ann.ended, 0)
        self.assertIn("blocking: True True True", ann.shown.text)

    async def test_interrupt(self) -> None:
        """Ctrl-C ends the client at once, without a word."""
        server = await self.start()
        ann = self._in_a_terminal("ann", server.port())
        ann.types("ann: is here")
        await ann.shown.contains("from ann: is here\r\n")
        ann.shown.turn_page()
        ann.transport.write(CTRL_C.encode())
        self.assertEqual(await ann.ended, 130)
        self.assertEqual(ann.shown.text.split("blocking:")[0].replace("^C", "").strip(), "")
        self.assertIn("blocking: True True True", ann.shown.text)

    async def test_name_taken(self) -> None:
        """A name that somebody else has is refused in one sentence."""
        server = await self.start()
        await self.come("ann", server.port())
        second = self.chat("ann", server.port())
        self.assertEqual(await second.ended, 77)
        self.assertEqual(
            second.told.whole, f"achat: the name ann is taken at 127.0.0.1:{server.port()}\n"
        )

    async def test_replaced(self) -> None:
        """If names can be taken over, the client that loses its name leaves it."""
        server = await self.start("--duplicate", "takeover")
        first = await self.come("ann", server.port())
        second = await self.come("ann", server.port())
        self.assertEqual(await first.ended, 77)
        self.assertIn("ann has come to 127.0.0.1", first.told.whole)
        second.ends_input()
        self.assertEqual(await second.ended, 0)

    def _in_a_terminal(self, name: str, port: int) -> Chat:
        achat = [str(SCRIPTS / "achat"), "chat", f"{name}@127.0.0.1:{port}"]
        in_a_shell = ["/bin/sh", "-c", AND_THEN, "sh", *achat]
        chat = Chat()
        self.run_process(
            *(sys.executable, "-c", IN_A_TERMINAL, *in_a_shell),
            process=chat,
            environment={"TERM": "dumb"},
        )
        return chat


class LossTests(ChatTestCase):
    """Servers that go away."""

    async def test_restart(self) -> None:
        """A restart in the middle of a flood of lines loses none, doubles none, and keeps order."""
        lines = 20_000
        server = await self.start()
        ann = await self.come("ann", server.port())
        ann.types(*(f"ann: {number}" for number in range(lines)))
        await ann.shown.contains("from ann: 0\n")
        server = await self._restart(server)
        await ann.told.contains("has closed the session; trying again")
        await ann.told.contains("reached")
        ann.ends_input()
        self.assertEqual(await ann.ended, 0)
        self.assertEqual(ann.numbers(), list(range(lines)))

    async def test_end_of_input_at_the_stop(self) -> None:
        """The next server gets lines that a stopping one had not taken in before the goodbye."""
        lines = 20_000
        server = await self.start()
        ann = await self.come("ann", server.port())
        ann.types(*(f"ann: {number}" for number in range(lines)))
        ann.ends_input()
        await ann.shown.contains("from ann: 0\n")
        await self._restart(server)
        self.assertEqual(await ann.ended, 0)
        self.assertEqual(ann.numbers(), list(range(lines)))

    async def test_crash(self) -> None:
        """After a crash the client returns, and as all was settled, nothing is in doubt."""
        server = await self.start()
        ann = await self.come("ann", server.port())
        ann.types("/ping")
        await ann.told.contains("! pong\n")
        server.send(signal.SIGKILL)
        await ann.told.contains("; trying again")
        await self.start("--port", str(server.port()))
        await ann.told.contains("reached")
        ann.types("ann: after")
        await ann.shown.contains("from ann: after\n")
        ann.ends_input()
        self.assertEqual(await ann.ended, 0)
        self.assertNotIn("may arrive twice", ann.told.whole)

    async def test_break(self) -> None:
        """After a break, lines that the server has not taken in are sent again, and no others."""
        host = Host()
        port = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(host)
        self.addCleanup(port.stopListening)
        coming = host.guest()
        ann = self.chat("ann", port.getHost().port)
        guest = await coming
        guest.say("! welcome ann", "! resumed 0 1 e1")
        ann.types("bob: 1", "bob: 2")
        await guest.heard.contains("bob: 2\n")
        returning = host.guest()
        guest.abort()
        await ann.told.contains("; trying again for 60 seconds\n")
        ann.types("bob: 3")
        ann.ends_input()
        guest = await returning
        guest.say("! welcome ann", "! resumed 1 1 e1")
        await guest.heard.contains("/sync\n")
        await guest.heard.contains("bob: 3\n")
        self.assertEqual(guest.heard.text.replace("/sync\n", ""), "bob: 2\nbob: 3\n")
        guest.say("! synced 3")
        for _ in range(2):
            guest.heard.turn_page()
            await guest.heard.contains("/ping\n")
            guest.say("! pong")
        await guest.heard.contains("/quit\n")
        guest.say("! bye 3")
        self.assertEqual(await ann.ended, 0)

    async def test_absent(self) -> None:
        """Without a server the client says so, and names the unsent lines that it had read."""
        port = self._port_of_nobody()
        ann = self.chat("ann", port, "--retry", "0")
        ann.types("bob: hi")
        self.assertEqual(await ann.ended, 75)
        self.assertRegex(
            ann.told.whole,
            f"^achat: cannot reach 127.0.0.1:{port}: Connection refused"
            r"(; 1 line not taken in:\n    bob: hi)?\n$",
        )

    async def test_interrupt_while_trying(self) -> None:
        """Ctrl-C also ends a client that tries to reach a server."""
        ann = self.chat("ann", self._port_of_nobody())
        await ann.told.contains("trying again for 60 seconds\n")
        ann.send(signal.SIGINT)
        self.assertEqual(await ann.ended, 130)
        self.assertEqual(len(re.findall("\n", ann.told.whole)), 1, ann.told.whole)

    def _port_of_nobody(self) -> int:
        """A port where nobody listens, and nobody else will."""
        holder = socket.socket()
        self.addCleanup(holder.close)
        holder.bind(("127.0.0.1", 0))
        port: int = holder.getsockname()[1]
        return port

    async def _restart(self, server: Process) -> Process:
        server.send(signal.SIGTERM)
        await server.ended
        return await self.start("--port", str(server.port()))
