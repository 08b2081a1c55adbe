"""Connections through a proxy, which first says for whom they are.

Strategy: a layer between the socket and its reader takes off the header, as in Twisted's
C{policies}. Twisted's own layer for it (C{protocols.haproxy}) stumbles over headers that come in
pieces and over malformed addresses, and tells nobody that the header is complete.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IAddress,
    IHalfCloseableProtocol,
    IListeningPort,
    IProtocol,
    IProtocolFactory,
    IStreamServerEndpoint,
)
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from zope.interface import implementer

from achat_twisted.net.addresses import origin
from achat_twisted.net.interfaces import IProxied
from achat_twisted.net.proxy_header import BadHeader, Header


@implementer(IHalfCloseableProtocol)
class Proxied(ProtocolWrapper):
    """A connection that begins with a header, after which come the client's own bytes."""

    wrappedProtocol: Any

    def __init__(self, factory: WrappingFactory[Proxied], protocol: IProtocol) -> None:
        super().__init__(factory, protocol)
        self._header = Header()
        self._is_known = self._is_bad = False

    def dataReceived(self, data: bytes) -> None:
        if self._is_known:
            self.wrappedProtocol.dataReceived(data)
        elif not self._is_bad:
            self._read_header(data)

    def _read_header(self, data: bytes) -> None:
        reader = IProxied(self.wrappedProtocol, None)
        try:
            behind = self._header.feed(data)
        except BadHeader as error:
            self._is_bad = True
            if reader is None:
                self.loseConnection()
            else:
                reader.introduced(str(error))
            return
        if behind is None:
            return
        self._is_known = True
        if reader is not None:
            reader.introduced()
        if behind:
            self.wrappedProtocol.dataReceived(behind)

    def getPeer(self) -> IAddress:
        """The client, if the proxy has named it, or else the proxy."""
        return self._header.source or super().getPeer()

    @property
    def origin(self) -> str:
        """The origin that it counts for; empty until its first bytes have been looked at.

        Clients that the proxy does not name share one origin, which is not this machine.
        """
        if not (self._is_known or self._is_bad):
            return ""
        source = self._header.source
        return origin(source) if source else f"the proxy at {origin(super().getPeer())}"

    def readConnectionLost(self) -> None:
        if IHalfCloseableProtocol.providedBy(self.wrappedProtocol):
            self.wrappedProtocol.readConnectionLost()
        else:
            self.loseConnection()

    def writeConnectionLost(self) -> None:
        if IHalfCloseableProtocol.providedBy(self.wrappedProtocol):
            self.wrappedProtocol.writeConnectionLost()


class ProxiedFactory(WrappingFactory[Proxied]):
    """Puts the layer below the protocols of another factory."""

    protocol = Proxied
    noisy = False


@implementer(IStreamServerEndpoint)
class ProxyEndpoint:
    """An endpoint whose connections all come through a proxy."""

    def __init__(self, endpoint: IStreamServerEndpoint) -> None:
        self._endpoint = endpoint

    def listen(self, factory: IProtocolFactory) -> Deferred[IListeningPort]:
        listening: Deferred[IListeningPort] = self._endpoint.listen(ProxiedFactory(factory))
        return listening
