"""The socket itself: what the peer has acknowledged, what the kernel holds, how to close.

Strategy: Twisted closes a socket before it tells the protocol, and keeps no account of what
arrived. So the ports of achat build their connections from L{ServerTransport}, which looks at
the socket first. Reader and writer see it as a L{achat_twisted.net.link.Link}.
"""

from __future__ import annotations

import fcntl
import struct
import termios
from collections.abc import Callable, Iterable
from socket import (
    IPPROTO_TCP,
    SO_KEEPALIVE,
    SOL_SOCKET,
    TCP_KEEPIDLE,
    TCP_KEEPINTVL,
    TCP_NOTSENT_LOWAT,
    TCP_USER_TIMEOUT,
    socket,
)
from typing import Any

from twisted.internet import tcp
from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import IProtocol
from twisted.python.failure import Failure
from zope.interface import implementer

from achat_twisted.net.interfaces import IPolled, IPoller

SILENCE = 300
"""Seconds for which a TCP peer may be silent when it is asked for an acknowledgement, or keep its
window closed; then the kernel ends the connection, see C{TCP_USER_TIMEOUT} in C{tcp(7)}.
"""

_CHUNK = 2**17
"""Bytes that are read at a time.

Twice Twisted's own, with which a stream of lines to 100 recipients takes a third less CPU, as each
of them is sent twice as much at a time. Four times as much would gain nothing more.
"""

_UNSENT = 2**15
"""Bytes that the kernel takes from us beyond those that it can send: C{TCP_NOTSENT_LOWAT}.

Otherwise it takes up to 4 MiB for a peer that does not read, and the writer has to keep as much, as
it is not acknowledged. It costs 1 to 3 % of the speed of a stream, on loopback.
"""

_KEEPALIVE_AFTER = 60
"""Seconds without traffic after which the kernel checks that the peer is still there."""

_KEEPALIVE_EVERY = 15
"""Seconds between two such checks."""


def set_options(sock: socket) -> None:
    """Set what a client's TCP socket needs."""
    sock.setsockopt(SOL_SOCKET, SO_KEEPALIVE, 1)
    sock.setsockopt(IPPROTO_TCP, TCP_KEEPIDLE, _KEEPALIVE_AFTER)
    sock.setsockopt(IPPROTO_TCP, TCP_KEEPINTVL, _KEEPALIVE_EVERY)
    sock.setsockopt(IPPROTO_TCP, TCP_USER_TIMEOUT, SILENCE * 1000)
    sock.setsockopt(IPPROTO_TCP, TCP_NOTSENT_LOWAT, _UNSENT)


def has_options(sock: socket) -> bool:
    """True if L{set_options} was called for it, or for the one that it was accepted from."""
    return sock.getsockopt(IPPROTO_TCP, TCP_USER_TIMEOUT) == SILENCE * 1000


def _count(fd: int, request: int) -> int:
    """The kernel's answer to an C{ioctl(2)} that counts bytes, see C{tcp(7)}."""
    (count,) = struct.unpack("i", fcntl.ioctl(fd, request, bytes(4)))
    return int(count)


@implementer(IPolled)
class ServerTransport(tcp.Server):
    """A server's connection that can be asked, and closed, without losing anything."""

    _on_all_read: Callable[[], None] | None = None
    _final = 0

    owner = ""
    """The owner of the peer's process, where the kernel knows."""

    input_over = False
    """True if the peer has sent its end of file."""

    input_seen = 0
    """Bytes thrown away since L{discard}."""

    def __init__(
        self,
        poller: IPoller,
        sock: socket,
        protocol: IProtocol,
        client: Any,
        server: tcp.Port,
        sessionno: int,
        reactor: Any,
    ) -> None:
        self._poller = poller
        # These are asked for with each line, and the last two are Twisted's. An attribute of the
        # class would cost 0.05 µs each time, of which 0.04 go into not finding it in the instance.
        self._to_read: int | None = None
        self._discarding = False
        self._waiting = 0
        self.bufferSize = _CHUNK
        self.disconnecting = False
        super().__init__(sock, protocol, client, server, sessionno, reactor)

    def write(self, data: bytes) -> None:
        """As Twisted's, but what fits into the kernel's buffer goes there at once.

        This saves two C{epoll_ctl} and a turn of the reactor for each line of an interactive
        conversation. With one line in flight between two clients that was a sixth of the server's
        CPU for a line: 64.5 µs instead of 77.5, medians of five alternating rounds.
        """
        if self.connected and not self._waiting:
            try:
                sent = self.socket.send(data)
            except OSError:  # if it is more than a full buffer, Twisted meets it again
                sent = 0
            if sent == len(data):
                return
            data = data[sent:]
        if self.connected and not self.is_half_closed:  # or else it is dropped, by Twisted too
            self._waiting += len(data)
        super().write(data)

    def writeSequence(self, iovec: Iterable[bytes]) -> None:
        self.write(b"".join(iovec))

    def writeSomeData(self, data: bytes) -> int | ConnectionLost:
        sent = super().writeSomeData(data)
        if isinstance(sent, int):
            self._waiting -= sent
        return sent

    def startReading(self) -> None:
        self._poller.start_reading(self)

    def stopReading(self) -> None:
        self._poller.stop_reading(self)

    def startWriting(self) -> None:
        self._poller.start_writing(self)

    def stopWriting(self) -> None:
        self._poller.stop_writing(self)

    def outstanding(self) -> int:
        """The number of bytes written that the peer may not have got.

        Those that wait here and those that the kernel holds (C{SIOCOUTQ}): on TCP the ones that
        are not acknowledged. Encryption and unix sockets add their own overhead to the figure,
        so that there it is an upper bound, and exact when it is 0.
        """
        return self._look() if self.connected else self._final

    def _look(self) -> int:
        in_kernel = self._in_kernel()
        if in_kernel and self.is_half_closed:
            in_kernel -= 1  # for the FIN, which has a place in the sequence, the last
        return self._waiting + in_kernel

    def _in_kernel(self) -> int:
        """Bytes that the kernel holds, and those that the peer has not acknowledged."""
        return _count(self.fileno(), termios.TIOCOUTQ)

    @property
    def is_half_closed(self) -> bool:
        """True once the end of the stream has gone out to the peer.

        Twisted does not tell the transport itself, but has it here. This is the only private part
        of Twisted that is looked at, and L{achat_twisted.net.selftest} checks that it is there.
        """
        return self._writeDisconnected

    def take_snapshot(self, on_taken: Callable[[], None]) -> None:
        """Read what the kernel holds now, and nothing after it; then call C{on_taken}."""
        self._to_read = self._held_input()
        self._on_all_read = on_taken
        self._check_all_read()

    @property
    def has_input(self) -> bool:
        return self._held_input() > 0

    def _held_input(self) -> int:
        return 0 if self.input_over else _count(self.fileno(), termios.FIONREAD)

    def discard(self) -> None:
        """From now on, read input and throw it away."""
        self._discarding = True
        self._to_read = None
        if not self.input_over:
            self.startReading()

    def resumeProducing(self) -> None:
        if self._to_read != 0 and not self.input_over:
            super().resumeProducing()

    def pauseProducing(self) -> None:
        if not self._discarding:
            super().pauseProducing()

    def receive(self) -> bytes | None:
        if self._to_read is None:
            return self.socket.recv(self.bufferSize)
        if self._to_read == 0:
            return None
        data = self.socket.recv(min(self._to_read, self.bufferSize))
        self._to_read -= len(data)
        return data

    def take_in(self, data: bytes) -> None:
        if self._discarding:
            self.input_seen += len(data)
        else:
            self.protocol.dataReceived(data)
            if self._to_read is not None:
                self._check_all_read()

    def _check_all_read(self) -> None:
        if self._to_read == 0 and self._on_all_read is not None:
            on_all_read, self._on_all_read = self._on_all_read, None
            self.stopReading()
            on_all_read()

    def readConnectionLost(self, reason: Failure) -> None:
        self.input_over = True
        if not self._discarding:
            super().readConnectionLost(reason)

    def connectionLost(self, reason: Failure) -> None:
        if self.connected:
            self._final = self._look_back(reason)
        super().connectionLost(reason)

    def _look_back(self, reason: Failure) -> int:
        """The number of bytes outstanding as the connection ends."""
        return self._look()
