"""A cable: one connection, whose lines move one by one, as the schedule says."""

from __future__ import annotations

from collections import deque
from random import Random

from twisted.internet.defer import Deferred, succeed

from tests.fakes import FakeLink


class Cable(FakeLink):
    """A connection that can be cut at any time: of each direction, the end is lost.

    The rest may be read long after. The client's machine acknowledges what the client reads.

    @ivar up: true until it is cut.
    @ivar to_server: the lines that the client has said, and the server has not read.
    @ivar said: those that the server has read.
    @ivar is_closed: true if the server has no more to say.
    """

    def __init__(self, rng: Random) -> None:
        self.to_server: deque[str] = deque()
        self.said: list[str] = []
        self.up = True
        self.is_closed = False
        self._rng = rng
        self._to_client = b""
        super().__init__()

    @property
    def has_input(self) -> bool:
        return bool(self.to_server)

    @has_input.setter
    def has_input(self, _value: bool) -> None:
        """Nobody can say that there is some, but by saying it."""

    # The client's end

    def say(self, line: str) -> None:
        if self.up:
            self.to_server.append(line)

    @property
    def can_be_read(self) -> bool:
        return bool(self._to_client) or self.is_closed or not self.up

    def read(self) -> str | None:
        """The next line from the server; None behind the last of them."""
        size = self._to_client.find(b"\n") + 1
        line, self._to_client = self._to_client[:size], self._to_client[size:]
        if self.up:
            self.acknowledge(size)
            if not self._to_client:
                self._fire()
        return line.decode()[:-1] if line else None

    def forget_unread(self) -> None:
        """The client is dead, and reads nothing any more."""
        self._to_client = b""

    # What befalls it

    def cut(self) -> None:
        if not self.up:
            return
        self.up = False
        lines = self._to_client.splitlines(keepends=True)
        self._to_client = b"".join(lines[: self._rng.randrange(len(lines) + 1)])
        for _ in range(self._rng.randrange(len(self.to_server) + 1)):
            self.to_server.pop()

    # The server's end

    def write(self, data: bytes) -> Deferred[None] | None:
        self._send(data)
        return None

    def finish(self, last: bytes) -> Deferred[None]:
        self._send(last)
        self.finished = self.is_closed = True
        if self.gone or not self.outstanding():
            return succeed(None)
        self._flushed = Deferred()
        return self._flushed

    def abort(self) -> None:
        self.aborted = True
        self.cut()

    def _send(self, data: bytes) -> None:
        self._pending += data
        if self.up:
            self._to_client += data
