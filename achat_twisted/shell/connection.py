"""One connection of the client's, from login to loss."""

from __future__ import annotations

import math
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer, IReactorTime
from twisted.internet.protocol import connectionDone
from twisted.internet.task import LoopingCall
from twisted.protocols.basic import LineReceiver
from twisted.python.failure import Failure
from zope.interface import implementer

from achat_twisted import wire
from achat_twisted.shell.outgoing import WINDOW, Outgoing
from achat_twisted.shell.terminal import Terminal

REFUSALS = {
    "bad-name": "{server} does not take the name {name}: {detail}",
    "busy": "{server} is busy",
    "denied": "{server} does not let {name} in: the secret is missing or wrong",
    "kicked": "the operator of {server} has ended the session of {name}",
    "name-taken": "the name {name} is taken at {server}",
    "replaced": "{name} has come to {server} on another connection, which replaces this one",
}
"""The notices that end a session, in words for the user."""

NOT_TAKEN = {"unknown", "full", "bad-line", "too-long"}
"""The notices that say that a line, or a copy of it, was refused."""

LISTEN = 15.0
"""The seconds between two looks at whether anything has come."""

PING_AFTER = 45.0
"""The seconds of silence, in whole looks, after which the server is asked if it is there."""

DEAF_AFTER = 90.0
"""The seconds of silence, in whole looks, after which the connection is given up."""


@implementer(IPushProducer)
class ClientSession(LineReceiver):
    """One connection to a server, from the login line to the loss.

    A server whose machine has lost power is as silent as one that has nothing to say; so it is
    asked. The kernel's probes (L{ReadToTheEnd}) are not enough: a proxy or a tunnel in between
    answers them for a server that is long gone, but only a server answers a C{/ping}.

    @ivar answered: fires when the server has let us in, or the connection is gone.
    @ivar ended: fires when the connection is gone.
    @ivar let_in: true if the server has said welcome.
    @ivar bye: the number of lines that the server says it has taken in; None until it does.
    @ivar refusal: the notice that turns us away, if there was one.
    @ivar all_taken: true if the server has refused no line, and no copy of one.
    @ivar deaf: true if the connection was given up because nothing came any more.
    """

    delimiter = b"\n"
    MAX_LENGTH = 2**24  # far above any line of a server's, even /who with all its names
    transport: Any  # it has more than ITransport promises

    def __init__(
        self, login: wire.Login, outgoing: Outgoing, terminal: Terminal, clock: IReactorTime
    ) -> None:
        self.answered: Deferred[None] = Deferred()
        self.ended: Deferred[None] = Deferred()
        self.let_in = False
        self.bye: int | None = None
        self.refusal: wire.Notice | None = None
        self.all_taken = True
        self.deaf = False
        self._rate = math.inf
        self._silence = 0.0
        self._listening = LoopingCall(self._listen)
        self._listening.clock = clock
        self._login = login
        self._outgoing = outgoing
        self._terminal = terminal

    def connectionMade(self) -> None:
        self._terminal.throttle(self)
        name, secret = self._login.name, self._login.secret
        self.transport.write(f"{name if secret is None else f'{name}:{secret}'}\n".encode())

    def dataReceived(self, data: bytes) -> Any:
        self._silence = 0.0
        return super().dataReceived(data)

    def lineReceived(self, raw: bytes) -> None:
        line = raw.removesuffix(b"\r").decode(errors="backslashreplace")
        try:
            said = wire.parse_server_line(line)
        except wire.BadLine:
            self._terminal.notice(line)
            return
        match said:
            case wire.Message():
                self._terminal.message(line)
            case wire.Notice("welcome"):
                self._begin()
            case wire.Notice("synced", detail) if self._is_own_answer(detail):
                pass
            case wire.Notice("pong") if self._outgoing.pong():
                pass
            case wire.Notice("bye", detail):
                self.bye = _number(detail)
                self.transport.loseConnection()
            case wire.Notice(word) if word in REFUSALS:
                self.refusal = said
            case wire.Notice(word, detail):
                if word == "slow-down":
                    self._rate = _number(detail) or self._rate
                self.all_taken &= word not in NOT_TAKEN
                self._terminal.notice(line)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._listening.running:
            self._listening.stop()
        self._show_rest()
        if not self.answered.called:
            self.answered.callback(None)
        self.ended.callback(None)

    def stopProducing(self) -> None:
        """End the connection, as nothing can be shown any more."""
        self._show_rest()
        self.transport.abortConnection()

    def _show_rest(self) -> None:
        """Show the lines that had to wait for room, or have them counted."""
        self._terminal.throttle(None)
        self.paused = False
        self.dataReceived(b"")

    def _begin(self) -> None:
        if not self.answered.called:
            self.let_in = True
            self.answered.callback(None)
            self._outgoing.begin(self.transport.write)
            self._listening.start(LISTEN, now=False)

    def _listen(self) -> None:
        """Ask a silent server for an answer, and give it up if none comes.

        The time is counted in looks, not taken from the clock: after a suspension of this process
        there is one look before the input that has come meanwhile is read.
        """
        if self.paused:
            return  # it is we who do not read
        self._silence += LISTEN
        # A server that slows us down first works through the lines ahead of the question: up to a
        # window is unread, and as much may be owed for. A line has at least two bytes.
        if self._silence >= DEAF_AFTER + min(self._outgoing.said, WINDOW) / self._rate:
            self.deaf = True
            self.transport.abortConnection()
        elif self._silence == PING_AFTER:
            self._outgoing.ping()

    def _is_own_answer(self, detail: str) -> bool:
        number = _number(detail)
        return number is not None and self._outgoing.confirm(number)


def _number(detail: str) -> int | None:
    """The number at the start of a notice's detail; None if there is none."""
    number = detail.partition(" ")[0]
    return int(number) if number.isdecimal() and len(number) < 20 else None
