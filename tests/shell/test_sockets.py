"""The additions of the client's connections to Twisted's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.interfaces import (
    IAddress,
    IHostnameResolver,
    IHostResolution,
    IResolutionReceiver,
)
from twisted.internet.protocol import Factory
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from achat_twisted.shell.sockets import ReadToTheEnd

RESOLVED: list[tuple[IAddress, str]] = [
    (IPv6Address("TCP", "fe80::1", 8080, 0, 3), "fe80::1%3"),
    (IPv6Address("TCP", "2001:db8::1", 8080), "2001:db8::1"),
    (IPv4Address("TCP", "192.0.2.7", 8080), "192.0.2.7"),
]
"""Addresses as a resolver gives them, and as they are connected to."""


@implementer(IHostnameResolver, IHostResolution)
class FakeResolver:
    """A resolver that knows one address, for every name."""

    name = "pi.local"

    def __init__(self, address: IAddress) -> None:
        self._address = address

    def cancel(self) -> None:
        raise NotImplementedError

    def resolveHostName(
        self,
        resolutionReceiver: IResolutionReceiver,
        hostName: str,
        portNumber: int = 0,
        addressTypes: Sequence[type[IAddress]] | None = None,
        transportSemantics: str = "TCP",
    ) -> IHostResolution:
        resolutionReceiver.resolutionBegan(self)
        resolutionReceiver.addressResolved(self._address)
        resolutionReceiver.resolutionComplete()
        return self


class ScopeTests(SynchronousTestCase):
    """Addresses that lead somewhere only together with an interface."""

    def test_kept(self) -> None:
        """A connection goes to the address that was found, with its scope."""
        for address, host in RESOLVED:
            memory: Any = MemoryReactorClock()
            memory.nameResolver = FakeResolver(address)
            reactor: Any = ReadToTheEnd(memory)
            verifyObject(IHostnameResolver, reactor.nameResolver)
            reactor.connectTCP = memory.connectTCP
            HostnameEndpoint(reactor, "pi.local", 8080).connect(Factory())
            self.assertEqual([client[:2] for client in memory.tcpClients], [(host, 8080)])
