"""Socket activation: twistd on a port that somebody else holds, as systemd does."""

from __future__ import annotations

import socket
from signal import SIGTERM

from twisted.internet import reactor
from twisted.internet.endpoints import TCP4ClientEndpoint

from tests.functional.processes import TWISTD, FunctionalTestCase, Process

FIRST_INHERITED = 3
"""The descriptor at which systemd starts, see C{sd_listen_fds(3)}."""

SHELL = 'export LISTEN_PID=$$; exec "$@"'
"""Only the child itself knows its process id in time; C{exec} keeps it."""


class ActivationTests(FunctionalTestCase):
    """The test holds the port; servers come and go."""

    def setUp(self) -> None:
        self.port = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.port.close)
        self.endpoint = TCP4ClientEndpoint(reactor, *self.port.getsockname())

    def serve(self, domain: str = "INET") -> Process:
        """A server on the port."""
        command = [*TWISTD, "--listen", f"systemd:domain={domain}:index=0"]
        return self.run_process(
            *("/bin/sh", "-c", SHELL, "sh", *command),
            # Twisted wants a name for each descriptor; systemd's is that of the socket unit.
            environment={"LISTEN_FDS": "1", "LISTEN_FDNAMES": "achat.socket"},
            descriptors={FIRST_INHERITED: self.port.fileno()},
        )

    async def test_chat(self) -> None:
        """Clients of a port that the server has inherited talk to each other, and it stops well."""
        server = self.serve()
        alice = await self.call(self.endpoint, "alice")
        bob = await self.call(self.endpoint, "bob")
        alice.say("bob: hi")
        await bob.heard.contains("from alice: hi\n")
        server.send(SIGTERM)
        self.assertEqual(await self.bye(alice), 1)
        self.assertEqual(await self.bye(bob), 0)
        await server.ended
        self.assert_ledger(server, r"accepted 1 \+ inherited 0 = delivered 1 ")

    async def test_nobody_is_refused_in_between(self) -> None:
        """A client that comes while no server runs waits, and is served by the next one."""
        first = self.serve()
        alice = await self.call(self.endpoint, "alice")
        first.send(SIGTERM)
        self.assertEqual(await self.bye(alice), 0)
        await first.ended
        bob = await self.call(self.endpoint)
        bob.say("bob", "bob: still here")
        self.serve()
        await bob.heard.contains("from bob: still here\n")

    async def test_wrong_family(self) -> None:
        """A socket of another family than the endpoint says ends with a sentence that says so."""
        server = self.serve("INET6")
        self.assertEqual(await server.ended, 1)
        self.assertIn(
            "achat: cannot listen on systemd:domain=INET6:index=0:"
            " the socket is for AF_INET, not for AF_INET6",
            server.output.text,
        )
