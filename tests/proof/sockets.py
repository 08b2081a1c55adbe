"""TCP connections that are read to their end, however they end.

Strategy: to a server, what a client's machine has acknowledged counts as delivered, unless the
client resumes. When the server resets a connection, Linux still lets the client read that. But
Twisted closes as soon as a write fails, and drops all that is unread. So these connections read the
socket a last time before they close it.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from twisted.internet import tcp
from twisted.internet.interfaces import IConnector
from twisted.internet.protocol import ClientFactory
from twisted.python.failure import Failure
from zope.interface import directlyProvides, providedBy

from twisted import __version__


class _Client(tcp.Client):
    def connectionLost(self, reason: Failure) -> None:
        if self.connected:
            with suppress(OSError):
                while data := self.socket.recv(self.bufferSize):
                    self.protocol.dataReceived(data)
        super().connectionLost(reason)


class _Connector(tcp.Connector):
    def _makeTransport(self) -> _Client:
        return _Client(self.host, self.port, self.bindAddress, self, self.reactor)


class ReadToTheEnd:
    """A reactor for endpoints, whose TCP connections are read to their end."""

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
                f"this Twisted ({__version__}) makes connections in another way, and the peers"
                " would lose lines that the server has delivered"
            )
        return connector
