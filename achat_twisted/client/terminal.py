"""The client's near end: standard input, output and error, of which none ever blocks.

Strategy: Twisted's C{StandardIO} has input and output; standard error gets a descriptor of its
own, as on a terminal all three share one mode, and a blocking write would fail. What is shown
has no control characters left, wherever it comes from.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from twisted.internet.abstract import FileDescriptor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.fdesc import writeToFD
from twisted.internet.interfaces import (
    IConsumer,
    IHalfCloseableProtocol,
    IPushProducer,
    IReactorFDSet,
)
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from achat_twisted import wire
from achat_twisted.client.outgoing import Outgoing
from achat_twisted.framing import LineSplitter

MAX_TYPED = 2**20
"""The longest line read from standard input, in bytes; no server takes a longer one."""

_ESCAPES = {
    code: f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
    for code in [*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029]
    if code != ord("\t")
}
"""How control characters are shown; the tab may stay, as on the wire."""


class Output(FileDescriptor):
    """An open file that is only written to.

    @ivar closed: fires when it is closed, or nobody reads it any more.
    """

    def __init__(self, fd: int, reactor: IReactorFDSet) -> None:
        super().__init__(reactor)
        self.closed: Deferred[None] = Deferred()
        self.connected = 1
        self._fd = fd
        os.set_blocking(fd, False)

    def fileno(self) -> int:
        return self._fd

    def writeSomeData(self, data: bytes) -> int | BaseException:
        written: int | BaseException = writeToFD(self._fd, data)
        return written

    def connectionLost(self, reason: Failure) -> None:
        super().connectionLost(reason)
        self.closed.callback(None)


@implementer(IPushProducer)
class _Brake:
    """What one output sees of whoever is shown on both."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    def pauseProducing(self) -> None:
        self._terminal.pause(self)

    def resumeProducing(self) -> None:
        self._terminal.resume(self)

    def stopProducing(self) -> None:
        self._terminal.resume(self)


@implementer(IHalfCloseableProtocol)
class Terminal(Protocol):
    """What C{StandardIO} talks to: lines typed go to L{Outgoing}, and what is to be read is shown.

    @ivar deserted: whether nobody reads standard output any more.
    """

    transport: Any  # which has more than ITransport promises

    def __init__(self, outgoing: Outgoing, errors: Any) -> None:
        """@param errors: an L{Output} to standard error."""
        self.deserted = False
        self._outgoing = outgoing
        self._errors = errors
        self._splitter = LineSplitter(MAX_TYPED)
        self._producer: IPushProducer | None = None
        self._full: set[_Brake] = set()
        self._closed: Deferred[None] = Deferred()

    # What standard input and output say

    def connectionMade(self) -> None:
        for output in self._outputs():
            output.registerProducer(_Brake(self), True)
        self._outgoing.throttle(self.transport)

    def dataReceived(self, data: bytes) -> None:
        if not self._outgoing.ended:
            self._take(self._splitter.one_by_one(self._splitter.feed(data)))

    def readConnectionLost(self) -> None:
        """The end of input."""
        if not self._outgoing.ended:
            self._take(self._splitter.one_by_one(self._splitter.finish()))
            self._outgoing.end()

    def writeConnectionLost(self) -> None:
        """Nobody reads standard output any more."""
        self.deserted = True
        if self._producer is not None:
            self._producer.stopProducing()
        self._closed.callback(None)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if not self.deserted:
            self._closed.callback(None)

    # What is shown

    def message(self, line: str) -> None:
        """Show a message, on standard output."""
        self._show(self.transport, line)

    def notice(self, line: str) -> None:
        """Show a notice, on standard error."""
        self._show(self._errors, line)

    def say(self, sentence: str, lines: Iterable[str] = ()) -> None:
        """Show what the client itself has to say, on standard error, and the lines it speaks of."""
        self.notice(f"achat: {sentence}")
        for line in lines:
            self.notice(f"    {line}")

    def close(self) -> Deferred[list[None]]:
        """Fires when all that was shown is out."""
        for output in self._outputs():
            output.unregisterProducer()
            output.loseConnection()
        return gatherResults([self._closed, self._errors.closed])

    # What keeps memory bounded when an output is slow

    def throttle(self, producer: IPushProducer | None) -> None:
        """Pause C{producer}, whose lines are shown, while there is no room for more."""
        self._producer = producer
        if producer is None:
            return
        if self.deserted:
            producer.stopProducing()
        elif self._full:
            producer.pauseProducing()

    def pause(self, brake: _Brake) -> None:
        self._full.add(brake)
        if self._producer is not None:
            self._producer.pauseProducing()

    def resume(self, brake: _Brake) -> None:
        self._full.discard(brake)
        if self._producer is not None and not self._full:
            self._producer.resumeProducing()

    def _outputs(self) -> tuple[Any, Any]:
        return self.transport, self._errors

    def _show(self, output: IConsumer, line: str) -> None:
        output.write(f"{line.translate(_ESCAPES)}\n".encode())

    def _take(self, typed: Iterable[str | wire.WireError]) -> None:
        """Pass on the lines that a server may understand, up to C{/quit}, which is an end too."""
        lines: list[str] = []
        for line in typed:
            if isinstance(line, wire.WireError):
                self.notice(f"! {line}")
            elif _is_quit(line):
                self._outgoing.add(lines)
                self._outgoing.end()
                return
            else:
                lines.append(line)
        self._outgoing.add(lines)


def _is_quit(line: str) -> bool:
    if not line.startswith("/"):
        return False
    request = wire.parse_line(line)
    return isinstance(request, wire.Command) and request.word == "quit"
