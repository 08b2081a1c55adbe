"""The operators of a server that is soaked, who may not cost anybody a line."""

from __future__ import annotations

import re
import signal
from dataclasses import dataclass
from pathlib import Path

from argon2 import PasswordHasher
from twisted.internet.endpoints import SSL4ClientEndpoint, TCP4ClientEndpoint, connectProtocol
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.ssl import CertificateOptions
from twisted.internet.task import deferLater

from tests.functional.certificates import write_certificate
from tests.functional.chatting import Chat
from tests.functional.processes import SCRIPTS, Client
from tests.soak.faults import LONGEST, Fault, Scene

_HASHER = PasswordHasher(time_cost=2, memory_cost=2**14)
"""Cheap, but not so cheap that two who log in at once would not need two threads."""

_CONFIGURATIONS = (
    "auth = {auth}\nrate = 2000",
    "max-line = 4096\noutbox-total = 100_000\nduplicate = 'takeover'\nrate = 2000",
    "limit-local = true\nconnections-per-host = 0\nlogins-per-host = 0\nrate = 2000\nburst = 100",
    "auth = {auth}\noutbox-limit = 65_536\nlog-level = 'debug'\ngrace = 5\nrate = 2000",
    "max-line = ",
    "max-lines = 4096",
)
"""The configurations in force one after the other, in any order; the last two are broken.

All have a rate: a peer that has come while limits held for this machine, too, keeps to it, and
would need minutes for its lines at the usual one.
"""


@dataclass(frozen=True, slots=True)
class Desk:
    """The files of the server's operator."""

    folder: Path

    def lay_out(self, names: list[str]) -> None:
        """Write all that the server needs when it starts; each name is its own secret."""
        secrets = "".join(f"{name}:{_HASHER.hash(name)}\n" for name in names)
        (self.folder / "passwords").write_text(secrets)
        (self.folder / "passwords").chmod(0o600)
        write_certificate(self._pem)
        self.configure(_CONFIGURATIONS[0])

    def options(self) -> tuple[str, ...]:
        """The server's; it has two ports, the second of which speaks TLS."""
        return (
            *("--config", str(self._configuration), "--mailbox", f"sqlite:{self.folder / 'mail'}"),
            *("--admin", str(self.socket), "--http", "0", "--login-timeout", "2"),
            *("--listen", "tcp:0:interface=127.0.0.1:backlog=1024"),
            *("--listen", f"ssl:0:privateKey={self._pem}:certKey={self._pem}:interface=127.0.0.1"),
        )

    def configure(self, text: str) -> None:
        auth = [f"argon2:{self.folder / 'passwords'}"]
        self._configuration.write_text(text.format(auth=auth))

    @property
    def socket(self) -> Path:
        return self.folder / "admin"

    @property
    def _configuration(self) -> Path:
        return self.folder / "achat.toml"

    @property
    def _pem(self) -> Path:
        return self.folder / "localhost.pem"

    def renew(self) -> None:
        """Replace the certificate."""
        write_certificate(self._pem)

    def spoil(self) -> None:
        """Leave only half of it."""
        self._pem.write_bytes(self._pem.read_bytes()[:-100])


def _port(server: Chat, said: str) -> int:
    """The last port of which the server has said this."""
    return int(re.findall(rf"{said}\S*127\.0\.0\.1:(\d+)", server.told.whole)[-1])


def is_ready(told: str) -> bool:
    """True if a server has opened all that L{Desk.options} asks for."""
    return told.count("listening on ") == 2 and "metrics are at " in told


def operators(desk: Desk, server: Chat) -> list[Fault]:
    """All their actions."""

    async def reloading(scene: Scene) -> None:
        """The configuration is changed again and again, and sometimes it is broken."""
        for text in scene.random.sample(_CONFIGURATIONS, len(_CONFIGURATIONS)):
            desk.configure(text)
            server.send(signal.SIGHUP)
            await deferLater(scene.reactor, LONGEST / len(_CONFIGURATIONS))

    async def renewing(scene: Scene) -> None:
        """The certificate is exchanged, well and badly, and somebody comes who is shown it."""
        for change in (desk.renew, desk.spoil, desk.renew):
            change()
            server.send(signal.SIGHUP)
            await deferLater(scene.reactor, LONGEST / 10)
            port = _port(server, "listening on ")
            there = SSL4ClientEndpoint(scene.reactor, "127.0.0.1", port, CertificateOptions())
            await _ask(there, "visitor", "/quit")

    async def scraping(scene: Scene) -> None:
        """Somebody scrapes the metrics."""
        port = _port(server, "metrics are at ")
        for _ in range(5):
            there = TCP4ClientEndpoint(scene.reactor, "127.0.0.1", port)
            said = await _ask(there, "GET /metrics HTTP/1.1\r", "Host: localhost\r", "\r")
            assert "achat_copies_accepted_total" in said, said

    async def operating(scene: Scene) -> None:
        """An operator looks on, and sends somebody away, who may come again."""
        kicked = scene.random.choice(scene.peers).name
        for action in (("stats",), ("kick", kicked), ("who",)):
            command = (str(SCRIPTS / "achat"), "admin", "--socket", str(desk.socket), *action)
            await scene.run(*command).ended

    return [reloading, renewing, scraping, operating]


async def _ask(there: IStreamClientEndpoint, *lines: str) -> str:
    """Says some lines as a client that stays until the end, and returns the answers."""
    client = Client()
    await connectProtocol(there, client)
    client.say(*lines)
    await client.lost
    return client.heard.whole
