"""The simulated network, as far as it is like TCP."""

from __future__ import annotations

from random import Random
from socket import SHUT_WR

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.simulation.kernel import Weather
from tests.simulation.network import Wire


class WireTests(SynchronousTestCase):
    """A wire between a client and a server."""

    def setUp(self) -> None:
        self.clock = Clock()
        weather = Weather(latency=10, segment=7, send_space=100, receive_space=50)
        wire = Wire(self.clock, Random(0), weather, 1)
        self.wire, self.client, self.server = wire, wire.client, wire.server

    def _wait(self, seconds: float = 10.0) -> None:
        for _ in range(1000):
            self.clock.advance(seconds / 1000)

    def test_stream(self) -> None:
        """Sent bytes arrive in order and are acknowledged, and then comes the end."""
        self.server.send(b"so long, and thanks")
        self.server.shutdown(SHUT_WR)
        self._wait()
        self.assertEqual(self.client.recv(100), b"so long, and thanks")
        self.assertEqual(self.client.recv(100), b"")
        self.assertEqual(self.server.unacknowledged, 0)

    def test_full_buffers(self) -> None:
        """A client that does not read has its buffer filled, then the server's; then it goes on."""
        self.assertEqual(self.server.send(bytes(200)), 100)
        self._wait()
        self.assertEqual(self.client.unread, 50)
        self.assertEqual(self.server.unacknowledged, 50)
        self.assertEqual(self.server.send(bytes(200)), 50)
        self.assertRaises(BlockingIOError, self.server.send, b"more")
        for _ in range(3):
            self.client.recv(100)
            self._wait()
        self.assertEqual((len(self.client.heard), self.server.unacknowledged), (150, 0))

    def test_lost_acknowledgement(self) -> None:
        """When the wire is cut, the client may have more than the server gets to know."""
        self.server.send(b"line")
        while not self.client.heard:
            self.clock.advance(0.001)
        self.wire.cut()
        self._wait()
        self.assertEqual(bytes(self.client.heard), b"line")
        self.assertEqual(self.server.unacknowledged, 4)
        self.assertRaises(ConnectionResetError, self.server.recv, 1)

    def test_silence(self) -> None:
        """On a silent wire everything vanishes, and neither end notices."""
        self.server.send(b"line")
        self.wire.silence()
        self._wait()
        self.assertEqual(bytes(self.client.heard), b"")
        self.assertEqual(self.server.unacknowledged, 4)
        self.assertRaises(BlockingIOError, self.server.recv, 1)

    def test_failure_at_a_byte(self) -> None:
        """A client's machine that fails at a byte has what came before it, and the rest is lost."""
        self.client.breaks_at = 3
        self.server.send(b"line")
        self._wait()
        self.assertEqual(bytes(self.client.heard), b"lin")
        self.assertRaises(BrokenPipeError, self.server.send, b"more")

    def test_close_with_unread_input(self) -> None:
        """Closing with unread input resets, and loses bytes that were still to be sent."""
        self.client.send(b"unread")
        self._wait()
        self.server.send(bytes(100))
        self.server.close()
        self._wait()
        self.assertLess(len(self.client.heard), 100)
        self.assertFalse(self.client.ended)
        self.client.recv(100)
        self.assertRaises(ConnectionResetError, self.client.recv, 1)
        self.assertEqual(self.server.final, 0)
