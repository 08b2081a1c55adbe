"""Secrets: they are nowhere but on the wire."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.functional.processes import FunctionalTestCase

SECRET = "correct-horse"


class SecretTests(FunctionalTestCase):
    """A server that hears a secret in every place where one may slip in."""

    async def test_nowhere(self) -> None:
        """A secret is in no log, not even when it is said wrong, and nothing that C{ps} shows."""
        path = self.folder() / "mailbox.sqlite"
        server = await self.start("--login-timeout", "1", "--mailbox", f"sqlite:{path}")
        alice = await self.call(server, f"alice:{SECRET}")
        alice.say(f"alice:{SECRET}", f"/alice:{SECRET}", f"/login {SECRET}", f"{SECRET}", "/sync")
        await alice.heard.contains("! synced")
        for login in (
            *(f"alice:{SECRET}", f"!bob:{SECRET}", f"b,b:{SECRET}", f":{SECRET}"),
            *(f"bob:{SECRET}\x1b", f"bob:{SECRET}{'x' * 9000}", f"{'b' * 65}:{SECRET}"),
        ):
            client = await self.call(server)
            client.say(login)
            await client.lost
        late = await self.call(server)
        late.transport.write(f"bob:{SECRET}".encode())
        await late.lost
        process = Path(f"/proc/{server.transport.pid}")
        for file in ("cmdline", "environ", "comm"):
            self.assertNotIn(SECRET, (process / file).read_text())
        server.send(signal.SIGTERM)
        await server.ended
        self.assertIn("alice sent a line that was refused", server.output.whole)
        self.assertNotIn(SECRET, server.output.whole)
