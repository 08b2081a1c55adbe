"""A reactor whose time and sockets are simulated, and the real transport on such a socket."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, cast

from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IDelayedCall, IProtocol
from twisted.internet.main import CONNECTION_LOST
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from achat_twisted.transport import ServerTransport
from tests.simulation.kernel import Endpoint


class SimulatedTransport(ServerTransport):
    """The server's own transport; only what it asks of the kernel by C{ioctl(2)} is asked here."""

    socket: Endpoint  # type: ignore[assignment]  # which is all that is used of one

    def __init__(
        self,
        endpoint: Endpoint,
        protocol: IProtocol,
        client: tuple[str, int],
        reactor: SimulatedReactor,
        buffer_size: int,
    ) -> None:
        """@param buffer_size: bytes read at once; if more than that waits, a producer pauses."""
        self.bufferSize = buffer_size
        socket, port = cast(Any, endpoint), cast(Any, None)
        super().__init__(socket, protocol, client, port, client[1], cast(Any, reactor))
        self.repstr = f"<connection {client[1]}>"

    def _look(self) -> int:
        waiting = len(self.dataBuffer) - self.offset + self._tempDataLen
        return int(waiting) + self.socket.unacknowledged

    def take_snapshot(self, on_taken: Callable[[], None]) -> None:
        self._to_read = 0 if self.input_over else self.socket.unread
        self._on_all_read = on_taken
        self._check_all_read()


class SimulatedReactor(Clock):
    """A clock that can go on by one call, and polls sockets as Twisted's C{epoll} reactor does."""

    def __init__(self, rng: Random) -> None:
        super().__init__()
        self._rng = rng
        self._readers: set[SimulatedTransport] = set()
        self._writers: set[SimulatedTransport] = set()
        self._polling: IDelayedCall | None = None

    def step(self) -> bool:
        """Let the next thing happen that is due; False if there is none.

        C{callLater} keeps the calls sorted, and nobody here moves one.
        """
        if not self.calls:
            return False
        call = self.calls.pop(0)
        self.rightNow = max(self.rightNow, call.getTime())
        call.called = 1
        call.func(*call.args, **call.kw)
        return True

    def addReader(self, reader: SimulatedTransport) -> None:
        self._add(reader, self._readers)

    def addWriter(self, writer: SimulatedTransport) -> None:
        self._add(writer, self._writers)

    def _add(self, transport: SimulatedTransport, polled: set[SimulatedTransport]) -> None:
        if transport.disconnected:
            raise ValueError("its socket is closed")  # C{epoll(7)} knows no descriptor of -1 either
        polled.add(transport)
        self.wake()

    def removeReader(self, reader: SimulatedTransport) -> None:
        self._readers.discard(reader)

    def removeWriter(self, writer: SimulatedTransport) -> None:
        self._writers.discard(writer)

    def wake(self) -> None:
        """Poll in this turn, as something may be ready."""
        if self._polling is None:
            self._polling = self.callLater(0, self._poll)

    def _poll(self) -> None:
        self._polling = None
        ready = self._ready()
        self._rng.shuffle(ready)
        for transport in ready:
            self._serve(transport)
        if self._ready():
            self.wake()

    def _ready(self) -> list[SimulatedTransport]:
        ready = [t for t in self._readers if t.socket.readable]
        ready += [t for t in self._writers - set(ready) if t.socket.writable]
        return sorted(ready, key=lambda transport: int(transport.sessionno))

    def _serve(self, transport: SimulatedTransport) -> None:
        """As Twisted's, which lets an exception in a protocol cost the connection; here it is out.

        Somebody who only writes is told of a hang-up, somebody who reads finds it out by reading.
        """
        why: Any = None
        if transport in self._readers and transport.socket.readable:
            why = transport.doRead()
            if isinstance(why, ConnectionDone):
                self.removeReader(transport)
                transport.readConnectionLost(Failure(why))
                return
        elif transport in self._writers and transport.socket.hung_up:
            why = CONNECTION_LOST
        if not why and transport in self._writers and transport.socket.writable:
            why = transport.doWrite()
        if why:
            self.removeReader(transport)
            self.removeWriter(transport)
            transport.connectionLost(Failure(why))
