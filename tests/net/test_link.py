"""The link: its account of a connection, whatever happens to that."""

from __future__ import annotations

from typing import Any

from twisted.internet.address import IPv4Address, UNIXAddress
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.net import link
from achat_twisted.net.link import TLS_RECORD, Link
from achat_twisted.net.proxy import Proxied, ProxiedFactory


class Socket(StringTransport):
    """A transport whose peer acknowledges nothing by itself."""

    half_closed = discarding = aborted = input_over = disconnected = False
    acknowledged = input_seen = 0
    owner = ""

    def outstanding(self) -> int:
        return len(self.value()) - self.acknowledged

    def loseWriteConnection(self) -> None:
        self.half_closed = True

    def discard(self) -> None:
        self.discarding = True

    def abortConnection(self) -> None:
        self.aborted = True


class LinkTests(SynchronousTestCase):
    """L{Link}."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.socket = Socket()
        stream: Any = self.socket
        self.link = Link(stream, stream, self.clock)

    def test_room(self) -> None:
        """While the transport is full a write says when there is room again."""
        self.assertIsNone(self.link.write(b"1"))
        self.link.pauseProducing()
        room = self.link.write(b"2")
        assert room is not None
        self.assertNoResult(room)
        self.link.resumeProducing()
        self.successResultOf(room)
        self.assertEqual(self.socket.value(), b"12")

    def test_no_room_when_it_is_gone(self) -> None:
        """A writer that waits for room hears of a lost connection after those who wait for that."""
        self.link.pauseProducing()
        room = self.link.write(b"1")
        assert room is not None
        order: list[str] = []
        room.addCallback(lambda _: order.append("room"))
        self.link.closed.addCallback(lambda _: order.append("closed"))
        self.link.connection_lost()
        self.assertEqual(order, ["closed", "room"])

    def test_finish(self) -> None:
        """Finishing half-closes behind the last bytes, and is done when they are acknowledged."""
        flushed = self.link.finish(b"bye\n")
        self.assertEqual(self.socket.value(), b"bye\n")
        self.assertEqual((self.socket.half_closed, self.socket.discarding), (True, True))
        self.clock.advance(0)
        self.assertNoResult(flushed)
        self.socket.acknowledged = 4
        self.clock.advance(1)
        self.successResultOf(flushed)

    def test_written_when_gone_is_outstanding(self) -> None:
        """Bytes written when the connection is gone count as not acknowledged."""
        self.link.write(b"12")
        self.socket.acknowledged = 2
        self.link.connection_lost()
        self.assertIsNone(self.link.write(b"345"))
        self.successResultOf(self.link.finish(b"6"))
        self.assertEqual(self.link.outstanding(), 4)

    def test_written_while_it_goes_is_outstanding(self) -> None:
        """Bytes written when the socket is gone, before the protocol is told, count too."""
        self.link.write(b"12")
        self.socket.acknowledged = 2
        self.socket.connected = False
        self.assertIsNone(self.link.write(b"345"))
        self.successResultOf(self.link.finish(b"6"))
        self.assertEqual(self.socket.value(), b"12")
        self.assertEqual(self.link.outstanding(), 4)
        self.link.connection_lost()
        self.assertEqual(self.link.outstanding(), 4)

    def test_written_when_tls_has_ended_is_outstanding(self) -> None:
        """Bytes that TLS would drop, as its peer has closed, count as not acknowledged."""
        self.link.write(b"12")
        self.socket.acknowledged = 2
        self.socket.disconnecting = True
        room = self.link.write(b"345")
        assert room is not None
        self.assertNoResult(room)
        self.link.finish(b"6")
        self.assertEqual(self.socket.value(), b"12")
        self.assertEqual(self.link.outstanding(), 4)

    def test_record_of_which_a_part_is_missing(self) -> None:
        """With TLS in between, the record before the outstanding ones may be unreadable, too."""
        above: Any = StringTransport()
        below: Any = self.socket
        link = Link(above, below, self.clock, is_tls=True)
        self.socket.write(b"1234")
        self.assertEqual(link.outstanding(), 4 + TLS_RECORD)
        self.socket.acknowledged = 4
        self.assertEqual(link.outstanding(), 0)

    def test_who_it_is(self) -> None:
        """A connection counts for its host, or on a unix socket for its user."""
        for address, owner, expected in (
            (IPv4Address("TCP", "203.0.113.7", 1), "", ("203.0.113.7", False)),
            (UNIXAddress(None), "uid 7", ("uid 7", True)),
        ):
            socket: Any = Socket()
            socket.peerAddr, socket.owner = address, owner
            link = Link(socket, socket, self.clock)
            self.assertEqual((link.origin, link.local), expected)

    def test_behind_a_proxy(self) -> None:
        """Behind a proxy a client is the one that the proxy names, and never this machine's own."""
        for header, expected in (
            (b"TCP4 203.0.113.7 192.0.2.1 4000 80", ("203.0.113.7", False, "203.0.113.7:4000")),
            (b"TCP4 127.0.0.1 127.0.0.1 4000 80", ("127.0.0.1", False, "127.0.0.1:4000")),
            (b"UNKNOWN", ("the proxy at 127.0.0.1", False, "127.0.0.1:1")),
        ):
            below: Any = Socket()
            below.peerAddr = IPv4Address("TCP", "127.0.0.1", 1)
            proxied: Any = Proxied(ProxiedFactory(Factory()), Protocol())
            proxied.makeConnection(below)
            link = Link(proxied, below, self.clock)
            self.assertEqual((link.origin, link.local), ("", False))
            proxied.dataReceived(b"PROXY " + header + b"\r\n")
            self.assertEqual((link.origin, link.local, link.peer), expected)

    def test_ended_tls_closes(self) -> None:
        """When TLS has ended under a full link, the producer goes, so that the socket can close."""
        self.link.pauseProducing()
        self.socket.disconnecting = True
        self.link.resumeProducing()
        self.assertIsNone(self.socket.producer)

    def test_needs_a_socket_that_can_be_asked(self) -> None:
        """A transport that cannot tell what has arrived is refused."""
        self.assertRaises(TypeError, link.over, StringTransport(), self.clock)
