"""Attacks on a real server, in short; C{python -m tests.attacks} has them at full size."""

from __future__ import annotations

import math
import resource

from twisted.internet import reactor

from tests.attacks.ordeal import Attack, Findings, listen_with_tls, undergo
from tests.functional.processes import FunctionalTestCase


class AttackTests(FunctionalTestCase):
    """Whatever is tried: no traceback, no line lost, nothing left behind, and others are served."""

    timeout = 300

    def setUp(self) -> None:
        soft, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # which the server inherits
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, most))

    async def _undergo(
        self,
        crowd: str,
        size: int,
        seconds: float,
        *options: str,
        descriptors: int = 0,
        tls: bool = False,
    ) -> Findings:
        listen: tuple[str, ...] = ()
        if tls:
            listen = listen_with_tls(self.folder())
        attack = Attack(crowd, size, seconds, options, descriptors, tls)
        findings = await undergo(reactor, self.run_process, attack, listen)
        self.assertEqual(findings.faults(), [])
        self.assertGreater(len(findings.times), 5)
        return findings

    async def test_slow_logins(self) -> None:
        """Logins that never end are ended at their deadline."""
        findings = await self._undergo("slow-logins", 300, 15, "--login-timeout", "1")
        self.assertIn("300 of 300 were closed", findings.said)
        self.assertLess(findings.newcomer, math.inf)

    async def test_connections(self) -> None:
        """Connections that come and go without end keep nobody out."""
        findings = await self._undergo("connections", 1, 3)
        self.assertLess(findings.newcomer, math.inf)

    async def test_logins(self) -> None:
        """Names that come and go without end keep nobody out."""
        findings = await self._undergo("logins", 1, 3)
        self.assertLess(findings.newcomer, math.inf)

    async def test_no_descriptors(self) -> None:
        """When there are no descriptors for more, those who are here are served as ever."""
        findings = await self._undergo("hoard", 100, 3, descriptors=50)
        self.assertLessEqual(findings.peak.descriptors, 50)

    async def test_deaf(self) -> None:
        """Those who never read cost what is queued for them, and what the kernel has in flight."""
        findings = await self._undergo("deaf", 50, 6)
        grown = findings.peak.resident - findings.before.resident
        self.assertLess(grown, 50 * 4 * 2**20)
        self.assertLess(findings.newcomer, math.inf)

    async def test_deaf_and_curious(self) -> None:
        """Those who ask without reading the answers are not read either."""
        findings = await self._undergo("deaf-and-curious", 30, 3)
        grown = findings.peak.resident - findings.before.resident
        self.assertLess(grown, 30 * 4 * 2**20)

    async def test_oversized(self) -> None:
        """What is beyond its bound is refused by its name, and its bytes are thrown away."""
        findings = await self._undergo("oversized", 1, 5)
        for answer in (
            "a login of 1 MiB: ! bad-name too-long 8192;",
            "a login without end: ! bad-name too-long 8192;",
            "a name of 65 bytes: ! bad-name it is longer than 64 bytes;",
            "a line of 64 MiB: ! too-long 8192 / ! bye 2;",
            "100,000 recipients: ! too-long 8192 / ! bye 2;",
            "2,000 times the same recipient: ! bad-line more than 1000 recipients / ! bye 2;",
            "a line of commas: ! bad-line no recipient; post with NAME: text / ! bye 2;",
            "no recipient; post with NAME: text / ! bye 1000001;",
            "a million secrets: ! bad-name too-long 8192",
        ):
            self.assertIn(answer, findings.said)
        self.assertLess(findings.peak.resident - findings.before.resident, 2**24)

    async def test_garbage(self) -> None:
        """Noise costs those who make it their connection, or a notice."""
        await self._undergo("garbage", 1, 3)

    async def test_half_handshakes(self) -> None:
        """Who does not get to the end of a TLS handshake is closed when a login would be late."""
        findings = await self._undergo("half-handshakes", 200, 15, "--login-timeout", "1", tls=True)
        self.assertIn("200 of 200 were closed", findings.said)

    async def test_tls_garbage(self) -> None:
        """What is not TLS costs those who say it their connection."""
        await self._undergo("tls-garbage", 1, 3, tls=True)
