"""A reactor whose time and sockets are simulated, and the real transport on such a socket."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from select import EPOLLHUP, EPOLLIN, EPOLLOUT
from typing import Any, cast

from twisted.internet.interfaces import IDelayedCall, IProtocol
from twisted.internet.task import Clock

from achat_twisted.net.poller import Poller
from achat_twisted.net.transport import ServerTransport
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
        socket, port = cast(Any, endpoint), cast(Any, None)
        reactor.epoll.sockets[endpoint.fileno()] = endpoint
        super().__init__(
            reactor.poller, socket, protocol, client, port, client[1], cast(Any, reactor)
        )
        self.bufferSize = buffer_size
        self.repstr = f"<connection {client[1]}>"

    def _in_kernel(self) -> int:
        # A kernel counts the FIN too, which in this one nobody acknowledges.
        return self.socket.unacknowledged + self.is_half_closed

    def _held_input(self) -> int:
        return 0 if self.input_over else self.socket.unread


class SimulatedEpoll:
    """C{epoll(7)}, as far as the poller uses it."""

    def __init__(self, rng: Random, wake: Callable[[], None]) -> None:
        self.sockets: dict[int, Endpoint] = {}
        self._rng = rng
        self._wake = wake
        self._masks: dict[int, int] = {}

    def fileno(self) -> int:
        return 0

    def register(self, fd: int, mask: int) -> None:
        if fd in self._masks:
            raise FileExistsError("it is watched already")
        self.sockets[fd].demand_open()
        self._masks[fd] = mask
        self._wake()

    def modify(self, fd: int, mask: int) -> None:
        self.unregister(fd)
        self.register(fd, mask)

    def unregister(self, fd: int) -> None:
        del self._masks[fd]

    @property
    def watched(self) -> int:
        """The number of sockets that it has not been told to forget."""
        return len(self._masks)

    def poll(self, _timeout: float, most: int) -> list[tuple[int, int]]:
        ready = self.ready()
        self._rng.shuffle(ready)
        return ready[:most]

    def ready(self) -> list[tuple[int, int]]:
        """The answer that C{epoll_wait(2)} would give."""
        events = ((fd, self._event(self.sockets[fd], mask)) for fd, mask in self._masks.items())
        return sorted((fd, event) for fd, event in events if event)

    @staticmethod
    def _event(socket: Endpoint, mask: int) -> int:
        event = EPOLLIN & mask if socket.readable else 0
        event |= EPOLLOUT & mask if socket.writable else 0
        return event | (EPOLLHUP if socket.hung_up else 0)


class SimulatedReactor(Clock):
    """A clock that can go on by one call, and has sockets polled as a reactor does."""

    def __init__(self, rng: Random) -> None:
        super().__init__()
        self.epoll = SimulatedEpoll(rng, self.wake)
        self.poller = Poller(cast(Any, self), cast(Any, self.epoll))
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

    def addReader(self, _poller: Poller) -> None:
        """It is polled whenever it has something to serve."""

    def removeReader(self, _poller: Poller) -> None:
        """It has nothing to serve."""

    def wake(self) -> None:
        """Poll in this turn, as something may be ready."""
        if self._polling is None:
            self._polling = self.callLater(0, self._poll)

    def _poll(self) -> None:
        self._polling = None
        if self.epoll.ready():
            self.poller.doRead()
        if self.epoll.ready():
            self.wake()
