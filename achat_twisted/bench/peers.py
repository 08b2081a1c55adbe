"""Clients under load: each sends, and hears, a block of lines again and again.

Strategy: a flood is prepared before it begins. What is sent is a slice of a block, and what comes
is compared with a block, in a buffer that all share; nobody looks at a single line.
"""

from __future__ import annotations

import socket
from abc import ABC, abstractmethod

from achat_twisted.bench.dialects import Dialect
from achat_twisted.bench.failure import Failed, show
from achat_twisted.bench.loop import IN, OUT, WOULD_BLOCK, Loop

CHUNK = 2**16
"""Bytes that are sent or received at a time, at most."""

_MEMORY = 2**27
"""Bytes that the blocks of all peers may take, about."""

_buffer = bytearray(CHUNK)
_view = memoryview(_buffer)


def chunk(peers: int) -> int:
    """Bytes that are sent or received at a time, by each of so many peers."""
    return max(2**12, min(CHUNK, _MEMORY // peers))


class Block:
    """Some lines that are sent, or heard, again and again; many peers may share one.

    @ivar lines: the lines.
    @ivar endless: the lines, repeated so that a chunk can be cut wherever in them it begins.
    @ivar chunk: how many bytes are sent or heard at a time, at most.
    """

    def __init__(self, lines: bytes, chunk: int) -> None:
        self.lines = lines
        self.endless = lines * (1 + -(-chunk // len(lines)))
        self.chunk = chunk


class Outgoing:
    """The lines that a peer sends."""

    def __init__(self, client: socket.socket, block: Block, size: int, start: int = 0) -> None:
        """@param size: how many bytes are sent in all.
        @param start: the place of the first of them in the block.
        """
        self._send = client.send
        self._view = memoryview(block.endless)
        self._period = len(block.lines)
        self._chunk = block.chunk
        self._at = start
        self._left = size

    def owe(self, size: int) -> None:
        """Have more to send, by so many bytes."""
        self._left += size

    def go_on(self) -> bool:
        """Send what the kernel takes; true if that was the last of it.

        @raise OSError: if the connection is gone.
        """
        at = self._at
        try:
            sent = self._send(self._view[at : at + min(self._chunk, self._left)])
        except WOULD_BLOCK:
            return False
        self._at = (at + sent) % self._period
        self._left -= sent
        return not self._left


class Incoming(ABC):
    """The lines that a peer is to hear, and nothing else.

    @ivar left: how many bytes are still to come.
    """

    def __init__(self, client: socket.socket, dialect: Dialect, size: int, chunk: int) -> None:
        self.left = size
        self._client = client
        self._receive = client.recv_into
        self._dialect = dialect
        self._noise = dialect.noise
        self._confirms_each = dialect.confirms_each
        self._messages = 0  # whose ends have come; counted only if it confirms them
        self._chunk = chunk

    @abstractmethod
    def _fits(self, size: int) -> bool:
        """True if so many bytes in the buffer were due; if so, what comes behind is due."""

    @abstractmethod
    def _odd(self, heard: bytes) -> bytes:
        """The bytes heard, from the first line on that was not due."""

    def take(self) -> int:
        """Take what has come, and return the number of its bytes.

        @raise Failed: if it is not what was due.
        @raise OSError: if the connection is gone.
        """
        try:
            size = self._receive(_view, self._chunk)
        except WOULD_BLOCK:
            return 0
        if not size:
            raise Failed("the server has closed a connection")
        if size > self.left or not self._fits(size):
            size = self._sift(bytes(_view[:size]))
        self.left -= size
        if self._confirms_each:
            self._confirm(_buffer.count(b"\n", 0, size))
        return size

    def _confirm(self, messages: int) -> None:
        """Say that messages are taken in, as a program would that handles one after the other."""
        each, before = self._confirms_each, self._messages
        self._messages = now = before + messages
        whole = range(before - before % each + each, now + 1, each)
        if whole:
            self._client.send(b"".join(map(self._dialect.confirmation, whole)))

    def _sift(self, heard: bytes) -> int:
        """Leave out what may come at any time, and return the number of bytes left."""
        noise = self._noise
        rest = heard.replace(noise, b"") if noise else heard
        size = len(rest)
        _view[:size] = rest
        if not self._fits(size):
            odd = self._odd(rest)
        elif size > self.left:
            odd = rest[self.left :]
        else:
            return size
        raise Failed(f"the server has said {show(odd)}, which was not due")


class InOrder(Incoming):
    """A block of lines, again and again."""

    def __init__(self, client: socket.socket, dialect: Dialect, block: Block, size: int) -> None:
        super().__init__(client, dialect, size, block.chunk)
        self._endless = block.endless
        self._period = len(block.lines)
        self._begins = block.endless.startswith
        self._at = 0

    @property
    def is_whole(self) -> bool:
        """True if the last block that has begun is complete."""
        return not self._at

    def _fits(self, size: int) -> bool:
        # Compares in place, as nothing else in Python does for a part of a buffer.
        if not self._begins(_view[:size], self._at):
            return False
        self._at = (self._at + size) % self._period
        return True

    def _odd(self, heard: bytes) -> bytes:
        due = self._endless[self._at :]
        first = next((at for at, byte in enumerate(heard) if byte != due[at]), 0)
        return heard[heard.rfind(b"\n", 0, first) + 1 :]


class AnyOrder(Incoming):
    """Lines of one length, checked only for ending where they should, and nowhere else."""

    def __init__(
        self, client: socket.socket, dialect: Dialect, line: bytes, size: int, chunk: int
    ) -> None:
        super().__init__(client, dialect, size, chunk)
        self._length = len(line)
        self._at = 0

    def _fits(self, size: int) -> bool:
        ends = _buffer[self._length - 1 - self._at : size : self._length]
        if not len(ends) == ends.count(b"\n") == _buffer.count(b"\n", 0, size):
            return False
        self._at = (self._at + size) % self._length
        return True

    def _odd(self, heard: bytes) -> bytes:
        begin, end = 0, self._length - self._at
        while heard[end - 1 : end] == b"\n":
            begin, end = end, end + self._length
        return heard[begin:]


class Nothing(Incoming):
    """A client that only sends, or only is there, hears nothing."""

    def __init__(self, client: socket.socket, dialect: Dialect) -> None:
        super().__init__(client, dialect, 0, CHUNK)

    def _fits(self, size: int) -> bool:
        return not size

    def _odd(self, heard: bytes) -> bytes:
        return heard


class Peer:
    """A client that sends what it has to send, hears what it has to hear, and counts down then."""

    def __init__(
        self,
        loop: Loop,
        client: socket.socket,
        incoming: Incoming,
        outgoing: Outgoing | None = None,
    ) -> None:
        self._loop = loop
        self._fd = client.fileno()
        self._incoming = incoming
        self._outgoing = outgoing
        loop.pending += bool(incoming.left)
        loop.watch(self._fd, IN | OUT if outgoing else IN, self._ready)

    def _ready(self, events: int) -> None:
        try:
            if events & OUT and self._outgoing and self._outgoing.go_on():
                self._loop.change(self._fd, IN)
            if events & ~OUT and self._incoming.take() and not self._incoming.left:
                self._loop.pending -= 1
        except OSError as error:
            raise Failed(f"a connection broke: {error.strerror}") from None
