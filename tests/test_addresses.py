"""Addresses, for people and for limits."""

from __future__ import annotations

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.interfaces import IAddress
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.addresses import origin

ORIGINS: list[tuple[IAddress, str]] = [
    (IPv4Address("TCP", "192.0.2.7", 1), "192.0.2.7"),
    (IPv6Address("TCP", "::ffff:192.0.2.7", 1), "192.0.2.7"),
    (IPv6Address("TCP", "2001:db8:1:2:3:4:5:6", 1), "2001:db8:1:2::/64"),
    (IPv6Address("TCP", "fe80::1%eth0", 1), "fe80::/64"),
    (IPv6Address("TCP", "::1", 1), "::/64"),
    (UNIXAddress(b"/run/x"), "this machine"),
    (UNIXAddress(None), "this machine"),
]


class OriginTests(SynchronousTestCase):
    """L{origin}."""

    def test_origins(self) -> None:
        """An address of IPv4 is a host, however it is written; one of IPv6 any in its network."""
        for address, expected in ORIGINS:
            self.assertEqual(origin(address), expected)
