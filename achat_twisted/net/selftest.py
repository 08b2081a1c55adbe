"""The self-test: a check of Twisted, on which the promise rests, before the first port opens.

Strategy: L{ServerTransport} works out which bytes may not have arrived from the calls that Twisted
makes, and from one of its private attributes. A newer Twisted may differ, and nobody would notice
until lines are lost. So before the first port opens, a connection of this process to itself is
written to, blocked, drained and half-closed; and then another one with TLS on top, which must hold
nothing back, as nobody counts what it holds. Both together take about 13 ms.
"""

from __future__ import annotations

import socket
from array import array
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL
from twisted.internet.interfaces import IProtocol
from twisted.internet.main import CONNECTION_DONE
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.ssl import CertificateOptions
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from twisted.python.failure import Failure
from zope.interface import implementer

from achat_twisted.net.interfaces import IPoller
from achat_twisted.net.transport import ServerTransport
from achat_twisted.tools.errors import CannotStart
from twisted import __version__

_BUFFER = 2**12
"""The bytes that the kernel is asked to buffer for the connection; it takes some more."""

_NUMBERS = 2**16
"""The numbers of four bytes that are sent: twice as much as Twisted sends at a time."""

_ROUNDS = 500
"""The most attempts to write the rest; the kernel takes some 4 KiB at each."""

_FLIGHTS = 3
"""The number of times that a TLS client has something to say until both know the other's keys."""

MakeTransport = Callable[[IPoller, socket.socket, IProtocol], ServerTransport]


class _Unlike(Exception):
    """Something that Twisted does differently; the text is the rest of a sentence about it."""


@implementer(IPoller)
class _Poller:
    """A poller that only notes what a transport waits for."""

    is_reading = is_writing = False

    def start_reading(self, transport: object) -> None:
        self.is_reading = True

    def stop_reading(self, transport: object) -> None:
        self.is_reading = False

    def start_writing(self, transport: object) -> None:
        self.is_writing = True

    def stop_writing(self, transport: object) -> None:
        self.is_writing = False


class _Ended(Protocol):
    """A protocol that notes the end of its connection."""

    is_over = False

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.is_over = True


def make_transport(poller: IPoller, sock: socket.socket, protocol: IProtocol) -> ServerTransport:
    """A transport like those of achat's ports, over a socket that no port has accepted."""
    nobody: Any = None
    return ServerTransport(poller, sock, protocol, ("127.0.0.1", 0), nobody, 0, object())


def run(
    make: MakeTransport = make_transport,
    tls: type[TLSMemoryBIOProtocol] = TLSMemoryBIOProtocol,
) -> None:
    """Checks that Twisted does what achat needs.

    @param make: makes the transport that is tried.
    @param tls: the layer that encrypts, which is tried as well.
    @raise CannotStart: if it does not, or if that cannot be checked.
    """
    for attempt in (_try, partial(_try_tls, tls)):
        try:
            ours, theirs = socket.socketpair()
        except OSError as error:
            raise CannotStart(
                f"achat: this Twisted cannot be checked before the start, as there are no unix"
                f" sockets: {error}; systemd's RestrictAddressFamilies= must have AF_UNIX"
            ) from None
        with ours, theirs:
            for end in (ours, theirs):
                end.setblocking(False)
                end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
            try:
                attempt(make, ours, theirs)
            except Exception as error:  # nobody knows what an unknown Twisted might do
                why = str(error) if isinstance(error, _Unlike) else f"it failed ({error!r})"
                raise CannotStart(
                    f"achat: this Twisted ({__version__}) would lose lines, as {why};"
                    " install an older Twisted, or a newer achat"
                ) from None


def _try(make: MakeTransport, ours: socket.socket, theirs: socket.socket) -> None:
    poller, protocol = _Poller(), _Ended()
    transport = make(poller, ours, protocol)
    protocol.makeConnection(transport)
    _expect(transport.outstanding() == 0, "a new connection has something to send")
    data = array("I", range(_NUMBERS)).tobytes()
    half = len(data) // 2
    transport.write(data[:half])
    transport.writeSequence([data[half:-7], data[-7:]])
    _expect(poller.is_writing, "what waits is not written when there is room")
    received = bytearray()
    for _ in range(_ROUNDS):
        arrived = _read(theirs, received)
        # The kernel counts what it holds with overhead, so a figure is exact only when it holds
        # nothing.
        left = len(data) - len(received)
        _expect(transport.outstanding() == left, f"of {left} bytes not all count as outstanding")
        if poller.is_writing:
            _expect(transport.doWrite() is None, "a write failed that had room")
        elif not arrived:
            break
    _expect(received == data, "what was written does not arrive")
    transport.write(b"last")
    transport.loseWriteConnection()
    _expect(not transport.is_half_closed, "it calls a connection half-closed too early")
    transport.doWrite()
    _expect(transport.is_half_closed, "it does not say that a connection is half-closed")
    received.clear()
    _read(theirs, received)
    _expect(received == b"last", "a half-close is not behind what was written")
    _expect(theirs.recv(1) == b"", "a half-close does not reach the peer")
    _expect(transport.outstanding() == 0, "what has arrived counts as outstanding")
    _expect(not protocol.is_over, "a half-close closes the connection")
    transport.connectionLost(Failure(CONNECTION_DONE))
    _expect(protocol.is_over, "a connection's end is not told")


def _try_tls(
    tls: type[TLSMemoryBIOProtocol],
    make: MakeTransport,
    ours: socket.socket,
    theirs: socket.socket,
) -> None:
    nobody: Any = None
    factory = TLSMemoryBIOFactory(_identity(), False, Factory.forProtocol(Protocol), nobody)
    factory.protocol = tls
    protocol = factory.buildProtocol(nobody)
    poller = _Poller()
    transport = make(poller, ours, protocol)
    protocol.makeConnection(transport)
    peer = SSL.Connection(SSL.Context(SSL.TLS_CLIENT_METHOD), None)
    peer.set_connect_state()
    for _ in range(_FLIGHTS):
        with suppress(SSL.WantReadError):
            peer.do_handshake()
        with suppress(SSL.WantReadError):
            protocol.dataReceived(peer.bio_read(2**16))
        _decrypt(peer, theirs)
    _expect(transport.outstanding() == 0, "a new connection with TLS has something to send")
    data = array("I", range(_NUMBERS)).tobytes()
    written = 0
    for part in (data[:7], data[7:]):
        protocol.write(part)
        written += len(part)
        _expect(transport.outstanding() >= written, "TLS holds back what is written")
    protocol.loseConnection()
    transport.loseWriteConnection()
    received = _decrypt(peer, theirs)
    for _ in range(_ROUNDS):
        if not poller.is_writing:
            break
        transport.doWrite()
        received += _decrypt(peer, theirs)
    _expect(received == data, "what is written through TLS does not arrive")
    _expect(transport.outstanding() == 0, "what has arrived through TLS counts as outstanding")
    transport.connectionLost(Failure(CONNECTION_DONE))


def _decrypt(peer: SSL.Connection, sock: socket.socket) -> bytes:
    encrypted = bytearray()
    if _read(sock, encrypted):
        peer.bio_write(bytes(encrypted))
    text = b""
    with suppress(SSL.WantReadError, SSL.ZeroReturnError):
        while True:
            text += peer.recv(2**16)
    return text


def _identity() -> CertificateOptions:
    """A key, and a certificate for nobody that nobody trusts."""
    key: Any = ec.generate_private_key(ec.SECP256R1())  # Twisted's types know older ones only
    nobody = x509.Name([])
    now = datetime.now(UTC)
    certificate: Any = (
        x509.CertificateBuilder(nobody, nobody, key.public_key(), serial_number=1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return CertificateOptions(key, certificate)


def _read(sock: socket.socket, received: bytearray) -> bool:
    """Reads all that has arrived; true if there was anything."""
    before = len(received)
    try:
        while data := sock.recv(2**16):
            received += data
    except BlockingIOError:
        pass
    return len(received) > before


def _expect(is_so: bool, otherwise: str) -> None:
    if not is_so:
        raise _Unlike(otherwise)
