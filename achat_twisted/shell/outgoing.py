"""A user's lines on their way to the server: those that wait, were sent, or are confirmed.

Strategy: no socket in sight. Lines are numbered as the server numbers them: from one in each
session, including the client's own. Lines that the server has confirmed are forgotten; the others
are kept until the end of the session tells what became of them. To keep these few, a C{/sync} is
sent after a batch of lines, one at a time. Its answer has its number; the one to a C{/ping} has
none, but comes in its turn, which tells whose it was.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from twisted.internet.interfaces import IPushProducer

from achat_twisted import wire

WINDOW = 64 * 1024
"""The bytes that may be unconfirmed before no more is sent, or may wait before no more is read.

One line may overrun the first, and one read the second.
"""

_USERS = 0
"""In place of a number: a ping of the user's, who wants to see the answer."""


class Outgoing:
    """The lines of one user, through any number of sessions.

    @ivar ended: true if no more lines will come.
    """

    def __init__(self, window: int = WINDOW) -> None:
        self._window = window
        self._producer: IPushProducer | None = None
        self._write: Callable[[bytes], None] | None = None
        self._waiting: deque[bytes] = deque()
        self._waiting_size = 0
        self.ended = False
        self._start_numbering()

    @property
    def waiting(self) -> int:
        """The number of lines that have not been sent, or were sent in vain."""
        return len(self._waiting)

    @property
    def said(self) -> int:
        """The number of lines given to this session, including the client's own."""
        return self._confirmed + len(self._sent)

    @property
    def full(self) -> bool:
        """True if so much is waiting that the producer is paused."""
        return self._waiting_size >= self._window

    # The user's lines

    def throttle(self, producer: IPushProducer) -> None:
        """Pause C{producer}, which adds the lines, while too much is waiting; and at the end."""
        self._producer = producer

    def add(self, lines: Iterable[str]) -> None:
        """Add lines, in order."""
        encoded = [f"{line}\n".encode() for line in lines]
        self._waiting.extend(encoded)
        self._waiting_size += sum(map(len, encoded))
        self._flow()

    def end(self) -> None:
        """Note that no more lines will come: when all are sent, say C{/quit}."""
        self.ended = True
        if self._producer is not None:
            self._producer.pauseProducing()
            self._producer = None
        self._flow()

    def abandon(self) -> list[str]:
        """Forget the lines that wait, and return them."""
        unsent = _text(self._waiting)
        self._waiting.clear()
        self._waiting_size = 0
        return unsent

    # The course of a session

    def begin(self, write: Callable[[bytes], None]) -> None:
        """Begin a session, which takes lines through C{write}."""
        self._write = write
        self._flow()

    def confirm(self, number: int) -> bool:
        """Note that the server has taken in all lines of this session up to C{number}.

        @return: true if that line is the client's own.
        """
        own = self._forget(number)
        self._flow()
        return own

    def ping(self) -> None:
        """Ask the server for an answer, if it still takes lines from this session."""
        if self._write is not None and not self._quit:
            self._write(self._own(b"/ping\n"))
            self._pings.append(self.said)

    def pong(self) -> bool:
        """Note that the server has answered a C{/ping}.

        @return: true if that was the client's own.
        """
        number = self._pings.popleft() if self._pings else _USERS
        if number != _USERS and max(self._sync, self._newest) <= self._confirmed:
            self._forget(number)  # or else an idle session's pings would pile up
        return number != _USERS

    def closed(self, number: int) -> None:
        """End the session; the lines after C{number} wait again, ahead of all others."""
        self._forget(number)
        again = self._sent_by_user()
        self._waiting.extendleft(reversed(again))
        self._waiting_size += sum(map(len, again))
        self._start_numbering()

    def broken(self) -> list[str]:
        """End the session without the server's word on what it has taken in.

        @return: the lines that may or may not have been taken in; they are not sent again.
        """
        unsure = _text(self._sent_by_user())
        self._start_numbering()
        return unsure

    def _start_numbering(self) -> None:
        self._write = None
        self._sent: deque[bytes | None] = deque()  # None for the client's own
        self._sent_size = 0
        self._confirmed = 0
        # The number of the last /sync, and of the user's last line.
        self._sync = self._newest = 0
        self._pings: deque[int] = deque()  # the numbers of unanswered ones of ours, or _USERS
        self._quit = False

    def _sent_by_user(self) -> list[bytes]:
        return [line for line in self._sent if line is not None]

    def _forget(self, number: int) -> bool:
        line: bytes | None = b""
        while self._sent and self._confirmed < number:
            line = self._sent.popleft()
            self._sent_size -= len(line or b"")
            self._confirmed += 1
        return line is None and self._confirmed == number

    def _flow(self) -> None:
        """Send what may be sent, and let more be read if there is room."""
        if self._write is not None and (batch := self._next_batch()):
            self._write(batch)
        if self._producer is not None:
            if self.full:
                self._producer.pauseProducing()
            else:
                self._producer.resumeProducing()

    def _next_batch(self) -> bytes:
        batch = []
        while self._waiting and self._sent_size < self._window:
            line = self._waiting.popleft()
            self._waiting_size -= len(line)
            self._sent_size += len(line)
            self._sent.append(line)
            batch.append(line)
            self._newest = self.said
            if line[:1] == b"/" and is_command(line.decode(), "ping"):
                self._pings.append(_USERS)
        if self.ended and not self._waiting:
            if not self._quit:
                self._quit = True
                batch.append(self._own(b"/quit\n"))
        elif self._sync <= self._confirmed < self._newest:
            batch.append(self._own(b"/sync\n"))
            self._sync = self.said
        return b"".join(batch)

    def _own(self, line: bytes) -> bytes:
        self._sent.append(None)
        return line


def _text(lines: Iterable[bytes]) -> list[str]:
    return [line.decode().removesuffix("\n") for line in lines]


def is_command(line: str, word: str) -> bool:
    """True for a line that a server takes for that command."""
    if not line.startswith("/"):
        return False
    request = wire.parse_line(line)
    return isinstance(request, wire.Command) and request.word == word
