"""Attacks on a real server, in short; C{python -m tests.attacks} has them at full size."""

from __future__ import annotations

import math
import resource

from twisted.internet import reactor

from achat_twisted.mailbox.rows import MOST_JOINED
from tests.attacks.ordeal import Attack, Findings, undergo
from tests.functional.processes import FunctionalTestCase


class OrdealTestCase(FunctionalTestCase):
    """Attacks cause no traceback, lose no line, leave nothing behind, and keep nobody waiting."""

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
        auth: bool = False,
        hosts: int = 0,
    ) -> Findings:
        attack = Attack(crowd, size, seconds, options, descriptors, tls, hosts, auth)
        findings = await undergo(reactor, self.run_process, attack, self.folder())
        self.assertEqual(findings.faults(), [])
        self.assertGreater(len(findings.times), 5)
        return findings


_IN_ROOMS = ("--limit-local", "--rate", "200")
"""The pair says some hundred lines a second, and must not be slowed down for that."""


class AttackTests(OrdealTestCase):
    """From the honest pair's own machine, which has no limits."""

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
        """When there are no descriptors for more, clients that are here are served as before."""
        findings = await self._undergo("hoard", 100, 3, descriptors=50)
        self.assertLessEqual(findings.peak.descriptors, 50)

    async def test_deaf(self) -> None:
        """Clients that never read cost their queues, and the bytes that the kernel holds."""
        findings = await self._undergo("deaf", 50, 6)
        grown = findings.peak.resident - findings.before.resident
        self.assertLess(grown, 50 * 4 * 2**20)
        self.assertLess(findings.newcomer, math.inf)

    async def test_deaf_and_curious(self) -> None:
        """Clients that ask without reading the answers are not read either."""
        findings = await self._undergo("deaf-and-curious", 30, 3)
        grown = findings.peak.resident - findings.before.resident
        self.assertLess(grown, 30 * 4 * 2**20)

    async def test_curious_and_gone(self) -> None:
        """Answers that nobody reads are bounded for all, and those that nobody hears are not made.

        The bound is twice the total that may wait, and the kernel's 0.2 MiB for each.
        """
        findings = await self._undergo("curious-and-gone", 300, 6, "--outbox-total", str(2**25))
        grown = findings.peak.resident - findings.before.resident
        self.assertLess(grown, 2 * 2**25 + 300 * 2**18)
        self.assertLess(max(findings.times), 2)

    async def test_unconfirming(self) -> None:
        """Clients with tags that confirm nothing cost what the limits allow, under however many.

        Each may have 1 MiB that it has not got, and its refusals have room in the mailbox.
        """
        limits = ("--mailbox-total", str(2**21), "--outbox-total", str(2**22))
        findings = await self._undergo("unconfirming", 20, 4, *limits)
        self.assertLess(findings.peak.resident - findings.before.resident, 20 * 2**20 + 2**25)
        self.assertGreater(int(findings.said.split()[-2]), 2 * 20)

    async def test_confirming_each(self) -> None:
        """Confirmations, which do not count for the rate, are bounded by what there is to confirm;
        each client has sent two bursts and a chunk, and got that, at most.
        """
        limits = ("--limit-local", "--rate", "200", "--outbox-limit", str(2**18))
        findings = await self._undergo("confirming-each", 10, 4, *limits)
        self.assertGreater(int(findings.said.split()[0].replace(",", "")), 10)
        self.assertLess(findings.peak.resident - findings.before.resident, 10 * 2**20 + 2**24)

    async def test_confirming_nothing(self) -> None:
        """Confirmations of nothing count for the rate, as all lines do."""
        limits = ("--limit-local", "--rate", "200")
        findings = await self._undergo("confirming-nothing", 20, 4, *limits)
        self.assertLess(findings.peak.resident - findings.before.resident, 20 * 2**20 + 2**24)
        self.assertEqual(findings.log.count("a line that was refused"), 20)

    async def test_half_open(self) -> None:
        """Tags whose clients never read are sent what is allowed for all; the rest is mail."""
        limits = ("--mailbox-total", str(2**21), "--outbox-total", str(2**22))
        findings = await self._undergo("half-open", 20, 4, *limits)
        self.assertLess(findings.peak.resident - findings.before.resident, 20 * 2**19 + 2**25)

    async def test_many_tags(self) -> None:
        """A name may have any number of sessions that only send."""
        findings = await self._undergo("many-tags", 300, 4)
        self.assertIn("300 tags of one name", findings.said)
        self.assertLess(findings.peak.resident - findings.before.resident, 300 * 2**14 + 2**24)

    async def test_made_up_tags(self) -> None:
        """Of the tags that a name makes up a hundred are remembered, and all count as mail does."""
        findings = await self._undergo("made-up-tags", 1, 4, "--mailbox-total", str(2**18))
        self.assertGreater(int(findings.said.split()[0]), 256)
        self.assertLess(findings.peak.resident - findings.before.resident, 2**24)

    async def test_million_rooms(self) -> None:
        """There are 10,000 rooms at most, however many clients make them."""
        findings = await self._undergo("million-rooms", 10, 5, *_IN_ROOMS)
        self.assertLess(findings.peak.resident - findings.before.resident, 10_000 * 2**13)

    async def test_member_of_all(self) -> None:
        """A name in a hundred rooms, the most that it may be in, may come again and again."""
        findings = await self._undergo("member-of-all", 3, 5)
        logins = int(findings.said.split()[0])
        self.assertGreater(logins, 3)
        kept = logins * MOST_JOINED * 2**8  # as each login leaves a line in all of its rooms
        self.assertLess(findings.peak.resident - findings.before.resident, kept + 2**24)

    async def test_joins_and_parts(self) -> None:
        """Joins and parts are told to nobody else, and count as lines do."""
        findings = await self._undergo("joins-and-parts", 50, 4, *_IN_ROOMS)
        self.assertLess(findings.peak.resident - findings.before.resident, 50 * 2**19 + 2**24)

    async def test_unread_room(self) -> None:
        """A room that nobody reads has its lines once, and each that does not read its share."""
        limits = ("--room-limit", str(2**20), "--outbox-total", str(2**22))
        findings = await self._undergo("unread-room", 100, 5, *_IN_ROOMS, *limits)
        self.assertLess(findings.peak.resident - findings.before.resident, 100 * 2**17 + 2**25)

    async def test_curious_members(self) -> None:
        """The long answers about a room are bounded for all, whether they are read or not."""
        for crowd in ("curious-members", "curious-readers"):
            findings = await self._undergo(crowd, 50, 4, *_IN_ROOMS, "--outbox-total", str(2**22))
            grown = findings.peak.resident - findings.before.resident
            self.assertLess(grown, 50 * 2**19 + 2**25)

    async def test_made_up_devices(self) -> None:
        """Devices that are made up, and names that have one, are bounded as tags are."""
        total = ("--mailbox-total", str(2**20))
        for crowd in ("made-up-devices", "made-up-names"):
            findings = await self._undergo(crowd, 2, 4, *total)
            self.assertGreater(int(findings.said.split()[0]), 2)
            self.assertLess(findings.peak.resident - findings.before.resident, 2**25)

    async def test_oversized(self) -> None:
        """Input beyond its bound is refused by its name, and its bytes are thrown away."""
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
        """A client that does not finish its TLS handshake is closed when a login would be late."""
        findings = await self._undergo("half-handshakes", 200, 15, "--login-timeout", "1", tls=True)
        self.assertIn("200 of 200 were closed", findings.said)

    async def test_tls_garbage(self) -> None:
        """Bytes that are not TLS cost their senders the connection."""
        await self._undergo("tls-garbage", 1, 3, tls=True)


class LimitedTests(OrdealTestCase):
    """From a host for which the limits hold, while the pair comes from another one.

    A connection that may stay is two or three lines in the log, so a host is good for some hundred
    in a minute. All others are a line together when it begins, and one when the minute ends.
    """

    async def _undergo_from_a_host(self, crowd: str, size: int, *, auth: bool = False) -> Findings:
        # The pair says some hundred lines a second, and must not be slowed down for that.
        rate = ("--rate", "200", "--burst", "2000")
        most = (*rate, "--limit-local", "--logins-per-host", "100", "--connections-per-host", "50")
        findings = await self._undergo(crowd, size, 4, *most, auth=auth, hosts=1)
        self.assertLess(findings.newcomer, math.inf)
        self.assertLess(findings.log.count("\n"), 3 * 100 + 30)
        return findings

    async def test_connections(self) -> None:
        """A flood of connections is refused, and hardly anything of it is in the log."""
        findings = await self._undergo_from_a_host("connections", 1)
        self.assertGreater(int(findings.said.split()[0]), 200)
        self.assertIn("connections refused within a minute", findings.log)

    async def test_logins(self) -> None:
        """A flood of logins is refused, and the log names its host."""
        findings = await self._undergo_from_a_host("logins", 1)
        self.assertIn("too many logins from 127.1.0.1", findings.log)

    async def test_guesses(self) -> None:
        """A flood of wrong secrets gets no further than the logins that a host has."""
        findings = await self._undergo_from_a_host("guesses", 500, auth=True)
        self.assertIn("! busy", findings.said)
        self.assertLess(findings.log.count("denied"), 100)

    async def test_rate(self) -> None:
        """A client that floods with bad lines is read as fast as is allowed, and no faster."""
        findings = await self._undergo_from_a_host("rude-and-greedy", 20)
        self.assertEqual(findings.log.count("a line that was refused"), 20)
