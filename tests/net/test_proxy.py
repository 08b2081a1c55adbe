"""Connections that a proxy brings, from the socket to the reader."""

from __future__ import annotations

from typing import Any

from twisted.internet.address import IPv4Address, UNIXAddress
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.testing import MemoryReactor, StringTransport
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from achat_twisted.net.interfaces import IProxied
from achat_twisted.net.proxy import Proxied, ProxiedFactory, ProxyEndpoint

HEADER = b"PROXY TCP4 203.0.113.7 192.0.2.1 4000 80\r\n"


@implementer(IProxied)
class Reader(Protocol):
    """A reader that remembers what it is told, in order."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def introduced(self, why_not: str = "") -> None:
        transport: Any = self.transport
        self.told.append(why_not or f"from {transport.origin}")

    def dataReceived(self, data: bytes) -> None:
        self.told.append(data.decode())


class ProxiedTests(SynchronousTestCase):
    """L{Proxied}."""

    def setUp(self) -> None:
        self.reader = Reader()
        self.proxied = self._over(self.reader)

    def _over(self, protocol: Protocol) -> Proxied:
        self.socket = StringTransport(peerAddress=IPv4Address("TCP", "127.0.0.1", 1))
        proxied = Proxied(ProxiedFactory(Factory()), protocol)
        proxied.makeConnection(self.socket)
        return proxied

    def test_introduced_first(self) -> None:
        """The reader hears the client's address before the client's first bytes."""
        self.proxied.dataReceived(HEADER[:20])
        self.assertEqual((self.reader.told, self.proxied.origin), ([], ""))
        self.proxied.dataReceived(HEADER[20:] + b"alice\n")
        self.proxied.dataReceived(b"bob: hi\n")
        self.assertEqual(self.reader.told, ["from 203.0.113.7", "alice\n", "bob: hi\n"])

    def test_unknown(self) -> None:
        """Clients that the proxy does not name count together, and not for this machine."""
        self.proxied.dataReceived(b"PROXY UNKNOWN\r\n")
        self.assertEqual(self.reader.told, ["from the proxy at 127.0.0.1"])
        self.socket.peerAddr = UNIXAddress(None)
        self.assertEqual(self.proxied.origin, "the proxy at this machine")

    def test_no_header(self) -> None:
        """A missing header is reported once, and nothing after it gets through."""
        self.proxied.dataReceived(b"alice\n")
        self.proxied.dataReceived(HEADER + b"bob: hi\n")
        self.assertEqual(self.reader.told, ["it does not begin with a PROXY header"])
        self.assertEqual(self.proxied.origin, "the proxy at 127.0.0.1")

    def test_a_protocol_that_does_not_ask(self) -> None:
        """A protocol that knows nothing of proxies gets the client's bytes, or is closed."""
        self._over(Protocol()).dataReceived(HEADER)
        self.assertFalse(self.socket.disconnecting)
        proxied = self._over(Protocol())
        proxied.dataReceived(b"GET / HTTP/1.1\r\n")
        self.assertTrue(self.socket.disconnecting)

    def test_half_close_of_a_protocol_that_cannot(self) -> None:
        """A half-close is the end of a connection whose protocol cannot half-close."""
        proxied = self._over(Protocol())
        proxied.writeConnectionLost()
        self.assertFalse(self.socket.disconnecting)
        proxied.readConnectionLost()
        self.assertTrue(self.socket.disconnecting)


class ProxyEndpointTests(SynchronousTestCase):
    """L{ProxyEndpoint}."""

    def test_listens(self) -> None:
        """Each connection that the inner endpoint accepts gets the layer."""
        factory = Factory.forProtocol(Reader)
        reactor = MemoryReactor()
        endpoint = ProxyEndpoint(TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1"))
        self.successResultOf(endpoint.listen(factory))
        ((_, layered, *_),) = reactor.tcpServers
        self.assertIsInstance(layered.buildProtocol(IPv4Address("TCP", "127.0.0.1", 1)), Proxied)
