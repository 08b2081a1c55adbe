"""Conversations over real sockets with the real twistd."""

from __future__ import annotations

import signal
import socket
import struct

from twisted.internet import reactor
from twisted.internet.endpoints import UNIXClientEndpoint
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IStreamClientEndpoint

from tests.functional.processes import FunctionalTestCase, Process

SEEDS = [
    # who says what, and who then hears what, on the wire of the a-chat tutorial
    ("alice", b"bob: hello\n", {"bob": b"from alice: hello\n"}),
    ("bob", b"alice, carol: hi both\n", dict.fromkeys(("alice", "carol"), b"from bob: hi both\n")),
    (
        "alice",
        b"  bob ,carol :  spaced out  \r\n",
        dict.fromkeys(("bob", "carol"), b"from alice: spaced out\n"),
    ),
    ("carol", b"no colon: \xe2\x9c\x93\nignored\nbob: a: b\n", {"bob": b"from carol: a: b\n"}),
    (
        "alice",
        b"nobody: lost\nbob:\nalice: me\n",
        {"bob": b"from alice: \n", "alice": b"from alice: me\n"},
    ),
]


class PlainTests(FunctionalTestCase):
    """The seeds' wire."""

    async def test_seeds_transcript(self) -> None:
        """With --plain every byte on the wire is the tutorial's, and no other byte is there."""
        server = await self.start("--plain")
        clients = {}
        expected = {}
        for name in ("alice", "bob", "carol"):
            clients[name] = await self.call(server)
            clients[name].say(name, f"{name}: ready")
            expected[name] = f"from {name}: ready\n"
            await clients[name].heard.contains(expected[name])
        for speaker, said, hearers in SEEDS:
            clients[speaker].transport.write(said)
            for hearer, heard in hearers.items():
                expected[hearer] += heard.decode()
                await clients[hearer].heard.contains(expected[hearer])
        server.send(signal.SIGTERM)
        for name, client in clients.items():
            await client.lost
            self.assertEqual(client.heard.text, expected[name])


class ConversationTests(FunctionalTestCase):
    """Lines and notices that clients get, over every kind of socket but TLS."""

    async def test_unix_socket(self) -> None:
        """Over a unix socket everything is as over TCP, the stop included."""
        path = str(self.folder() / "socket")
        server = await self.start("--listen", f"unix:{path}")
        endpoint = UNIXClientEndpoint(reactor, path)
        alice, bob = await self.call(endpoint, "alice"), await self.call(endpoint, "bob")
        alice.say(*(f"bob: {number}" for number in range(10_000)))
        await bob.heard.contains("from alice: 100\n")
        server.send(signal.SIGTERM)
        taken = await self.bye(alice)
        await self.bye(bob)
        self.assertEqual(bob.messages(), [f"from alice: {number}" for number in range(taken)])
        self.assertEqual(await server.ended, -signal.SIGTERM)

    async def test_several_endpoints(self) -> None:
        """Clients of different endpoints meet in the same house."""
        path = str(self.folder() / "socket")
        server = await self.start(
            "--listen", f"unix:{path}", "--listen", "tcp:0:interface=127.0.0.1"
        )
        await server.output.contains("listening on 127.0.0.1:")
        alice = await self.call(UNIXClientEndpoint(reactor, path), "alice")
        bob = await self.call(server, "bob")
        alice.say("bob: hi")
        await bob.heard.contains("from alice: hi\n")

    async def test_takeover(self) -> None:
        """With --duplicate takeover the new connection has the name, and the old one is told."""
        server = await self.start("--duplicate", "takeover")
        old, alice = await self.call(server, "bob"), await self.call(server, "alice")
        old.say("alice: still me")
        await alice.heard.contains("from bob: still me\n")
        new = await self.call(server, "bob")
        alice.say("bob: hi")
        await new.heard.contains("from alice: hi\n")
        self.assertEqual(await self.bye(old), 1)
        self.assertEqual(old.lines()[1:], ["! replaced", "! bye 1"])

    async def test_killed_clients(self) -> None:
        """A client that is killed costs nobody else, and finds its mail when it returns."""
        server = await self.start()
        alice = await self.call(server, "alice")
        for how in ("reset", "close"):
            bob = await self.call(server, "bob")
            if how == "reset":
                bob.transport.abortConnection()
            else:
                bob.transport.loseConnection()
            await bob.lost
            await server.output.contains("bob left")
            server.output.turn_page()
            alice.say(f"bob: after a {how}")
            await alice.heard.contains("! kept bob 1\n")
            alice.heard.turn_page()
            bob = await self.call(server, "bob")
            await bob.heard.contains(f"{how}\n")
            self.assertEqual(
                bob.lines(), ["! welcome bob", "! mail 1", f"from alice: after a {how}"]
            )
            bob.say("/quit")
            await self.bye(bob)
            await server.output.contains("bob left")
            server.output.turn_page()

    async def test_unread_lines_come_back(self) -> None:
        """Lines that a client's machine had not acknowledged when it died reach the name later."""
        server = await self.start()
        alice = await self.call(server, "alice")
        stuck = socket.socket()
        self.addCleanup(stuck.close)
        stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stuck.connect(("127.0.0.1", server.port()))
        stuck.sendall(b"bob\n")
        text = "x" * 1000
        await server.output.contains("bob logged in")
        alice.say(*(f"bob: {number} {text}" for number in range(9_000)), "/sync")
        await alice.heard.contains("! synced")
        acknowledged = stuck.recv(2**20, socket.MSG_PEEK).count(b"\nfrom alice: ") - 1
        stuck.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        stuck.close()
        await server.output.contains("bob left")
        bob = await self.call(server, "bob")
        await bob.heard.contains(f"from alice: 8999 {text}\n")
        numbers = [int(line.split()[2]) for line in bob.messages()]
        self.assertEqual(numbers, list(range(numbers[0], 9_000)))
        self.assertLessEqual(numbers[0], acknowledged)

    async def _bob_reads_nothing(self) -> tuple[Process, IStreamClientEndpoint, socket.socket]:
        """A server on a unix socket, where Bob has been sent a hundred lines and has read none."""
        path = str(self.folder() / "socket")
        server = await self.start("--listen", f"unix:{path}")
        endpoint = UNIXClientEndpoint(reactor, path)
        alice = await self.call(endpoint, "alice")
        stuck = socket.socket(socket.AF_UNIX)
        stuck.connect(path)
        stuck.sendall(b"bob\n")
        await server.output.contains("bob logged in")
        alice.say(*(f"bob: {number}" for number in range(100)), "/sync")
        await alice.heard.contains("! synced")
        return server, endpoint, stuck

    async def test_unread_lines_of_a_unix_socket_come_back(self) -> None:
        """On a unix socket, too, lines that a dying client had not read reach the name later."""
        server, endpoint, stuck = await self._bob_reads_nothing()
        stuck.close()
        await server.output.contains("bob left")
        bob = await self.call(endpoint, "bob")
        await bob.heard.contains("from alice: 99\n")
        self.assertEqual(bob.messages(), [f"from alice: {number}" for number in range(100)])

    async def test_unix_client_that_half_closes_and_dies(self) -> None:
        """On a unix socket a client that had half-closed, and dies unread, has got nothing."""
        _, endpoint, stuck = await self._bob_reads_nothing()
        stuck.shutdown(socket.SHUT_WR)
        # The server has seen that when the name can be had again.
        bob = await self.call(endpoint, "bob")
        while "name-taken" in bob.heard.text:
            bob = await self.call(endpoint, "bob")
        stuck.close()
        await bob.heard.contains("from alice: 99\n")
        self.assertEqual(bob.messages(), [f"from alice: {number}" for number in range(100)])

    async def test_half_closed_client(self) -> None:
        """A client that half-closes gets all that its lines bring, the bye, and the end of file."""
        server = await self.start()
        client = await self.call(server)
        client.say("alice", *(f"alice: {number}" for number in range(20_000)))
        client.transport.loseWriteConnection()
        self.assertEqual(await self.bye(client), 20_000)
        self.assertEqual(client.messages(), [f"from alice: {number}" for number in range(20_000)])


class BadInputTests(FunctionalTestCase):
    """Lines that clients should not send, and the answers to them."""

    async def test_bad_lines(self) -> None:
        """Bad input costs its line alone: a notice, one line in the log, and no traceback."""
        # In a file, as a mailbox in memory keeps what comes for anybody at first.
        server = await self.start("--mailbox", f"sqlite:{self.folder() / 'mail'}")
        client = await self.call(server, "mallory")
        other = await self.call(server, "alice")
        for data, answer in [
            (b"x" * 2**20 + b"\n", "! too-long 8192"),
            (b"alice: \0\n", "! bad-line control characters"),
            (b"alice: \x1b[2J\n", "! bad-line control characters"),
            (b"alice: \xff\xfe\n", "! bad-line not UTF-8"),
            (b"alice\n", "! bad-line no recipient; post with NAME: text"),
            (b",".join(b"n%d" % number for number in range(10_000)) + b": x\n", "! too-long 8192"),
            (b",".join([b"n"] * 4_000) + b": x\n", "! bad-line more than 1000 recipients"),
            (b",".join([b"n"] * 1_000) + b": x\n", "! unknown n 1000"),
            (b"! alice: forged\n", "! unknown ! alice 1"),
            (b"/forge\n", "! bad-line no command /forge; /help lists them"),
        ]:
            client.heard.turn_page()
            client.transport.write(data)
            await client.heard.contains("\n")
            self.assertEqual(client.lines(), [answer])
        client.say("alice: still here")
        await other.heard.contains("from mallory: still here\n")
        self.assertEqual(other.lines(), ["! welcome alice", "from mallory: still here"])
        refused = "mallory sent a line that was refused"
        await server.output.until(lambda text: text.count(refused) == 2)
        self.assertNotIn("Traceback", server.output.text)

    async def test_bad_logins(self) -> None:
        """A bad login is told why, and its connection ends without a reset."""
        server = await self.start()
        await self.call(server, "alice")
        for login, answer in [
            ("x" * 10_000, "! bad-name too-long 8192"),
            ("alice", "! name-taken alice"),
            ("", "! bad-name it is empty; the first line must be NAME or NAME:SECRET"),
        ]:
            client = await self.call(server)
            client.say(login, "alice: not taken in")
            reason = await client.lost
            self.assertEqual(client.lines(), [answer])
            self.assertIsInstance(reason, ConnectionDone)
        self.assertNotIn("Traceback", server.output.text)

    async def test_port_scanner(self) -> None:
        """A client that connects and leaves is, in whatever way, a line for those who debug."""
        server = await self.start("--log-level", "debug")
        for leave in ("loseConnection", "abortConnection", "loseWriteConnection"):
            client = await self.call(server)
            getattr(client.transport, leave)()
            await client.lost
        await server.output.until(lambda text: text.count("left without a word") == 3)
        self.assertNotIn("Traceback", server.output.text)

    async def test_login_timeout(self) -> None:
        """A client that sends no name is told so in time, and closed."""
        server = await self.start("--login-timeout", "0.1")
        client = await self.call(server)
        await client.lost
        self.assertEqual(client.lines(), ["! bad-name none came within 0.1 seconds"])


class CommandLineTests(FunctionalTestCase):
    """Starts of the server, good ones and failed ones."""

    async def test_wrong_option(self) -> None:
        """A wrong value ends with one sentence and a non-zero exit."""
        process = self.run_twistd("--port", "99999")
        self.assertEqual(await process.ended, 1)
        self.assertEqual(
            process.output.text,
            "achat: --port must be a whole number from 0 to 65535, not '99999'\n",
        )

    async def test_port_is_taken(self) -> None:
        """A port that is taken ends with a sentence that says so, and a non-zero exit."""
        taken = str((await self.start()).port())
        process = self.run_twistd("--port", taken)
        self.assertEqual(await process.ended, 1)
        self.assertIn(
            f"achat: cannot listen on tcp:{taken}:interface=127.0.0.1:backlog=1024:"
            " [Errno 98] Address already in use; stop what listens there, or choose another place",
            process.output.text,
        )
        self.assertNotIn("Traceback", process.output.text)

    async def test_open_to_others(self) -> None:
        """The log says loudly when other machines can reach the server."""
        server = await self.start("--interface", "0.0.0.0")
        await server.output.contains("#warn] 0.0.0.0:")
