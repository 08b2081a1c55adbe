"""A kernel, as far as one socket goes: the bytes it holds, and the packets it sends to the peer."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from socket import SHUT_RD, SHUT_WR, SO_LINGER, AddressFamily

Packet = Callable[[], None]
"""The effect of a packet where it arrives."""


@dataclass(frozen=True, slots=True)
class Weather:
    """The conditions on a connection."""

    latency: int
    """The longest a packet takes, in ticks."""

    segment: int
    """The most bytes in a packet."""

    send_space: int
    """Bytes that a kernel takes of its application without having them acknowledged."""

    receive_space: int
    """Bytes that a kernel holds for its application."""


class Endpoint:
    """A socket, and what its kernel does for it.

    It can be used as the C{socket} of a Twisted transport.

    @ivar heard: all that has arrived at this machine, whether its application has read it or not.
    @ivar acknowledged: bytes that the peer's kernel is known to have.
    @ivar final: the same, at the moment when the application closed; None before that.
    @ivar breaks_at: byte of the input with which this machine fails.
    @ivar on_change: called when there may be more to read, or more room to write.
    @ivar broken: whether the connection has ended other than by both sides' closing.
    @ivar ended: whether the peer has closed in order, so that nothing is missing in L{heard}.
    """

    peer: Endpoint
    family = AddressFamily.AF_UNSPEC  # and so without the options of TCP

    def __init__(
        self,
        number: int,
        weather: Weather,
        send: Callable[[Packet], None],
        toss: Callable[[], bool],
    ) -> None:
        """@param number: the connection's; no two have the same.
        @param send: sends the peer a packet.
        @param toss: heads or tails.
        """
        self.number = number
        self.heard = bytearray()
        self.acknowledged = 0
        self.final: int | None = None
        self.breaks_at: int | None = None
        self.on_change: Callable[[], None] = lambda: None
        self.ended = False
        self._weather = weather
        self._send = send
        self._toss = toss
        self._unsent = bytearray()
        self._accepted = self._transmitted = self._read_by_peer = 0
        self._unread = bytearray()
        self._read = 0
        self.broken = False
        self._tells_error = self._closed = self._resets = False
        self._half_closed = self._fin_sent = False

    # The application's calls

    def knock(self, accept: Packet) -> None:
        """Sends the packet that opens the connection; later ones arrive later."""
        self._send(accept)

    def send(self, data: bytes | bytearray | memoryview) -> int:
        if self.broken or self._half_closed:
            raise BrokenPipeError(errno.EPIPE, "the connection is no more")
        size = min(len(data), self._room())
        if size <= 0:
            raise BlockingIOError(errno.EWOULDBLOCK, "the buffer is full")
        self._unsent += data[:size]
        self._accepted += size
        self._transmit()
        return size

    def recv(self, size: int) -> bytes:
        if self._unread:
            was_tight = len(self._unread) >= self._weather.receive_space // 2
            data = bytes(self._unread[:size])
            del self._unread[:size]
            self._read += len(data)
            if was_tight:
                self._acknowledge()
            return data
        if self._tells_error:
            self._tells_error = False
            raise ConnectionResetError(errno.ECONNRESET, "reset by peer")
        if self.broken or self.ended:
            return b""
        raise BlockingIOError(errno.EWOULDBLOCK, "nothing is there")

    def shutdown(self, how: int) -> None:
        if how != SHUT_RD:
            self._half_closed = True
            self._transmit()

    def setsockopt(self, _level: int, option: int, _value: bytes) -> None:
        """The one option there is: to reset instead of to close in order."""
        self._resets = self._resets or option == SO_LINGER

    def close(self) -> None:
        """Close in order, unless that would pretend that unread input was read."""
        self._closed = True
        self.final = self.acknowledged
        if self._resets or self._unread:
            self.reset()
        else:
            self.shutdown(SHUT_WR)

    def setblocking(self, _blocking: bool) -> None:
        """There is no waiting here anyway."""

    def fileno(self) -> int:
        return self.number

    def getsockname(self) -> tuple[str, int]:
        return ("10.0.0.1", 6667)

    def demand_open(self) -> None:
        """As C{epoll(7)}, which knows no descriptor that is closed."""
        if self._closed:
            raise ValueError("its socket is closed")

    # The application's view

    @property
    def readable(self) -> bool:
        return bool(self._unread) or self.ended or self.broken

    @property
    def writable(self) -> bool:
        return self._room() > 0 or self.hung_up

    @property
    def hung_up(self) -> bool:
        return self.broken or (self.ended and self._half_closed)

    @property
    def unread(self) -> int:
        """Bytes that wait for the application."""
        return len(self._unread)

    @property
    def unacknowledged(self) -> int:
        """Bytes taken of the application that the peer's kernel is not known to have."""
        return self._accepted - self.acknowledged

    # The kernels' packets

    def reset(self) -> None:
        """Let go of everything, and tell the peer."""
        if not self.broken:
            self._send(self.peer.fall)
            self.fall()

    def fall(self) -> None:
        """The connection is no more, and the application will be told."""
        if not self.broken:
            self.broken = self._tells_error = True
            self._unsent.clear()
            self.on_change()

    def _room(self) -> int:
        return self._weather.send_space - self.unacknowledged

    def _transmit(self) -> None:
        while self._unsent and (window := self._window()) > 0:
            segment = bytes(self._unsent[: min(window, self._weather.segment)])
            del self._unsent[: len(segment)]
            self._transmitted += len(segment)
            self._send(partial(self.peer.hear, segment))
        if self._half_closed and not self._unsent and not self._fin_sent:
            self._fin_sent = True
            self._send(self.peer.hear_end)

    def _window(self) -> int:
        return self._weather.receive_space - (self._transmitted - self._read_by_peer)

    def hear(self, segment: bytes) -> None:
        """A part of the stream has come; a socket that has closed does not want it."""
        if self._closed or self.broken:
            self.reset()
            return
        room = None if self.breaks_at is None else max(0, self.breaks_at - len(self.heard))
        breaks = room is not None and room <= len(segment)
        self.heard += segment[:room]
        self._unread += segment[:room]
        if not breaks or self._toss():
            self._acknowledge()
        if breaks:
            self.reset()
        self.on_change()

    def _acknowledge(self) -> None:
        if not self.broken:
            self._send(partial(self.peer.hear_acknowledged, len(self.heard), self._read))

    def hear_acknowledged(self, arrived: int, read: int) -> None:
        """The peer's kernel has so many bytes, and its application has read so many of them."""
        if not self.broken:
            self.acknowledged, self._read_by_peer = arrived, read
            self._transmit()
            self.on_change()

    def hear_end(self) -> None:
        """The peer has closed, or half-closed, and this is behind all that it sent."""
        if not self.broken:
            self.ended = True
            self.on_change()
