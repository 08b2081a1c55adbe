"""Ports that build connections which can be asked, and accept none when descriptors are short."""

from __future__ import annotations

import errno
from socket import SO_DOMAIN, SOL_SOCKET, AddressFamily, socket
from typing import Any, cast

from twisted.internet import tcp, unix
from twisted.protocols.policies import WrappingFactory
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol

from achat_twisted.net.descriptors import Descriptors
from achat_twisted.net.interfaces import IPoller
from achat_twisted.net.transport import ServerTransport, has_options, set_options
from achat_twisted.net.unix_transport import UnixServerTransport


class _Listening:
    """A listening socket that has nobody to accept while descriptors are short.

    Twisted accepts up to hundreds of clients in one go, and does not check in between if it should
    go on; it closes those for which there is no descriptor.
    """

    def __init__(self, listening: socket, descriptors: Descriptors) -> None:
        self._socket = listening
        self._descriptors = descriptors

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)

    def accept(self) -> tuple[socket, Any]:
        if self._descriptors.are_short:
            raise BlockingIOError(errno.EWOULDBLOCK, "descriptors are short")
        return self._socket.accept()


def prepare(port: object, poller: IPoller, descriptors: Descriptors) -> None:
    """Let a port that listens build its connections from L{ServerTransport}.

    @param descriptors: tells when to let nobody in, and is told of each connection.
    @raise TypeError: if it is not a port of stream sockets.
    @raise ValueError: if it was made for another family of addresses than its socket has.
    """
    if not isinstance(port, tcp.Port):
        raise TypeError("not a stream socket")
    family = AddressFamily(port.socket.getsockopt(SOL_SOCKET, SO_DOMAIN))
    if family != port.socket.family:
        # An inherited socket is taken for what the endpoint says, and then has absurd addresses.
        raise ValueError(f"the socket is for {family.name}, not for {port.socket.family.name}")
    transport = UnixServerTransport if isinstance(port, unix.Port) else ServerTransport

    is_tcp = family in (AddressFamily.AF_INET, AddressFamily.AF_INET6)
    if is_tcp:
        # Accepted sockets inherit them, see tcp(7), which saves a tenth of a login; but not those
        # that have waited since before, as at a socket that systemd holds.
        set_options(port.socket)

    def accept(sock: socket, *args: Any) -> ServerTransport:
        descriptors.taken(sock.fileno())
        if is_tcp and not has_options(sock):
            set_options(sock)
        return transport(poller, sock, *args)

    port.socket = cast(Any, _Listening(port.socket, descriptors))
    descriptors.watch(port)
    port.transport = accept  # type: ignore[assignment]  # as good as a class
    factory: Any = port.factory
    while isinstance(factory, WrappingFactory):
        if isinstance(factory, TLSMemoryBIOFactory):
            # Writers batch by the turn already; Twisted's own aggregation of small writes would
            # only hide from us what has not been sent yet.
            factory.protocol = TLSMemoryBIOProtocol
        factory = factory.wrappedFactory
