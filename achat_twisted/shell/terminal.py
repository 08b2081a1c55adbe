"""The client's near end: the lines that are typed, and those that are shown.

Strategy: the three standard files never block, see L{Input} and L{Output}. Control characters are
never shown, wherever they come from.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from twisted.internet.interfaces import IPushProducer
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from achat_twisted import wire
from achat_twisted.shell.files import Output
from achat_twisted.shell.outgoing import Outgoing, is_command
from achat_twisted.wire.framing import LineSplitter

MAX_TYPED = 2**20
"""The longest line read from standard input, in bytes; no server takes a longer one."""

_ESCAPES = {
    code: f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
    for code in [*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029]
    if code != ord("\t")
}
"""The escapes for control characters; the tab may stay, as on the wire."""


@implementer(IPushProducer)
class Terminal(Protocol):
    """The user's end: lines that are typed go to L{Outgoing}, and messages and notices are shown.

    As a protocol it hears only standard input, and its transport is that L{Input}. For both outputs
    it is the producer, in place of the connection whose lines they show.

    @ivar all_taken: true if every line that was typed could be passed on.
    """

    transport: Any  # it has more than ITransport promises

    def __init__(self, outgoing: Outgoing, output: Output, errors: Output) -> None:
        self.all_taken = True
        self._outgoing = outgoing
        self._output = output
        self._errors = errors
        self._splitter = LineSplitter(MAX_TYPED)
        self._producer: IPushProducer | None = None
        for each in (output, errors):
            each.registerProducer(self, True)
        output.ended.addCallback(self._output_ended)

    # Input

    def connectionMade(self) -> None:
        self._outgoing.throttle(self.transport)

    def dataReceived(self, data: bytes) -> None:
        if not self._outgoing.ended:
            self._take(self._splitter.one_by_one(self._splitter.feed(data)))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Pass on the last line, at the end of the input."""
        if self._outgoing.ended:
            return
        self._take(self._splitter.one_by_one(self._splitter.finish()))
        if isinstance(reason.value, OSError):
            self.all_taken = False
            self.say(f"standard input cannot be read: {os.strerror(reason.value.errno or 0)}")
        self._outgoing.end()

    # Output

    def message(self, line: str) -> None:
        """Show a message, on standard output."""
        self._show(self._output, line)

    def notice(self, line: str) -> None:
        """Show a notice, on standard error."""
        self._show(self._errors, line)

    def say(self, sentence: str, lines: Iterable[str] = ()) -> None:
        """Show a sentence of the client's own, on standard error, and the lines it is about."""
        self.notice(f"achat: {sentence}")
        for line in lines:
            self.notice(f"    {line}")

    @property
    def unshown(self) -> str:
        """A sentence on the messages that have come and are not out; empty if there are none."""
        count = self._output.unshown
        if not count:
            return ""
        return f"{count} message{'' if count == 1 else 's'} had come, but could not be shown"

    @property
    def loss(self) -> str:
        """A sentence on why no more can be shown, and on the messages lost; empty if it can."""
        fault = self._output.fault
        return "; ".join(filter(None, (fault, self.unshown))) if fault else ""

    def interrupt(self) -> str:
        """Take no more from the server.

        @return: a sentence on the messages that have come and are not out, see L{unshown}.
        """
        if self._producer is not None:
            self._producer.stopProducing()
        return self.unshown

    async def flush(self) -> None:
        """Wait until all messages are out, and close standard output."""
        await _closed(self._output)

    async def close(self) -> None:
        """Do the same for standard error."""
        await _closed(self._errors)

    # Back-pressure, which keeps memory bounded when an output is slow

    def throttle(self, producer: IPushProducer | None) -> None:
        """Pause C{producer}, whose lines are shown, while there is no room for more."""
        self._producer = producer
        if producer is None:
            return
        if self.loss:
            producer.stopProducing()
        elif self._is_full():
            producer.pauseProducing()

    def pauseProducing(self) -> None:
        if self._producer is not None:
            self._producer.pauseProducing()

    def resumeProducing(self) -> None:
        if self._producer is not None and not self._is_full():
            self._producer.resumeProducing()

    def stopProducing(self) -> None:
        """Go on without an output that has ended."""
        self.resumeProducing()

    def _is_full(self) -> bool:
        return self._output.full or self._errors.full

    def _output_ended(self, _: None) -> None:
        if self.loss and self._producer is not None:
            self._producer.stopProducing()

    def _show(self, output: Output, line: str) -> None:
        output.write(f"{line.translate(_ESCAPES)}\n".encode())

    def _take(self, typed: Iterable[str | wire.WireError]) -> None:
        """Pass on the lines that a server may understand, up to a C{/quit}, which is an end too."""
        lines: list[str] = []
        for line in typed:
            if isinstance(line, wire.WireError):
                self.all_taken = False
                self.notice(f"! {line}")
            elif is_command(line, "quit"):
                self._outgoing.add(lines)
                self._outgoing.end()
                return
            else:
                lines.append(line)
        self._outgoing.add(lines)


async def _closed(output: Output) -> None:
    output.unregisterProducer()
    output.loseConnection()
    await output.ended
