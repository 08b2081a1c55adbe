"""The library and the real server: the asyncio driver, and the other two faces."""

from __future__ import annotations

import asyncio
import contextlib  # not suppress alone: trial takes that name of a module for its own
import signal
import sys
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.trial.unittest import SkipTest

from achat_twisted.client import (
    AddressError,
    Chat,
    ChatError,
    Ended,
    Event,
    NotLetIn,
    Refused,
    SessionOver,
    Unreachable,
    blocking,
    connect,
    deferreds,
)
from tests.clientele import Authority, Identity
from tests.functional.certificates import write_certificate
from tests.functional.processes import TWISTD, FunctionalTestCase
from tests.functional.serving import Running, ServedTestCase, until

LINES = 2000


class Ear:
    """A listener that remembers."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def heard(self, event: Event) -> None:
        self.events.append(event)

    @property
    def ends(self) -> list[str]:
        """The reasons for the ends of connections."""
        return [event.why for event in self.events if isinstance(event, Ended)]


class ChatTests(ServedTestCase):
    """Chats with a server on a TCP port."""

    async def asyncSetUp(self) -> None:
        self.server = await self.serve()

    def chat(self, name: str, **options: Any) -> Chat:
        return connect(f"{name}@127.0.0.1:{self.server.port}", **options)

    async def test_conversation(self) -> None:
        """Lines and messages go both ways, and their senders know what becomes of them."""
        async with self.chat("ann") as ann, self.chat("bob") as bob:
            await bob.ready()
            self.assertEqual((await ann.post("bob", "naïve: 🦉")).kept, ())
            message = await bob.next()
            self.assertEqual((message.sender, message.text), ("ann", "naïve: 🦉"))
            self.assertIsNotNone(message.time)
            await message.done()
            with self.assertRaises(Refused) as caught:
                await ann.say("hello?")
            self.assertEqual(caught.exception.refusals[0].word, "bad-line")
            self.assertEqual(await ann.who(), ["ann", "bob"])
        async with self.chat("ann") as ann:
            self.assertEqual((await ann.post(["bob", "ann"], "later")).kept, ("bob",))
        async with self.chat("bob") as bob:
            self.assertEqual((await bob.next()).text, "later")

    async def test_restart(self) -> None:
        """An ordered restart in the middle of a stream loses no line and doubles none."""
        texts: list[str] = []

        async def post(ann: Chat) -> None:
            for number in range(LINES):
                await ann.submit([f"bob: {number}"])
            await ann.sync()

        async with self.chat("ann") as ann, self.chat("bob") as bob:
            await bob.ready()
            posting = asyncio.create_task(post(ann))
            async for message in bob:
                texts.append(message.text)
                await message.done()
                if len(texts) == LINES // 4:
                    await self.server.stop()
                    await self.server.start()
                    await bob.ready()
                if len(texts) == LINES:
                    break
            await posting
        self.assertEqual(texts, [str(number) for number in range(LINES)])

    async def test_slow_worker(self) -> None:
        """A worker that is slow to be done is sent a window's worth, and holds nobody up."""
        await self.server.kill()
        self.server = await self.serve("--outbox-limit", "65536")
        async with self.chat("ann") as ann, self.chat("bob") as bob:
            await bob.ready()
            await ann.submit([f"bob: {number} {'x' * 100}" for number in range(LINES)])
            await ann.sync()
            await bob.ping()
            window = []
            with contextlib.suppress(TimeoutError):
                while True:
                    window.append(await asyncio.wait_for(bob.next(), 0.5))
            numbers = [int(message.text.split()[0]) for message in window]
            self.assertLess(len(numbers), LINES)
            for message in window:
                await message.done()
            async for message in bob:
                numbers.append(int(message.text.split()[0]))
                await message.done()
                if len(numbers) == LINES:
                    break
        self.assertEqual(numbers, [*range(LINES)])

    async def test_only_sends(self) -> None:
        """Many that only send may use one name at once, and the one who listens stays."""
        await self.server.kill()
        self.server = await self.serve("--duplicate", "takeover")

        async def send(number: int) -> None:
            async with self.chat("ci", only_sends=True) as chat:
                await chat.post("ci", str(number))

        async with self.chat("ci") as ci:
            await ci.ready()
            await asyncio.gather(*(send(number) for number in range(5)))
            texts = {(await ci.next()).text for _ in range(5)}
            self.assertEqual(texts, {"0", "1", "2", "3", "4"})

    async def test_taken(self) -> None:
        """A name that somebody else has is not let in; one that is taken over ends."""
        async with self.chat("ann") as ann:
            await ann.ready()
            async with self.chat("ann") as other:
                with self.assertRaisesRegex(NotLetIn, "the name ann is taken at 127.0.0.1:"):
                    await other.ready()
        await self.server.kill()
        self.server = await self.serve("--duplicate", "takeover")
        async with self.chat("ann") as ann:
            await ann.ready()
            waiting = asyncio.create_task(ann.next())
            async with self.chat("ann") as other:
                await other.ready()
                with self.assertRaisesRegex(SessionOver, "on another connection") as caught:
                    await waiting
        self.assertEqual(caught.exception.word, "replaced")

    async def test_same_tag(self) -> None:
        """A program that comes again with its state gets its own name back from its ghost."""
        state = self.folder() / "state"
        ghost = await self.run_python(
            "import asyncio, sys; from achat_twisted.client import connect\n"
            "async def main():\n"
            "    async with connect(sys.argv[1], state=sys.argv[2]) as chat:\n"
            "        await chat.post('ann', 'boo'); print('posted', flush=True)\n"
            "        await asyncio.Event().wait()\n"
            "asyncio.run(main())",
            *(f"ann@127.0.0.1:{self.server.port}", str(state)),
        )
        await until(lambda: "posted" in ghost.output)
        ghost.process.send_signal(signal.SIGSTOP)  # its connection stays
        copy = state.with_name("copy")
        for path in state.parent.glob("state*"):
            path.with_name(path.name.replace("state", "copy")).write_bytes(path.read_bytes())
        async with self.chat("ann", state=copy) as ann:
            self.assertEqual((await ann.next()).text, "boo")

    async def test_not_there(self) -> None:
        """A server that is not there is tried as long as one wants, and then named."""
        await self.server.kill()
        ear = Ear()
        with self.assertRaisesRegex(Unreachable, "^cannot reach 127.0.0.1:.*: Connection refused$"):
            async with self.chat("ann", retry=0.5, listener=ear) as ann:
                await ann.post("bob", "hi")
        self.assertGreater(len(ear.ends), 1)
        with self.assertRaisesRegex(Unreachable, "^cannot reach nowhere.invalid:8080: "):
            async with connect("ann@nowhere.invalid", retry=0) as ann:
                await ann.ready()


class StrangeServerTests(ServedTestCase):
    """Servers that this library cannot talk with, each named in one sentence."""

    async def assert_not_let_in(self, why: str, address: str, **options: Any) -> None:
        with self.assertRaisesRegex(NotLetIn, why):
            async with connect(address, **options) as chat:
                await asyncio.wait_for(chat.ready(), 30)

    async def _listen(self, talk: Callable[[StreamReader, StreamWriter], Awaitable[None]]) -> str:
        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        self.addAsyncCleanup(server.wait_closed)
        self.addCleanup(server.close)
        return f"ann@127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def test_old(self) -> None:
        """A server of the wire before tags takes C{/resume} for a name."""

        async def talk(reader: StreamReader, writer: StreamWriter) -> None:
            line = await reader.readline()
            name = line.decode().strip()
            answer = "! bad-name it begins with ! or /" if name[:1] == "/" else f"! welcome {name}"
            writer.write(f"{answer}\n".encode())
            writer.close()

        await self.assert_not_let_in("does not know /resume", await self._listen(talk))

    async def test_plain(self) -> None:
        """A server that speaks no notices closes without a word."""
        server = await self.serve("--plain")
        address = f"ann@127.0.0.1:{server.port}"
        await self.assert_not_let_in("no notices", address)
        await self.assert_not_let_in("was not told the secret", address, secret="hush")

    async def test_other(self) -> None:
        """A server of another protocol says what no achat server says."""

        async def talk(_reader: StreamReader, writer: StreamWriter) -> None:
            writer.write(b"220 mail.example ESMTP\r\n")
            writer.close()

        await self.assert_not_let_in("says what no achat server says", await self._listen(talk))


class TLSTests(ServedTestCase):
    """TLS, with certificates that are checked on both sides."""

    async def asyncSetUp(self) -> None:
        self.place = self.folder()
        self.ca = str(self.place / "ca.pem")
        pem = self.place / "localhost.pem"
        Path(self.ca).write_bytes(write_certificate(pem))
        self.authority = Authority()
        (self.place / "authorities").write_bytes(self.authority.identity.public())
        listen = f"ssl:0:privateKey={pem}:certKey={pem}"  # also 127.0.0.2, which it does not name
        auth = f"tls:{self.place / 'authorities'}"
        self.server = await self.serve("--listen", listen, "--auth", auth)
        self.address = f"ann@localhost:{self.server.port}"

    def certificate(self, identity: Identity) -> tuple[str, str]:
        """The paths of a certificate and of its key."""
        from cryptography.hazmat.primitives.serialization import (
            Encoding,
            NoEncryption,
            PrivateFormat,
        )

        cert, key = self.place / "cert.pem", self.place / "key.pem"
        cert.write_bytes(identity.public())
        key.write_bytes(
            identity.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
        return str(cert), str(key)

    async def test_certificates(self) -> None:
        """With an authority and a certificate the client is let in under its name."""
        cert, key = self.certificate(self.authority.client("ann"))
        async with connect(self.address, ca=self.ca, cert=cert, key=key) as ann:
            await ann.post("ann", "hi")
            self.assertEqual((await ann.next()).text, "hi")

    async def assert_fails(self, why: str, address: str, **options: Any) -> None:
        with self.assertRaisesRegex(ChatError, why):
            async with connect(address, **options) as chat:
                await chat.ready()

    async def test_strangers(self) -> None:
        """A certificate that is not vouched for, or names another host, is not believed."""
        await self.assert_fails("is not to be believed: self.signed", self.address, tls=True)
        other = self.address.replace("localhost", "127.0.0.2")
        await self.assert_fails("is not to be believed: IP address mismatch", other, ca=self.ca)

    async def test_no_certificate(self) -> None:
        """A client that the server does not know is not let in."""
        await self.assert_fails("does not let ann in", self.address, ca=self.ca)

    async def test_met_without(self) -> None:
        """A TLS port that is met without TLS is told no secret, and the user is told why."""
        for options, why in (
            ({"secret": "hush"}, "not told the secret; it may speak TLS"),
            ({}, "TLS"),
        ):
            await self.assert_fails(why, self.address, **options)

    async def test_met_with(self) -> None:
        """A port without TLS that is met with TLS is recognised."""
        server = await self.serve()
        address = f"ann@localhost:{server.port}"
        await self.assert_fails("does not speak TLS", address, ca=self.ca)

    async def test_files(self) -> None:
        """A file that is not there, or holds something else, is named."""
        for options, why in (
            ({"ca": "/nowhere"}, "cannot read the authorities in /nowhere: No such file"),
            ({"ca": self.ca, "cert": "/nowhere"}, "cannot use the certificate in /nowhere: No"),
            ({"ca": self.ca, "cert": self.ca}, f"cannot use the certificate in {self.ca}: "),
        ):
            await self.assert_fails(why, self.address, **options)
        await self.assert_fails("a unix socket needs no TLS", "ann@unix:/x", ca=self.ca)


class PlaceTests(ServedTestCase):
    """Other places than a TCP port of this machine, and secrets."""

    async def test_unix_socket(self) -> None:
        """A unix socket is as good as a port."""
        path = self.folder() / "achat"
        await self.serve("--listen", f"unix:{path}")
        async with connect(f"ann@unix:{path}") as ann:
            await ann.post("ann", "hi")
            self.assertEqual((await ann.next()).text, "hi")
        with self.assertRaisesRegex(Unreachable, "cannot reach unix:/nowhere: No such file"):
            async with connect("ann@unix:/nowhere", retry=0) as ann:
                await ann.ready()

    async def test_secret(self) -> None:
        """A secret from a file lets in; a wrong one does not, and is in no error."""
        place = self.folder()
        (place / "secrets").write_text("ann:s3cret\n")
        (place / "mine").write_text("s3cret\n")
        server = await self.serve("--auth", f"file:{place}/secrets")
        address = f"ann@127.0.0.1:{server.port}"
        async with connect(address, secret_file=str(place / "mine")) as ann:
            await ann.post("ann", "hi")
        with self.assertRaises(NotLetIn) as caught:
            async with connect(address, secret="wr0ng") as ann:
                await ann.ready()
        self.assertEqual(caught.exception.word, "denied")
        self.assertNotIn("wr0ng", str(caught.exception))
        self.assertNotIn("wr0ng", server.running.output)

    async def test_scope(self) -> None:
        """A link-local address leads to its server with its scope."""
        probe = await Running.start("unshare", "--net", "ip", "link", "set", "lo", "up")
        if await probe.process.wait():
            raise SkipTest(f"no networks can be made here: {probe.output.strip()}")
        code = (
            "import sys; from achat_twisted.client.blocking import connect\n"
            "with connect('ann@[fe80::7%lo]:8080') as chat: print(chat.post('ann', 'hi'))\n"
        )
        server = f"{' '.join(TWISTD)} --port 8080 --interface fe80::7%lo"
        script = (
            "ip link set lo up && ip address add fe80::7/64 dev lo nodad;"
            f" {server} & trap 'kill %1' EXIT; '{sys.executable}' -c \"$0\""
        )
        talking = await Running.start("unshare", "--net", "/bin/bash", "-c", script, code)
        await talking.process.wait()
        self.assertIn("line='ann: hi'", talking.output)


class FaceTests(FunctionalTestCase):
    """The other faces of the same chat."""

    async def test_blocking(self) -> None:
        """A script posts, hears and works off, without a loop of its own."""
        from twisted.internet.threads import deferToThread

        server = await self.start()
        address = f"ann@127.0.0.1:{server.port()}"
        state = str(self.folder() / "state")

        def script() -> list[str]:
            with blocking.connect(address, state=state) as chat:
                chat.post("ann", "1")
                postings = chat.submit(["ann: 2", "nonsense"])
                chat.outcome(postings[0])
                self.assertRaises(Refused, chat.outcome, postings[1])
                chat.sync()
                one, two = chat.next(), chat.next(timeout=10)
                self.assertRaises(TimeoutError, chat.next, timeout=0.01)
                with one.transaction() as work:
                    work.db.execute("CREATE TABLE job (text)")
                    work.db.execute("INSERT INTO job VALUES (?)", [one.text])
                try:
                    with two.transaction() as work:
                        work.db.execute("INSERT INTO job VALUES (?)", [two.text])
                        raise ZeroDivisionError
                except ZeroDivisionError:
                    two.done()
                chat.ping()
                return [one.text, two.text, *chat.who(), *chat.unsettled()]

        self.assertEqual(await deferToThread(script), ["1", "2", "ann"])

    async def test_deferreds(self) -> None:
        """The same with Deferreds, and on the reactor's own loop."""
        server = await self.start()
        chat = deferreds.connect(reactor, f"ann@127.0.0.1:{server.port()}")
        await chat.start()
        waiting = chat.next()
        self.assertEqual((await chat.post("ann", "hi")).line, "ann: hi")
        message = await waiting
        self.assertEqual(message.text, "hi")
        await chat.done(message)
        self.assertEqual(await chat.who(), ["ann"])
        refused: Any = await self.assertFailure(chat.say("nonsense"), Refused)
        self.assertEqual(refused.refusals[0].word, "bad-line")
        await chat.ping()
        await chat.close()

    async def test_deferred_tls(self) -> None:
        """Twisted's TLS checks certificates as asyncio's does, with the same errors."""
        pem = self.folder() / "localhost.pem"
        ca = pem.with_name("ca.pem")
        ca.write_bytes(write_certificate(pem))
        server = await self.start("--listen", f"ssl:0:privateKey={pem}:certKey={pem}")
        address = f"ann@localhost:{server.port()}"
        async with deferreds.connect(reactor, address, ca=str(ca)).chat as chat:
            await chat.post("ann", "hi")
            self.assertEqual((await chat.next()).text, "hi")
        for where, options, why in (
            (address, {"tls": True}, "is not to be believed"),
            (f"ann@127.0.0.2:{server.port()}", {"ca": str(ca)}, "is not to be believed"),
        ):
            stranger = deferreds.connect(reactor, where, **options)
            await stranger.start()
            error: Any = await self.assertFailure(stranger.ready(), NotLetIn)
            self.assertIn(why, str(error))
            await stranger.close()

    async def test_deferred_files(self) -> None:
        """A file that is not there, or holds something else, is named."""
        other = self.folder() / "other"
        other.write_text("-----BEGIN CERTIFICATE-----\nrubbish\n-----END CERTIFICATE-----\n")
        empty = other.with_name("empty")
        empty.write_text("")
        ca = other.with_name("ca.pem")
        ca.write_bytes(write_certificate(other.with_name("localhost.pem")))
        cases: list[tuple[dict[str, Any], str]] = [
            ({"ca": "/nowhere"}, "cannot read the certificate in /nowhere: No such file"),
            (
                {"ca": str(empty)},
                f"cannot read the authorities in {empty}: it holds no certificate",
            ),
            ({"ca": str(other)}, f"cannot read the authorities in {other}: "),
            ({"cert": str(ca)}, f"cannot use the certificate in {ca}: "),
        ]
        for options, why in cases:
            with self.assertRaisesRegex(AddressError, why):
                deferreds.connect(reactor, "ann@localhost", **options)

    async def test_deferred_break(self) -> None:
        """A server that stops and comes again is found again."""
        path = self.folder() / "achat"
        server = await self.start("--listen", f"unix:{path}")
        chat = deferreds.connect(reactor, f"ann@unix:{path}")
        await chat.start()
        await chat.post("ann", "1")
        server.send(signal.SIGTERM)
        await server.ended
        posting = chat.post("ann", "2")
        await self.start("--listen", f"unix:{path}")
        await posting
        await chat.next()
        self.assertEqual((await chat.next()).text, "2")
        await chat.close()
