"""Addresses, for people and for limits."""

from __future__ import annotations

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.interfaces import IAddress
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.net.addresses import describe, origin

ORIGINS: list[tuple[IAddress, str]] = [
    (IPv4Address("TCP", "192.0.2.7", 1), "192.0.2.7"),
    (IPv6Address("TCP", "::ffff:192.0.2.7", 1), "192.0.2.7"),
    (IPv6Address("TCP", "2001:db8:1:2:3:4:5:6", 1), "2001:db8:1:2::/64"),
    (IPv6Address("TCP", "fe80::1%eth0", 1), "fe80::/64%eth0"),
    (IPv6Address("TCP", "::1", 1), "::/64"),
    (UNIXAddress(b"/run/x"), "this machine"),
    (UNIXAddress(None), "this machine"),
]


DESCRIPTIONS: list[tuple[IAddress, str]] = [
    (IPv4Address("TCP", "192.0.2.7", 1), "192.0.2.7:1"),
    (IPv6Address("TCP", "2001:db8::1", 1), "[2001:db8::1]:1"),
    (UNIXAddress(None), "a local socket"),
    (UNIXAddress("/run/é x".encode()), "unix:/run/é x"),
    (
        UNIXAddress(b"/run/x\n2026-01-01 [achat] forged\x1b[2J"),
        r"unix:/run/x\n2026-01-01 [achat] forged\x1b[2J",
    ),
    (UNIXAddress(b"\0abstract\r\x7f"), r"unix:\x00abstract\r\x7f"),
    (UNIXAddress("\x9b31m\u2028\u202e\U000e0001".encode()), r"unix:\x9b31m\u2028\u202e\U000e0001"),
    (UNIXAddress(b"\xff\x9b"), r"unix:\xff\x9b"),
]


class DescribeTests(SynchronousTestCase):
    """L{describe}."""

    def test_descriptions(self) -> None:
        """An address is one line, in which a client's own path steers no terminal."""
        for address, expected in DESCRIPTIONS:
            self.assertEqual(describe(address), expected)


class OriginTests(SynchronousTestCase):
    """L{origin}."""

    def test_origins(self) -> None:
        """An address of IPv4 is a host, however it is written; one of IPv6 any in its network."""
        for address, expected in ORIGINS:
            self.assertEqual(origin(address), expected)
