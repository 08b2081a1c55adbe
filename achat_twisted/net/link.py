"""A link: one connection, as its reader and its writer see it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from OpenSSL.crypto import X509
from OpenSSL.SSL import VERIFY_PEER
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IConsumer, IPushProducer, IReactorTime, ITransport
from twisted.protocols.tls import TLSMemoryBIOProtocol
from zope.interface import implementer

from achat_twisted.net.addresses import describe, is_local, origin
from achat_twisted.net.interfaces import ILink
from achat_twisted.net.linger import Linger
from achat_twisted.net.proxy import Proxied
from achat_twisted.net.transport import ServerTransport

TLS_RECORD = 2**14
"""The bytes in a TLS record (RFC 8446, 5.1), of which a peer can read all or nothing.

So if the socket says that anything is outstanding, it may be that much more.
"""


class IStream(ITransport, IConsumer):
    """A transport that a protocol writes to: the socket's, or a layer above it."""


@implementer(ILink, IPushProducer)
class Link:
    """Both ways of one connection; a streaming producer, so that it knows when there is room."""

    __slots__ = (
        "_bottom",
        "_clock",
        "_full",
        "_gone",
        "_is_tls",
        "_linger",
        "_origin",
        "_room",
        "_top",
        "_unsent",
        "closed",
        "local",
    )

    def __init__(
        self, top: IStream, bottom: ServerTransport, clock: IReactorTime, *, is_tls: bool = False
    ) -> None:
        """@param top: the transport that the protocol writes to.
        @param bottom: the socket's transport; the same, unless there are layers between.
        @param is_tls: true if one of these encrypts.
        """
        self.closed: Deferred[None] = Deferred()
        self._top = top
        self._bottom = bottom
        self._is_tls = is_tls
        self._clock = clock
        self._unsent = 0
        self._full = self._gone = False
        self._room: Deferred[None] | None = None
        self._linger: Linger | None = None
        top.registerProducer(self, True)
        if isinstance(top, Proxied):
            # A loopback address in a proxy's header belongs to the proxy's machine, not ours.
            self.local, self._origin = False, ""
        else:  # looked at once, as Twisted makes an address each time
            peer = top.getPeer()
            self.local, self._origin = is_local(peer), bottom.owner or origin(peer)

    @property
    def peer(self) -> str:
        return describe(self._top.getPeer())

    @property
    def origin(self) -> str:
        return self._top.origin if isinstance(self._top, Proxied) else self._origin

    def write(self, data: bytes) -> Deferred[None] | None:
        bottom = self._bottom
        if bottom.disconnecting or not bottom.connected or self._gone:
            # When TLS has ended, or the socket is gone, writes are silently dropped.
            self._unsent += len(data)
            self._full = not self._is_lost()
        else:
            self._top.write(data)
        if not self._full:
            return None
        self._room = Deferred()
        return self._room

    def _is_lost(self) -> bool:
        """Tell if the socket is gone, a moment before the protocol is told."""
        return self._gone or not self._bottom.connected

    def outstanding(self) -> int:
        outstanding = self._bottom.outstanding()
        if outstanding and self._is_tls:
            outstanding += TLS_RECORD
        return outstanding + self._unsent

    def finish(self, last: bytes) -> Deferred[None]:
        self.write(last)
        if self._is_lost():
            return succeed(None)
        self._top.unregisterProducer()
        if self._is_tls:
            self._top.loseConnection()  # which lets TLS say its own goodbye
        self._bottom.loseWriteConnection()
        self._bottom.discard()
        self._linger = Linger(self._bottom, self._clock)
        return self._linger.flushed

    def abort(self) -> None:
        self._bottom.abortConnection()

    @property
    def has_input(self) -> bool:
        return self._bottom.has_input

    def last_input(self) -> Deferred[None]:
        taken: Deferred[None] = Deferred()
        self._bottom.take_snapshot(lambda: taken.callback(None))
        return taken

    def ask_certificate(self) -> None:
        if isinstance(self._top, TLSMemoryBIOProtocol):
            self._top.getHandle().set_verify(VERIFY_PEER, lambda *_: True)

    def certificates(self) -> Sequence[X509]:
        if not isinstance(self._top, TLSMemoryBIOProtocol):
            return ()
        handle = self._top.getHandle()
        certificate = handle.get_peer_certificate()
        return (certificate, *(handle.get_peer_cert_chain() or ())) if certificate else ()

    def connection_lost(self) -> None:
        self._gone = True
        self.closed.callback(None)
        self._make_room()
        if self._linger is not None:
            self._linger.connection_lost()

    def pauseProducing(self) -> None:
        self._full = True

    def resumeProducing(self) -> None:
        if self._bottom.disconnecting:
            # TLS has ended and the socket is flushed, but with a producer it does not close.
            self._top.unregisterProducer()
        else:
            self._make_room()

    def _make_room(self) -> None:
        self._full = False
        if self._room is not None:
            room, self._room = self._room, None
            if not room.called:
                room.callback(None)

    def stopProducing(self) -> None:
        """The connection is going; its protocol will tell the link."""


def over(transport: ITransport, clock: IReactorTime) -> Link:
    """The link over a protocol's transport, be it the socket's own or a layer above it.

    @raise TypeError: if no L{ServerTransport} is at the bottom.
    """
    bottom: object = transport
    is_tls = False
    while not isinstance(bottom, ServerTransport):
        is_tls = is_tls or isinstance(bottom, TLSMemoryBIOProtocol)
        bottom = getattr(bottom, "transport", None)
        if bottom is None:
            raise TypeError(f"no ServerTransport below {transport!r}")
    return Link(cast(IStream, transport), bottom, clock, is_tls=is_tls)
