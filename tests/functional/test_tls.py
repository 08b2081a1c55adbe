"""The same promise with TLS in between."""

from __future__ import annotations

import re
import signal

from twisted.internet import reactor
from twisted.internet.endpoints import TCP4ClientEndpoint, wrapClientTLS
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.ssl import Certificate, optionsForClientTLS

from tests.functional.certificates import write_certificate
from tests.functional.processes import FunctionalTestCase, Process


class TLSTests(FunctionalTestCase):
    """A server behind TLS."""

    async def _start(self, *options: str) -> tuple[Process, IStreamClientEndpoint]:
        pem = self.folder() / "localhost.pem"
        authority = Certificate.loadPEM(write_certificate(pem))
        server = await self.start(
            *("--listen", f"ssl:0:privateKey={pem}:certKey={pem}:interface=127.0.0.1"), *options
        )
        plain = TCP4ClientEndpoint(reactor, "127.0.0.1", server.port())
        return server, wrapClientTLS(optionsForClientTLS("localhost", authority), plain)

    async def test_conversation(self) -> None:
        """Clients talk over TLS as they do without."""
        _, endpoint = await self._start()
        alice, bob = await self.call(endpoint, "alice"), await self.call(endpoint, "bob")
        alice.say("bob: hi", "/sync t")
        await bob.heard.contains("from alice: hi\n")
        await alice.heard.contains("! synced 2 t\n")

    async def test_secrets_in_the_clear(self) -> None:
        """Of two ports that others can reach, that without TLS is warned of if secrets go there."""
        place = self.folder()
        write_certificate(place / "localhost.pem")
        (place / "secrets").write_text("alice:secret\n")
        tls = f"ssl:0:privateKey={place}/localhost.pem:certKey={place}/localhost.pem"
        options = [*("--listen", "tcp:0", "--listen", tls, "--listen", f"haproxy:{tls}")]
        server = await self.start(*options, "--auth", f"file:{place}/secrets")
        await server.output.until(lambda text: text.count("listening on ") == len(options) / 2)
        warnings = re.findall(r"#warn\] (.*)", server.output.text)
        self.assertEqual(len(warnings), 1, warnings)
        self.assertIn(f"0.0.0.0:{server.port()} can be reached from other machines w", warnings[0])

    async def test_stop(self) -> None:
        """A stop in the middle of a stream loses nothing, and ends with a clean end of file."""
        server, endpoint = await self._start()
        alice, bob = await self.call(endpoint, "alice"), await self.call(endpoint, "bob")
        alice.say(*(f"bob: {number} {'x' * 100}" for number in range(20_000)))
        await bob.heard.contains("from alice: 1000 ")
        server.send(signal.SIGTERM)
        taken = await self.bye(alice)
        await self.bye(bob)
        numbers = [int(line.split()[2]) for line in bob.messages()]
        self.assertEqual(numbers, list(range(taken)))
        await server.ended
        self.assert_ledger(server, rf"accepted {taken} \+ inherited 0 = delivered {taken} ")

    async def test_broken_connection(self) -> None:
        """Lines that a broken connection had not brought come at the next login, in order."""
        server, endpoint = await self._start()
        alice, bob = await self.call(endpoint, "alice"), await self.call(endpoint, "bob")
        bob.transport.pauseProducing()
        alice.say(*(f"bob: {number} {'x' * 1000}" for number in range(9_000)), "/sync")
        await alice.heard.contains("! synced")
        bob.transport.abortConnection()
        await bob.lost
        await server.output.contains("bob left")
        again = await self.call(endpoint, "bob")
        await again.heard.contains("from alice: 8999 ")
        numbers = [int(line.split()[2]) for line in again.messages()]
        self.assertEqual(numbers, list(range(numbers[0], 9_000)))
        self.assertLess(numbers[0], 8_000)

    async def test_behind_and_gone(self) -> None:
        """A client that is behind and ends TLS is gone, has its name free, and holds no stop up."""
        server, endpoint = await self._start("--grace", "3600")
        alice, bob = await self.call(endpoint, "alice"), await self.call(endpoint, "bob")
        bob.transport.pauseProducing()
        alice.say(*(f"bob: {number} {'x' * 1000}" for number in range(9_000)), "/sync")
        await alice.heard.contains("! synced")
        bob.transport._shutdownTLS()  # noqa: SLF001  # say so while there is much to read
        bob.transport.resumeProducing()
        await server.output.contains("bob left")
        again = await self.call(endpoint, "bob")
        await again.heard.contains("from alice: 8999 ")
        again.say("/quit")
        await self.bye(again)
        server.send(signal.SIGTERM)
        await server.ended

    async def test_garbage(self) -> None:
        """A client that does not speak TLS costs its own connection, and no traceback."""
        server, endpoint = await self._start()
        stranger = await self.call(TCP4ClientEndpoint(reactor, "127.0.0.1", server.port()))
        stranger.say("alice", "bob: in plain text")
        await stranger.lost
        alice = await self.call(endpoint, "alice")
        alice.say("/ping")
        await alice.heard.contains("! pong\n")
        self.assertNotIn("Traceback", server.output.whole)
