"""The reader: a connection's lines, on their way in."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IDelayedCall,
    IHalfCloseableProtocol,
    IPushProducer,
    IReactorTime,
    ITransport,
)
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.protocols.basic import LineReceiver
from twisted.python.failure import Failure
from zope.interface import implementer

from achat_twisted import commands, wire
from achat_twisted.framing import Line, LineSplitter
from achat_twisted.interfaces import IBroker, ILink, ISession

LOGIN_TIMEOUT = 30.0
"""Seconds in which the first line must come, unless the server is told otherwise."""


_WhenWorkedOff = Callable[[], None]
"""Stands among the lines, for what is to be done when those before it are worked off."""


@dataclass(frozen=True, slots=True)
class Manners:
    """What is asked of every client, and how it is spoken to."""

    max_line: int = wire.MAX_LINE
    login_timeout: float = LOGIN_TIMEOUT
    render: Callable[[wire.Notice], bytes] = wire.render_notice


@implementer(IHalfCloseableProtocol, IPushProducer)
class ChatReader(LineReceiver):
    """Reads one connection: first a login, then lines for the broker.

    Until login the link is its own. With the login the link goes to the broker, and from then on
    the reader neither writes nor closes; it only says when there is no more input.

    The lines are cut by L{LineSplitter}, as C{LineReceiver} itself drops a connection over a line
    that is too long, and copies the rest of a chunk for each line in it.
    """

    delimiter = b"\n"
    _log = Logger()
    transport: Any  # which has more than ITransport promises
    _link: ILink
    _timer: IDelayedCall

    def __init__(
        self,
        broker: IBroker,
        clock: IReactorTime,
        manners: Manners,
        make_link: Callable[[ITransport], ILink],
        on_open: Callable[[ChatReader], None],
        on_gone: Callable[[ChatReader], None],
    ) -> None:
        """@param on_open: called with this reader when its connection is made.
        @param on_gone: called with it when the connection is no more.
        """
        self._broker = broker
        self._clock = clock
        self._manners = manners
        self._make_link = make_link
        self._on_open = on_open
        self._on_gone = on_gone
        self._splitter = LineSplitter(manners.max_line)
        self._lines: deque[Line | _WhenWorkedOff] = deque()
        self._handle: Callable[[Line], None] = self._log_in
        self._session: ISession | None = None
        self._working = False
        self._deaf = False
        self._stopped: Deferred[None] | None = None
        self._complaints: set[str] = set()

    # What the transport says

    def connectionMade(self) -> None:
        self._link = self._make_link(self.transport)
        self._on_open(self)
        self._timer = self._clock.callLater(self._manners.login_timeout, self._time_out)

    def dataReceived(self, data: bytes) -> None:
        if not self._deaf:
            self._lines.extend(self._splitter.feed(data))
            self._work()

    def readConnectionLost(self) -> None:
        """The client has half-closed: when its lines are worked off, it leaves."""
        if not self._deaf:
            self._lines.extend(self._splitter.finish())
            self._lines.append(self._no_more_lines)
            self._work()

    def writeConnectionLost(self) -> None:
        """The writer is done, and the link lingers."""

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._session is None and not self._deaf:
            self._end_login("left without a name")
        while self._lines and not self._deaf:
            self._work_off(self._lines.popleft())
        self._link.connection_lost()
        self.stopProducing()
        self._on_gone(self)

    # What the broker says

    def resumeProducing(self) -> None:
        if not self._deaf:
            super().resumeProducing()

    def stopProducing(self) -> None:
        """Take in no more lines, not even those that are here."""
        self._deaf = True
        self._lines.clear()
        self.transport.pauseProducing()
        if self._stopped is not None and not self._stopped.called:
            self._stopped.callback(None)

    # What the factory says

    def stop(self) -> Deferred[None]:
        """Take in the lines that the kernel holds now, and no more; or go, if there is no name yet.

        A client that does not read its answers is not read either, and stops where it is.
        """
        self._stopped = Deferred()
        if self._session is None:
            self._close(b"")
        elif self._deaf or self._session.clogged:
            self.stopProducing()
        else:
            self._link.last_input().addCallback(lambda _: self._stop_behind_lines())
        return self._stopped

    def abort(self) -> None:
        """Stop at once, and close without waiting for anything."""
        self.stopProducing()
        self._link.abort()

    # Lines

    def _work(self) -> None:
        """Work lines off until there are none, or the broker says to pause."""
        if self._working:
            return
        self._working = True
        try:
            while self._lines and not self.paused and not self._deaf:
                self._work_off(self._lines.popleft())
        finally:
            self._working = False

    def _work_off(self, item: Line | _WhenWorkedOff) -> None:
        if isinstance(item, str | wire.WireError):
            self._handle(item)
        else:
            item()

    def _stop_behind_lines(self) -> None:
        self._lines.append(self.stopProducing)
        self._work()

    def _no_more_lines(self) -> None:
        if self._session is None:
            self._end_login("left without a name")
            self._close(b"")
        else:
            self._session.leave()

    def _log_in(self, line: Line) -> None:
        """The first line."""
        try:
            if isinstance(line, wire.WireError):
                raise wire.bad_name(f"{line.notice.word} {line.notice.detail}")
            login = wire.parse_login(line)
            self._session = self._broker.join(login.name, self._link, self)
        except wire.Refused as refusal:
            self._refuse(refusal)
        else:
            self._timer.cancel()
            self._handle = self._take_in

    def _take_in(self, line: Line) -> None:
        """Any line after the first."""
        session = self._session
        assert session is not None, "lines are taken in only after login"
        session.taken += 1
        try:
            if isinstance(line, wire.WireError):
                raise line
            request = wire.parse_line(line)
            if isinstance(request, wire.Post):
                session.post(request)
            else:
                commands.run(self._broker, session, request)
        except wire.WireError as error:
            session.tell(error.notice)
            self._complain(session.name, error)

    def _complain(self, name: str, error: wire.WireError) -> None:
        """Log a client's fault, once for each kind and connection."""
        if error.notice.word not in self._complaints:
            self._complaints.add(error.notice.word)
            self._log.info("{name} sent a line that was refused: {error}", name=name, error=error)

    # Before login

    def _time_out(self) -> None:
        wait = self._manners.login_timeout
        self._refuse(wire.bad_name(f"none came within {wait:g} seconds"))

    def _refuse(self, refusal: wire.Refused) -> None:
        self._end_login(f"was refused: {refusal}")
        self._close(self._manners.render(refusal.notice))

    def _end_login(self, what: str) -> None:
        if self._timer.active():
            self._timer.cancel()
        self._log.info("{peer} {what}", peer=self._link.peer, what=what)

    def _close(self, last: bytes) -> None:
        """Close a connection that has no session."""
        if self._timer.active():
            self._timer.cancel()
        self.stopProducing()
        self._link.finish(last)
