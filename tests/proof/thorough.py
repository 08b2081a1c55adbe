"""A connection that is read to its end, however it ends.

What the client's machine has acknowledged is delivered, and will not be sent again. When the
server resets the connection, Linux still lets the client read that; but a Twisted transport closes
as soon as it cannot write, or when it has been paused, and throws unread bytes away.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from twisted.internet import tcp
from twisted.internet.address import IPv4Address
from twisted.internet.interfaces import IAddress, IConnector
from twisted.internet.protocol import ClientFactory, Protocol
from twisted.python.failure import Failure

_TIMEOUT = 30.0
"""Seconds that connecting may take."""


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


class _Once(ClientFactory):
    """Has one protocol, for one attempt to connect."""

    noisy = False

    def __init__(self, protocol: Protocol) -> None:
        self._protocol = protocol

    def buildProtocol(self, addr: IAddress | None) -> Protocol:
        return self._protocol

    def clientConnectionFailed(self, connector: IConnector, reason: Failure) -> None:
        self._protocol.connectionLost(reason)


def connect(reactor: Any, server: IPv4Address, protocol: Protocol) -> None:
    """Connect, or lose the connection at once if that is not possible."""
    _Connector(server.host, server.port, _Once(protocol), _TIMEOUT, None, reactor).connect()
