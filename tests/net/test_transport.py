"""The transport, on a simulated socket."""

from __future__ import annotations

from random import Random

from twisted.internet.protocol import Protocol
from twisted.trial.unittest import SynchronousTestCase

from tests.simulation.kernel import Weather
from tests.simulation.network import Wire
from tests.simulation.reactor import SimulatedReactor, SimulatedTransport


class Heard(Protocol):
    """The input so far."""

    def __init__(self) -> None:
        self.data = b""

    def dataReceived(self, data: bytes) -> None:
        self.data += data


class ServerTransportTests(SynchronousTestCase):
    """L{achat_twisted.net.transport.ServerTransport}."""

    def setUp(self) -> None:
        self.reactor = SimulatedReactor(Random(0))
        weather = Weather(latency=1, segment=7, send_space=20, receive_space=50)
        self.wire = Wire(self.reactor, Random(0), weather, 1)
        self.protocol = Heard()
        self.transport = SimulatedTransport(
            self.wire.server, self.protocol, ("10.0.0.1", 1), self.reactor, 100
        )
        self.wire.server.on_change = self.reactor.wake
        self.protocol.makeConnection(self.transport)

    def _steps(self) -> None:
        for _ in range(1000):
            if not self.reactor.step():
                break

    def test_what_fits_goes_at_once(self) -> None:
        """Bytes that the kernel has room for are there before the reactor's turn has ended."""
        self.transport.write(b"hello")
        self.assertEqual(self.wire.server.unacknowledged, 5)

    def test_the_rest_follows(self) -> None:
        """Bytes that it has no room for go when it has, each once and in order."""
        data = bytes(range(50))
        self.transport.write(data[:45])
        self.transport.write(data[45:])
        self.assertEqual(self.transport.outstanding(), 50)
        self._steps()
        self.assertEqual(bytes(self.wire.client.heard), data)

    def test_written_to_a_broken_connection(self) -> None:
        """Bytes written to a connection that broke stay outstanding."""
        self.wire.server.fall()
        self.transport.write(b"hello")
        self._steps()
        self.assertEqual(self.transport.outstanding(), 5)

    def test_written_behind_the_end(self) -> None:
        """Bytes written to a half-closed connection are dropped, and not waited for."""
        self.transport.write(bytes(50))
        self.transport.loseWriteConnection()
        self._steps()
        self.transport.write(b"goodbye")
        self._steps()
        self.assertEqual((len(self.wire.client.heard), self.transport.outstanding()), (50, 0))

    def test_snapshot(self) -> None:
        """Input from before a snapshot is taken in, and later input is not."""
        self.wire.client.send(b"before")
        while self.wire.server.unread < 6:
            self.reactor.step()
        taken: list[bytes] = []
        self.transport.take_snapshot(lambda: taken.append(self.protocol.data))
        self.wire.client.send(b"after")
        self._steps()
        self.assertEqual((taken, self.protocol.data), ([b"before"], b"before"))
