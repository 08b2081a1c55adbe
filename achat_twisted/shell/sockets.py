"""TCP connections that are read to their end, however they end.

Strategy: the bytes that a client's machine has acknowledged count as delivered, and do not come
again. When the server resets a connection, Linux still lets the client read them. But Twisted
closes as soon as a write fails, and drops all that is unread. So these connections read the socket
a last time before they close it.

Two more things are missing in Twisted's clients. The kernel asks a silent peer if it is there, for
when nobody reads the input: L{ClientSession} asks nothing while standard output is full. And an
address keeps its scope, without which one such as C{fe80::1%eth0} leads nowhere (Twisted's issue
12320).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from socket import (
    IPPROTO_TCP,
    SO_KEEPALIVE,
    SOL_SOCKET,
    TCP_KEEPCNT,
    TCP_KEEPIDLE,
    TCP_KEEPINTVL,
    socket,
)
from typing import Any

from twisted.internet import tcp
from twisted.internet.address import IPv6Address
from twisted.internet.interfaces import (
    IAddress,
    IConnector,
    IHostnameResolver,
    IHostResolution,
    IResolutionReceiver,
)
from twisted.internet.protocol import ClientFactory
from twisted.python.failure import Failure
from zope.interface import directlyProvides, implementer, providedBy

from twisted import __version__

_KEEPALIVE = {TCP_KEEPIDLE: 60, TCP_KEEPINTVL: 15, TCP_KEEPCNT: 3}
"""The seconds of silence until the kernel asks, those between two questions, and their number.

There is no C{TCP_USER_TIMEOUT}, see C{tcp(7)}: it would also end the connection to a server that is
there, but keeps its window closed to slow this client down.
"""


class _Client(tcp.Client):
    def createInternetSocket(self) -> socket:
        made: socket = super().createInternetSocket()
        made.setsockopt(SOL_SOCKET, SO_KEEPALIVE, 1)
        for option, value in _KEEPALIVE.items():
            made.setsockopt(IPPROTO_TCP, option, value)
        return made

    def connectionLost(self, reason: Failure) -> None:
        if self.connected:
            with suppress(OSError):
                while data := self.socket.recv(self.bufferSize):
                    self.protocol.dataReceived(data)
        super().connectionLost(reason)


class _Connector(tcp.Connector):
    def _makeTransport(self) -> _Client:
        return _Client(self.host, self.port, self.bindAddress, self, self.reactor)


@implementer(IResolutionReceiver)
@dataclass(frozen=True, slots=True)
class _Scoping:
    """Passes on the addresses of a host with their scopes as part of the host."""

    receiver: IResolutionReceiver

    def resolutionBegan(self, resolutionInProgress: IHostResolution) -> None:
        self.receiver.resolutionBegan(resolutionInProgress)

    def addressResolved(self, address: IAddress) -> None:
        if isinstance(address, IPv6Address) and address.scopeID:
            host = f"{address.host}%{address.scopeID}"
            address = IPv6Address(address.type, host, address.port)
        self.receiver.addressResolved(address)

    def resolutionComplete(self) -> None:
        self.receiver.resolutionComplete()


@implementer(IHostnameResolver)
@dataclass(frozen=True, slots=True)
class _ScopedResolver:
    """A resolver whose addresses have their scopes where Twisted's endpoints do not lose them."""

    resolver: IHostnameResolver

    def resolveHostName(
        self, resolutionReceiver: IResolutionReceiver, hostName: str, *rest: Any, **more: Any
    ) -> IHostResolution:
        return self.resolver.resolveHostName(_Scoping(resolutionReceiver), hostName, *rest, **more)


class ReadToTheEnd:
    """A reactor for endpoints, whose TCP connections are read to their end.

    The kernel watches them, and their addresses keep their scopes.
    """

    @property
    def nameResolver(self) -> IHostnameResolver:
        return _ScopedResolver(self._reactor.nameResolver)

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        directlyProvides(self, providedBy(reactor))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reactor, name)

    def connectTCP(
        self,
        host: str,
        port: int,
        factory: ClientFactory,
        timeout: float = 30,
        bindAddress: tuple[str, int] | None = None,
    ) -> IConnector:
        connector = _Connector(host, port, factory, timeout, bindAddress, self._reactor)
        connector.connect()
        if not isinstance(connector.transport, _Client):
            raise RuntimeError(
                f"this Twisted ({__version__}) makes connections in another way, and would lose"
                " lines; install an older Twisted, or a newer achat"
            )
        return connector
