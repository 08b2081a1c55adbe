"""The reader: a connection's lines, on their way in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IHalfCloseableProtocol, IPushProducer
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.protocols.basic import LineReceiver
from twisted.python.failure import Failure
from zope.interface import implementer

from achat_twisted import wire
from achat_twisted.broker.interfaces import IBroker, ISession
from achat_twisted.net.interfaces import ILink, IProxied
from achat_twisted.reader import commands, runs
from achat_twisted.reader.arrival import Arrival, Entrance
from achat_twisted.reader.interfaces import Home, IReader
from achat_twisted.wire import framing
from achat_twisted.wire.foreign import PROXY
from achat_twisted.wire.framing import SLICE, Block, LineSplitter
from achat_twisted.wire.tags import Opening

_Item = framing.Item | Callable[[], None]
"""Work that waits: lines, a fault in place of one, or a call to make after them."""


@implementer(IHalfCloseableProtocol, IProxied, IPushProducer, IReader)
class ChatReader(LineReceiver):
    """Reads one connection: first a login, which its L{Arrival} sees to, then lines for the broker.

    With the login the link goes to the broker, and from then on the reader neither writes nor
    closes; it only says when there is no more input. Its lines are cut by L{LineSplitter}, as
    C{LineReceiver} itself drops a connection over a line that is too long, and copies the rest of a
    chunk for each line in it. They come in blocks, and a block is taken in as a whole if it can be:
    a run of lines for the same recipients, which have room for it. Otherwise it is taken apart, and
    the broker can pause it between two lines.

    @ivar entrance: the way in, with the terms that it connected under.
    """

    delimiter = b"\n"
    _log = Logger()
    transport: Any  # as it has more than ITransport promises
    _link: ILink
    _arrival: Arrival

    def __init__(self, home: Home[ChatReader], broker: IBroker, entrance: Entrance) -> None:
        self._home = home
        self._broker = broker
        self.entrance = entrance
        self._terms = entrance.terms
        self._splitter = LineSplitter(entrance.terms.max_line)
        self._waiting: list[_Item] = []  # the first of them last
        self._session: ISession | None = None
        self._working = self.paused = self._deaf = False
        self._is_leaving = False  # the connection is lost, and what had come is still worked off
        self._stopped: Deferred[None] | None = None
        self._complaints: tuple[str, ...] = ()

    # Calls from the transport

    def connectionMade(self) -> None:
        self._link = self._home.link(self.transport)
        self._arrival = Arrival(self, self._link, self.entrance)
        self._home.opened(self)
        self._arrival.begin()

    def dataReceived(self, data: bytes) -> None:
        if self._deaf:
            return
        session = self._session
        if session is not None and self._splitter.is_between and not (self._waiting or self.paused):
            # A line that comes alone, with nothing before it, needs none of what keeps lines in
            # order: 13 of its calls, and 0.6 of 1.9 µs, timed by itself (benchmarks.steps).
            post = wire.parse_alone(data, self._terms.max_line)
            if post is not None:
                session.taken += 1
                self._broker.post(session, post)
                if session.taken > session.allowance.lines:
                    session.overdrawn()
                return
        self._work(self._splitter.feed(data))

    def introduced(self, why_not: str = "") -> None:
        if not self._deaf:
            self._arrival.introduced(why_not)

    def readConnectionLost(self) -> None:
        """The client has half-closed: when its lines are worked off, it leaves.

        A client that numbers its lines may have died in the middle of one, and says it again.
        """
        if not self._deaf:
            rest = self._splitter.finish()
            if self._session is not None and self._session.is_numbered:
                rest = []
            self._work([*rest, self._no_more_lines])

    def writeConnectionLost(self) -> None:
        """The writer is done, and the link lingers."""

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._session is None and not self._deaf:
            self._arrival.lost(is_silent=not self._splitter.finish())
        if self._session is None or self._deaf:
            self._go()
        else:
            self._is_leaving = True
            self._session.connection_lost()
            self._session.rest()

    # Calls from the arrival

    def join(self, name: str, opening: Opening) -> ISession:
        session = self._session = self._broker.join(name, self._link, self, opening)
        if self._stopped is not None:
            session.last_call()
            self._take_last_input()
        return session

    # Calls from the broker

    @property
    def has_spoken(self) -> bool:
        has_waiting = any(not callable(item) for item in self._waiting)
        return has_waiting or not self._splitter.is_between or self._link.has_input

    def resumeProducing(self) -> None:
        if self._is_leaving and self._session is not None:
            self._work_off_rest(self._session)
        elif not self._deaf:
            super().resumeProducing()

    def stopProducing(self) -> None:
        self._deaf = True
        self._waiting.clear()
        self.transport.pauseProducing()
        self._arrival.cancel()
        if self._stopped is not None and not self._stopped.called:
            self._stopped.callback(None)

    # Calls from the factory

    def stop(self) -> Deferred[None]:
        """Take in the lines that the kernel holds now, and no more.

        A client that does not read its answers is not read either, and stops where it is; so does
        one that has sent too much. One without a name has just been accepted, so its name is waited
        for, until L{Arrival.late}.
        """
        self._stopped = Deferred()
        if self._is_leaving:
            return self._stopped  # fires when the rest is worked off
        if self._deaf or (self._session is not None and not self._session.last_call()):
            self.stopProducing()
        elif self._session is not None:
            self._take_last_input()
        else:
            self._arrival.last_call()
        return self._stopped

    def cut(self) -> None:
        """Stop at once, and go, if there is no name yet."""
        if self._session is None and not self._deaf:
            self._arrival.close()
        else:
            self.stopProducing()

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
            left = SLICE
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
        if session is not None and session.taken > session.allowance.lines:
            session.overdrawn()

    def _work_off_rest(self, session: ISession) -> None:
        """Take in what had come when the connection was lost, a slice a turn; and then go.

        One that has sent more than it may has no right to that: so a client that floods and breaks
        off costs no more than one that stays.
        """

        def has_more() -> bool:
            is_allowed = session.taken <= session.allowance.lines
            return bool(self._waiting) and is_allowed and not self._deaf

        left = SLICE
        try:
            while left and has_more():
                self._work_off(self._waiting.pop())
                left -= 1
        except BaseException:
            self._waiting.clear()
            raise
        finally:
            if has_more():
                session.rest()
            else:
                self._go()

    def _go(self) -> None:
        self._is_leaving = False
        self._link.connection_lost()
        self.stopProducing()
        self._arrival.gone()
        self._home.gone(self)

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
            self._arrival.end_of_input()
        else:
            self._session.drain()

    def _log_in(self, block: Block) -> None:
        """Take in the first line, and leave what comes with it for later."""
        line, _, rest = block.partition("\n")
        if rest:
            self._waiting.append(rest)
        self._arrival.log_in(line)

    def _take_in(self, block: Block, session: ISession) -> None:
        if "\n" in block[:-1]:
            left = runs.take_in(self._broker, session, block, self._terms.recipients)
            self._waiting += reversed(left)
            return
        session.taken += 1
        try:
            request = wire.parse_line(block, self._terms.recipients)
            if isinstance(request, wire.Post):
                self._broker.post(session, request)
            else:
                session.commands += 1
                commands.run(self._broker, session, request)
        except wire.WireError as error:
            error.is_command = block[0] == "/"
            self._answer_fault(error, session)

    def _take_in_fault(self, error: wire.WireError) -> None:
        if self._session is None:
            self._arrival.take_in_fault(error)
        else:
            self._session.taken += 1
            self._session.commands += error.is_command
            self._answer_fault(error, self._session)

    def _answer_fault(self, error: wire.WireError, session: ISession) -> None:
        """Tell the client; and the log, once for each kind and connection."""
        session.refuse(error)
        if error.notice.word not in self._complaints:
            self._complaints += (error.notice.word,)
            self._log.info(
                "{name} sent a line that was refused: {reason}",
                name=session.name,
                peer=self._link.peer,
                reason=str(error),
            )
