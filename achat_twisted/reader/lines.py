"""The reader: a connection's lines, on their way in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IHalfCloseableProtocol,
    IPushProducer,
    ITransport,
)
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.protocols.basic import LineReceiver
from twisted.python.failure import Failure
from zope.interface import implementer

from achat_twisted import wire
from achat_twisted.broker.interfaces import IBroker, ISession
from achat_twisted.limits.admission import Admission
from achat_twisted.login.gate import OPEN
from achat_twisted.login.interfaces import IGate
from achat_twisted.net.interfaces import ILink, IProxied
from achat_twisted.reader import commands
from achat_twisted.tools.deadlines import Deadlines
from achat_twisted.tools.interfaces import IMeter
from achat_twisted.tools.meter import NO_METER
from achat_twisted.wire import framing
from achat_twisted.wire.foreign import PROXY
from achat_twisted.wire.framing import Block, LineSplitter

LOGIN_TIMEOUT = 30.0
"""Seconds in which the first line must come, unless the server is told otherwise."""


_Item = framing.Item | Callable[[], None]
"""Work that waits: lines, a fault in place of one, or a call to make after them."""

_AT_ONCE = 500
"""The number of items worked off until others have their turn: single lines, or whole runs."""


@dataclass(frozen=True, slots=True)
class Manners:
    """The terms for every client, and the rendering of notices; C{gate} says who may enter."""

    max_line: int = wire.MAX_LINE
    recipients: int = wire.MAX_RECIPIENTS
    login_timeout: float = LOGIN_TIMEOUT
    render: Callable[[wire.Notice], bytes] = wire.render_notice
    gate: IGate = OPEN


@implementer(IHalfCloseableProtocol, IProxied, IPushProducer)
class ChatReader(LineReceiver):
    """Reads one connection: first a login, then lines for the broker.

    Until login the link is its own. With the login the link goes to the broker, and from then on
    the reader neither writes nor closes; it only says when there is no more input.

    The lines are cut by L{LineSplitter}, as C{LineReceiver} itself drops a connection over a line
    that is too long, and copies the rest of a chunk for each line in it. They come in blocks, and
    a block is taken in as a whole if it can be: a run of lines for the same recipients, which have
    room for it. Otherwise it is taken apart, and the broker can pause it between two lines.
    """

    delimiter = b"\n"
    _log = Logger()
    transport: Any  # as it has more than ITransport promises
    _link: ILink

    def __init__(
        self,
        broker: IBroker,
        admission: Admission,
        logins: Deadlines[ChatReader],
        manners: Manners,
        make_link: Callable[[ITransport], ILink],
        on_open: Callable[[ChatReader], None],
        on_gone: Callable[[ChatReader], None],
        meter: IMeter = NO_METER,
    ) -> None:
        """@param logins: calls L{login_late} unless the login comes in time.
        @param on_open: called with this reader when its connection is made.
        @param on_gone: called with it when the connection is no more.
        """
        self._broker = broker
        self._admission = admission
        self.logins = logins
        self._manners = manners
        self._make_link = make_link
        self._on_open = on_open
        self._on_gone = on_gone
        self._meter = meter
        self._splitter = LineSplitter(manners.max_line)
        self._waiting: list[_Item] = []  # the first of them last
        self._session: ISession | None = None
        self._entering: Deferred[str] | None = None
        self._working = False
        self.paused = False
        self._deaf = False
        self._is_leaving = False  # the connection is lost, and what had come is still worked off
        self._stopped: Deferred[None] | None = None
        self._complaints: tuple[str, ...] = ()

    # Calls from the transport

    def connectionMade(self) -> None:
        self._link = self._make_link(self.transport)
        self._manners.gate.greet(self._link)
        self._on_open(self)
        self.logins.add(self)
        self._origin = self._link.origin
        self._admit()

    def dataReceived(self, data: bytes) -> None:
        if self._deaf:
            return
        session = self._session
        if session is not None and self._splitter.is_between and not (self._waiting or self.paused):
            # A line that comes alone, with nothing before it, needs none of what keeps lines in
            # order: 13 of its calls, and 0.6 of 1.9 µs, timed by itself (benchmarks.steps).
            post = wire.parse_alone(data, self._manners.max_line)
            if post is not None:
                session.taken += 1
                self._broker.post(session, post)
                if session.taken > session.allowance.lines:
                    session.overdrawn()
                return
        self._work(self._splitter.feed(data))

    def introduced(self) -> None:
        if not self._deaf:
            self._is_admitted()

    def not_introduced(self, why: str) -> None:
        if not self._deaf and self._is_admitted():
            self._refuse_stranger(f"this port is for a proxy, but {why}")

    def readConnectionLost(self) -> None:
        """The client has half-closed: when its lines are worked off, it leaves."""
        if not self._deaf:
            self._work([*self._splitter.finish(), self._no_more_lines])

    def writeConnectionLost(self) -> None:
        """The writer is done, and the link lingers."""

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._session is None and not self._deaf:
            if self._entering:
                self._end_login("left", "{peer} left before it was let in")
            elif self._splitter.finish():
                self._end_login("left", "{peer} left without a name")
            else:
                self._left_silent()
        if self._session is None or self._deaf:
            self._go()
        else:
            self._is_leaving = True
            self._session.connection_lost()
            self._session.rest()

    # Calls from the broker

    def resumeProducing(self) -> None:
        if self._is_leaving and self._session is not None:
            self._work_off_rest(self._session)
        elif not self._deaf:
            super().resumeProducing()

    def stopProducing(self) -> None:
        """Take in no more lines, not even those that are here."""
        self._deaf = True
        self._waiting.clear()
        self.transport.pauseProducing()
        if self._entering is not None:
            self._entering.cancel()
        if self._stopped is not None and not self._stopped.called:
            self._stopped.callback(None)

    # Calls from the factory

    def stop(self) -> Deferred[None]:
        """Take in the lines that the kernel holds now, and no more.

        A client that does not read its answers is not read either, and stops where it is; so does
        one that has sent too much. One without a name has just been accepted, so its name is waited
        for, until L{login_late}.
        """
        self._stopped = Deferred()
        if self._is_leaving:
            return self._stopped  # fires when the rest is worked off
        if self._deaf or (self._session is not None and not self._session.last_call()):
            self.stopProducing()
        elif self._session is not None:
            self._take_last_input()
        elif self._entering is not None:
            self.logins.add(self)
        return self._stopped

    def cut_short(self) -> None:
        """Stop at once, and go, if there is no name yet."""
        if self._session is None and not self._deaf:
            self._close(b"")
        else:
            self.stopProducing()

    def login_late(self) -> None:
        """No name has come in time."""
        if self._stopped is not None:
            self._close(b"")
            return
        wait = self._manners.login_timeout
        self._refuse(wire.bad_name(f"none came within {wait:g} seconds"), "timeout")

    def abort(self) -> None:
        """Stop at once, and close without waiting for anything."""
        self.stopProducing()
        self._link.abort()

    def _take_last_input(self) -> None:
        self._link.last_input().addCallback(lambda _: self._work([self.stopProducing]))

    # Lines

    def _work(self, items: Sequence[_Item]) -> None:
        """Work off what waits, and then C{items}, until the broker says to pause."""
        self._waiting = [*reversed(items), *self._waiting]
        if self._working:
            return
        self._working = True
        try:
            left = _AT_ONCE
            while self._waiting and not self.paused and not self._deaf:
                item = self._waiting.pop()
                if isinstance(item, str) and self._session is not None:
                    self._take_in(item, self._session)
                else:
                    self._work_off(item)
                left -= 1
                if not left and self._session is not None:
                    self._session.rest()
        finally:
            self._working = False
        session = self._session
        # As in L{_has_overdrawn}, which would be one call more for each line that comes alone.
        if session is not None and session.taken > session.allowance.lines:
            session.overdrawn()

    def _work_off_rest(self, session: ISession) -> None:
        """Take in what had come when the connection was lost, a slice a turn; and then go."""
        left = _AT_ONCE
        try:
            while left and self._waiting and not (self._deaf or self._has_overdrawn()):
                self._work_off(self._waiting.pop())
                left -= 1
        except BaseException:
            self._waiting.clear()
            raise
        finally:
            if self._waiting and not (self._deaf or self._has_overdrawn()):
                session.rest()
            else:
                self._go()

    def _go(self) -> None:
        """Let everybody know that the connection is no more."""
        self._is_leaving = False
        self._link.connection_lost()
        self.stopProducing()
        self._admission.leave(self._origin)
        self._on_gone(self)

    def _has_overdrawn(self) -> bool:
        """Tell if more lines were taken in than the client may send; it has no right to the rest.

        So a client that floods and breaks off costs no more than one that stays.
        """
        session = self._session
        return session is not None and session.taken > session.allowance.lines

    def _work_off(self, item: _Item) -> None:
        if isinstance(item, str):
            if self._session is None:
                self._log_in(item)
            else:
                self._take_in(item, self._session)
        elif isinstance(item, bytes):
            if self._session is None and item.startswith(PROXY):
                self._take_in_fault(wire.Foreign("PROXY"))
            else:
                self._waiting += reversed(self._splitter.look(item))
        elif isinstance(item, wire.WireError):
            self._take_in_fault(item)
        else:
            item()

    def _no_more_lines(self) -> None:
        if self._session is None:
            self._left_silent()
            self._close(b"")
        else:
            self._session.drain()

    def _log_in(self, block: Block) -> None:
        """Take in the first line, and leave what comes with it for later."""
        line, _, rest = block.partition("\n")
        if rest:
            self._waiting.append(rest)
        if not self._is_admitted():
            return
        try:
            login = wire.parse_login(line)
            entering = self._manners.gate.enter(login, self._link)
            if entering is None:
                self._join(login.name)
            else:
                self._wait_for(entering)
        except wire.Foreign as error:
            self._refuse_stranger(error.notice.detail)
        except wire.Refused as refusal:
            if line.strip():
                self._refuse(refusal)
            else:  # as health checks send
                self._refuse_stranger(refusal.notice.detail)

    def _join(self, name: str) -> ISession:
        session = self._session = self._broker.join(name, self._link, self)
        self.logins.remove(self)
        self._meter.login("welcome")
        if self._stopped is not None:
            session.last_call()
            self._take_last_input()
        return session

    def _wait_for(self, entering: Deferred[str]) -> None:
        """Take in nothing until the gate has said who this is; what comes meanwhile waits."""
        self._entering = entering
        if self._stopped is None:  # or else there is little time, and not for each step anew
            self.logins.remove(self)
        self.pauseProducing()
        entering.addCallbacks(self._enter, self._not_entered).addErrback(self._cannot_enter)

    def _enter(self, name: str) -> None:
        self._entering = None
        try:
            session = self._join(name)
        except wire.Refused as refusal:
            self._refuse(refusal)
        else:
            session.rest()

    def _not_entered(self, failure: Failure) -> None:
        self._entering = None
        if not self._deaf:  # or else it was cancelled
            failure.trap(wire.Refused)
            self._refuse(cast(wire.Refused, failure.value))

    def _cannot_enter(self, failure: Failure) -> None:
        self._log.failure("{peer} cannot be let in", failure, peer=self._link.peer)
        self.abort()

    def _take_in(self, block: Block, session: ISession) -> None:
        """Take in lines after the first."""
        if "\n" in block[:-1]:
            self._take_in_run(block, session)
            return
        session.taken += 1
        try:
            request = wire.parse_line(block, self._manners.recipients)
            if isinstance(request, wire.Post):
                self._broker.post(session, request)
            else:
                commands.run(self._broker, session, request)
        except wire.WireError as error:
            self._answer_fault(error, session)

    def _take_in_run(self, block: Block, session: ISession) -> None:
        """Take in several lines: as one; or some as one for each recipient, or else one by one."""
        most = self._manners.recipients
        run = wire.parse_run(block, most)
        if run is not None and self._broker.post_run(session, [run]):
            session.taken += block.count("\n")
            return
        count = block.count("\n")
        if count > _AT_ONCE:
            # A line by itself takes 50 bytes more, and what comes later may wait for long.
            later = block.split("\n", _AT_ONCE)[-1]
            block = block.removesuffix(later)
            self._waiting.append(later)
            count = _AT_ONCE
        posts = wire.parse_several(block, most) if run is None else None
        if posts is not None and self._broker.post_run(session, posts):
            session.taken += count
        else:
            self._waiting.extend(reversed(block.splitlines(keepends=True)))

    def _take_in_fault(self, error: wire.WireError) -> None:
        """Take in a fault that stands in place of a line."""
        if self._session is None:
            kind = "" if isinstance(error, wire.Foreign) else f"{error.notice.word} "
            self._refuse_stranger(f"{kind}{error.notice.detail}")
        else:
            self._session.taken += 1
            self._answer_fault(error, self._session)

    def _answer_fault(self, error: wire.WireError, session: ISession) -> None:
        """Tell the client; and the log, once for each kind and connection."""
        session.tell(error.notice)
        if error.notice.word not in self._complaints:
            self._complaints += (error.notice.word,)
            self._log.info(
                "{name} sent a line that was refused: {reason}",
                name=session.name,
                peer=self._link.peer,
                reason=str(error),
            )

    # Before login

    def _admit(self) -> bool:
        """Count the connection for its origin; True if it may stay."""
        refusal = self._admission.enter(self._origin, self._link.local)
        if refusal is None:
            return True
        self._meter.login("busy")
        if refusal.is_told:
            self._close(self._manners.render(wire.busy(refusal.why).notice))
        else:
            self.logins.remove(self)
            self.abort()
        return False

    def _is_admitted(self) -> bool:
        """Tell if it may stay; behind a proxy, it is known only once the proxy has introduced it.

        The first line may come together with that, and is looked at before L{introduced}.
        """
        if self._origin or not self._link.origin:
            return True
        self._admission.leave(self._origin)
        self._origin = self._link.origin
        return self._admit()

    def _refuse(self, refusal: wire.Refused, outcome: str = "", *, is_quiet: bool = False) -> None:
        word = outcome or refusal.notice.word
        event = "{peer} was refused: {reason}"
        self._end_login(word, event, is_quiet=is_quiet, reason=str(refusal))
        self._close(self._manners.render(refusal.notice))

    def _refuse_stranger(self, why: str) -> None:
        """Refuse a first line that no achat client sends; crowds do, so the log has totals."""
        refusal = wire.bad_name(why)
        kind = str(refusal)
        self._admission.refused(self._origin, f"{kind}, from {self._link.peer}", kind)
        self._refuse(refusal, is_quiet=True)

    def _left_silent(self) -> None:
        """Note silence: a health check by a proxy or a monitor, perhaps every few seconds."""
        self._end_login("left", "{peer} left without a word", is_quiet=True)

    def _end_login(
        self, outcome: str, event: str, *, is_quiet: bool = False, **fields: str
    ) -> None:
        """@param is_quiet: True for what operators need to see only if they have asked for it."""
        self.logins.remove(self)
        self._meter.login(outcome)
        log = self._log.debug if is_quiet else self._log.info
        log(event, peer=self._link.peer, **fields)

    def _close(self, last: bytes) -> None:
        """Close a connection that has no session."""
        self.logins.remove(self)
        self.stopProducing()
        self._link.finish(last)
