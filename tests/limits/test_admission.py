"""Admission: the number of connections is bounded, in all and from one host."""

from __future__ import annotations

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.limits.admission import MINUTE, Admission, Refusal
from achat_twisted.limits.limits import Limits
from achat_twisted.net.addresses import origin
from tests.logged import Logged

HOST, OTHER = "203.0.113.7", "203.0.113.8"


class AdmissionTests(SynchronousTestCase):
    """L{Admission}."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.limits = Limits(connections=4, connections_per_host=2, logins_per_host=3)
        self.admission = Admission(self.clock, self.limits)

    def enters(self, origin: str, *, is_local: bool = False) -> str:
        """The reason for which a connection is refused, if it is."""
        refusal = self.admission.enter(origin, is_local)
        return refusal.why if refusal else ""

    def test_total(self) -> None:
        """When all places are taken nobody is let in, until somebody has gone."""
        for number in range(4):
            self.assertEqual(self.enters(f"203.0.113.{number}"), "")
        self.assertEqual(self.enters(HOST), "too many connections")
        for name in (HOST, "203.0.113.1"):
            self.admission.leave(name)
        self.assertEqual(self.enters(HOST), "")

    def test_total_holds_for_this_machine(self) -> None:
        """The limit for all is for this machine's own clients, too."""
        for _ in range(4):
            self.assertEqual(self.enters("127.0.0.1", is_local=True), "")
        self.assertEqual(self.enters("127.0.0.1", is_local=True), "too many connections")

    def test_per_host(self) -> None:
        """A host that has enough connections gets no more, and others do."""
        self.enters(HOST)
        self.enters(HOST)
        self.assertEqual(self.enters(HOST), f"too many connections from {HOST}")
        self.assertEqual(self.enters(OTHER), "")

    def test_logins(self) -> None:
        """A host that comes too often has to wait for the next minute."""
        for _ in range(3):
            self.assertEqual(self.enters(HOST), "")
            self.admission.leave(HOST)
        why = f"too many logins from {HOST}, try again in a minute"
        self.assertEqual(self.enters(HOST), why)
        self.admission.leave(HOST)
        self.clock.advance(MINUTE)
        self.assertEqual(self.enters(HOST), "")

    def test_this_machine(self) -> None:
        """This machine's own clients are not counted by host, unless that is asked for."""
        for _ in range(4):
            self.assertEqual(self.enters("127.0.0.1", is_local=True), "")
        for _ in range(2):
            self.admission.leave("127.0.0.1")
        self.limits.limit_local = True
        self.assertEqual(
            self.enters("127.0.0.1", is_local=True), "too many connections from 127.0.0.1"
        )

    def test_unknown(self) -> None:
        """Behind a proxy nobody is counted by host before it is known who it is."""
        for _ in range(4):
            self.assertEqual(self.enters(""), "")

    def test_no_limits(self) -> None:
        """0 means no limit."""
        self.limits.connections = self.limits.connections_per_host = self.limits.logins_per_host = 0
        for _ in range(10):
            self.assertEqual(self.enters(HOST), "")

    def test_flood_is_not_told(self) -> None:
        """Some of the connections in excess are told so, and a flood is closed without a word."""
        refusals: list[Refusal | None] = [
            self.admission.enter(f"198.51.100.{number}", False) for number in range(200)
        ]
        told = [refusal.is_told for refusal in refusals if refusal]
        self.assertEqual(told, [True] * 128 + [False] * 68)

    def test_flood_in_the_log(self) -> None:
        """A flood is two lines in the log: one when it begins, and how many there were."""
        with Logged() as logged:
            for _ in range(100):
                self.enters(HOST)
            self.enters(OTHER)
            self.clock.advance(MINUTE)
        self.assertEqual(
            logged.texts,
            [
                f"connections are refused: too many connections from {HOST}",
                f"connections refused within a minute: 99, from {HOST} alone: 98",
            ],
        )

    def test_flood_from_everywhere(self) -> None:
        """A flood from more hosts than can be remembered is logged before the minute is over."""
        with Logged() as logged:
            for number in range(100_010):
                self.enters(f"2001:db8:{number:x}::/64")
        self.assertEqual(len([text for text in logged.texts if "within a minute" in text]), 1)

    def test_nothing_is_left(self) -> None:
        """When all have gone and a minute has passed, nothing is remembered, and no timer runs."""
        self.enters(HOST)
        self.admission.leave(HOST)
        self.clock.advance(MINUTE)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_stop(self) -> None:
        """Refused connections are counted in the log at a stop as well, and no timer is left."""
        for _ in range(3):
            self.enters(HOST)
        with Logged() as logged:
            self.admission.stop()
        self.assertIn("connections refused within a minute: 1,", logged.texts[0])
        self.assertEqual(self.clock.getDelayedCalls(), [])


class OriginTests(SynchronousTestCase):
    """The host that a connection counts for."""

    def test_ipv4(self) -> None:
        """An IPv4 host, however its address is written."""
        self.assertEqual(origin(IPv4Address("TCP", HOST, 1)), HOST)
        self.assertEqual(origin(IPv6Address("TCP", f"::ffff:{HOST}", 1)), HOST)

    def test_ipv6(self) -> None:
        """An IPv6 host is all addresses of its network."""
        for host in ("2001:db8::1", "2001:db8::ffff:1%eth0"):
            self.assertEqual(origin(IPv6Address("TCP", host, 1)), "2001:db8::/64")
        self.assertEqual(origin(IPv6Address("TCP", "2001:db8:0:1::1", 1)), "2001:db8:0:1::/64")

    def test_unix(self) -> None:
        """A unix socket is this machine."""
        self.assertEqual(origin(UNIXAddress(None)), "this machine")
