"""SIGHUP: the real twistd takes new options, and nobody who is connected notices."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.endpoints import TCP4ClientEndpoint, wrapClientTLS
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.ssl import Certificate, optionsForClientTLS

from tests.functional.certificates import write_certificate
from tests.functional.processes import TWISTD, FunctionalTestCase, Process


class ReloadTestCase(FunctionalTestCase):
    """A test with a configuration file."""

    def setUp(self) -> None:
        self.path = self.folder() / "achat.toml"

    async def configured(self, text: str, *options: str) -> Process:
        self.path.write_text(text)
        return await self.start("--config", str(self.path), *options)

    async def reload(self, server: Process, text: str, says: str) -> None:
        """Has the server reload the file, and waits for its answer in the log."""
        self.path.write_text(text)
        server.output.turn_page()
        server.send(signal.SIGHUP)
        await server.output.contains(says)


class OptionsTests(ReloadTestCase):
    """The text of the configuration file."""

    async def test_limits(self) -> None:
        """New limits apply to new clients, and sessions go on as they were."""
        server = await self.configured("max-line = 100")
        alice = await self.call(server, "alice")
        await self.reload(
            server,
            "max-line = 200\nduplicate = 'takeover'\nmailbox-limit = 0",
            "reloaded: duplicate reject -> takeover, mailbox-limit 16M -> 0, max-line 100 -> 200\n",
        )
        bob = await self.call(server, "bob")
        for client in (alice, bob):
            client.say(f"alice: {'x' * 150}", "/ping")
            await client.heard.contains("! pong")
        self.assertIn("! too-long 100\n", alice.heard.text)
        self.assertNotIn("! too-long", bob.heard.text)
        await alice.heard.contains("from bob: x")
        again = await self.call(server, "alice")
        self.assertEqual(await self.bye(alice), 2)
        again.say("/quit")
        await self.bye(again)
        bob.say("alice: gone?")
        await bob.heard.contains("! full alice 1\n")

    async def test_bad_file(self) -> None:
        """A bad file is reported, and everything goes on as it was; a good one then counts."""
        server = await self.configured("max-line = 100")
        alice = await self.call(server, "alice")
        for text, why in (
            (
                "max-line = 200\nmax-lines = 1",
                "max-lines is not an option; did you mean 'max-line'?",
            ),
            ("max-line =", "Invalid value (at end of document)"),
        ):
            await self.reload(server, text, why)
            error = f"Reloader#error] not reloaded, all is as it was: {self.path}"
            self.assertIn(error, server.output.text)
        waiting = "for the next start only: interface 127.0.0.1 -> 127.0.0.2"
        await self.reload(server, "max-line = 200\ninterface = '127.0.0.2'", waiting)
        self.assertIn("reloaded: max-line 100 -> 200", server.output.text)
        alice.say("alice: hi")
        await alice.heard.contains("from alice: hi\n")

    async def test_sample(self) -> None:
        """The sample configuration says of each option truly whether a running server takes it."""
        sample = (Path(__file__).parents[2] / "deploy" / "public.toml").read_text()
        secrets = self.folder() / "passwords"
        secrets.write_text("")
        sample = sample.replace("/var/lib/achat/passwords", str(secrets))
        settings = re.findall(r"^([a-z-]+) = .*?(\(R\)|$)", sample, re.MULTILINE)
        marked = sorted(key for key, mark in settings if mark)
        others = sorted(key for key, mark in settings if not mark)
        server = await self.configured("grace = 9\nlog-level = 'debug'")
        await self.reload(server, sample, "for the next start only: ")
        for what, keys in (("reloaded", marked), ("for the next start only", others)):
            (changes,) = re.findall(rf"\] {what}: (.*)", server.output.text)
            self.assertEqual([change.split()[0] for change in changes.split(", ")], keys)

    async def test_many_signals(self) -> None:
        """Signals as fast as they come cost nobody a line, and a stop is a stop nevertheless."""
        server = await self.configured("max-line = 1000")
        alice = await self.call(server, "alice")
        for number in range(20):
            self.path.write_text(f"max-line = {100 + number}")
            server.send(signal.SIGHUP)
            alice.say(f"alice: {number}")
        await alice.heard.contains("from alice: 19\n")
        server.send(signal.SIGTERM)
        server.send(signal.SIGHUP)
        self.assertEqual(await self.bye(alice), 20)
        await server.ended
        self.assert_ledger(server, r"accepted 20 \+ inherited 0 = delivered 20 ")

    async def test_closed_terminal(self) -> None:
        """When its terminal is closed the server stays, though its log has nowhere to go."""
        server = Process()
        arguments = [*TWISTD, "--port", "0"]
        reactor.spawnProcess(server, arguments[0], arguments, env=os.environ, usePTY=True)
        self.addCleanup(server.kill)
        match = re.search(r"(\d+)\r\n$", await server.output.contains("listening on "))
        assert match is not None
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", int(match[1]))
        alice = await self.call(endpoint, "alice")
        server.transport.loseConnection()
        bob = await self.call(endpoint, "bob")
        bob.say("alice: still there?")
        await alice.heard.contains("from bob: still there?\n")
        server.send(signal.SIGTERM)
        self.assertEqual(await self.bye(bob), 1)
        await server.ended


class CertificatesTests(ReloadTestCase):
    """The certificates, of both kinds of TLS endpoint."""

    def _trusting(self, server: Process, certificate: bytes) -> IStreamClientEndpoint:
        """An endpoint for a client that trusts this certificate and no other."""
        plain = TCP4ClientEndpoint(reactor, "127.0.0.1", server.port())
        authority = Certificate.loadPEM(certificate)
        return wrapClientTLS(optionsForClientTLS("localhost", authority), plain)

    def _descriptions(self, pem: Path) -> list[str]:
        where = "interface=127.0.0.1"
        return [f"tls:{pem.parent}:0:{where}", f"ssl:0:privateKey={pem}:certKey={pem}:{where}"]

    async def test_renewal(self) -> None:
        """A session stays, and the next client is shown the new certificate."""
        pem = self.folder() / "localhost.pem"
        for description in self._descriptions(pem):
            old = write_certificate(pem)
            server = await self.configured("", "--listen", description)
            alice = await self.call(self._trusting(server, old), "alice")
            new = write_certificate(pem)
            await self.reload(server, "", "reloaded: no option has changed")
            bob = await self.call(self._trusting(server, new), "bob")
            bob.say("alice: hi")
            await alice.heard.contains("from bob: hi\n")
            late = await self.call(self._trusting(server, old))
            await late.lost
            self.assertEqual(late.heard.text, "")

    async def test_broken(self) -> None:
        """A broken file leaves everything as it is, and the log says what is wrong with it."""
        pem = self.folder() / "localhost.pem"
        for description in self._descriptions(pem):
            old = write_certificate(pem)
            server = await self.configured("max-line = 100", "--listen", description)
            alice = await self.call(self._trusting(server, old), "alice")
            text = pem.read_bytes()
            for broken in (text[:-100], text[: text.index(b"-----BEGIN CERT")], b""):
                pem.write_bytes(broken)
                says = f"Reloader#error] not reloaded, all is as it was: {description}: "
                await self.reload(server, "max-line = 200", says)
            bob = await self.call(self._trusting(server, old), "bob")
            bob.say(f"alice: {'x' * 100}")
            await bob.heard.contains("! too-long 100\n")
            bob.say("alice: hi")
            await alice.heard.contains("from bob: hi\n")

    async def test_behind_haproxy(self) -> None:
        """They are read again for an endpoint that is wrapped, too."""
        pem = self.folder() / "localhost.pem"
        for description in self._descriptions(pem):
            write_certificate(pem)
            server = await self.configured("", "--listen", f"haproxy:{description}")
            new = write_certificate(pem)
            await self.reload(server, "", "reloaded: no option has changed")
            bob = await self.call(self._trusting(server, new))
            bob.say("PROXY TCP4 192.0.2.1 127.0.0.1 1 2\r", "bob")
            await bob.heard.contains("! welcome bob")
            await server.output.contains("bob logged in from 192.0.2.1:1")
            pem.write_bytes(b"")
            await self.reload(server, "", "not reloaded, all is as it was: ")
