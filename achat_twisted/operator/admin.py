"""The operator's socket: one request a connection, and each is logged with its user."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import UNIXServerEndpoint
from twisted.internet.interfaces import (
    IHalfCloseableProtocol,
    IPushProducer,
    IReactorTime,
)
from twisted.internet.protocol import ServerFactory, connectionDone
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure
from zope.interface import implementer

from achat_twisted.net.listener import Listener
from achat_twisted.net.unix_sockets import UnixSockets
from achat_twisted.operator import actions, protocol
from achat_twisted.operator.console import Console
from achat_twisted.operator.protocol import Facts
from achat_twisted.tools.deadlines import Deadlines

TIMEOUT = 10.0
"""The seconds within which a request must come, and later its answer must be read."""

_SLICE = 100
"""The lines of an answer that are sent before others have their turn."""


@implementer(IPushProducer, IHalfCloseableProtocol)
class AdminConnection(LineOnlyReceiver):
    """One operator's connection: a request, its answer, and the end."""

    delimiter = b"\n"
    MAX_LENGTH = protocol.MAX_REQUEST
    _log = Logger()
    factory: AdminFactory
    transport: Any  # it has more than ITransport promises

    def __init__(self) -> None:
        self._answering: Deferred[None] | None = None
        self._room: Deferred[None] | None = None
        self._told = 0
        self._asked = ""

    def connectionMade(self) -> None:
        self.factory.open.add(self)
        self.factory.waiting.add(self)

    def dataReceived(self, data: bytes) -> None:
        if self._answering is None:  # anything after the request is dropped
            super().dataReceived(data)

    def lineReceived(self, line: bytes) -> None:
        if self._answering is None:
            self.factory.waiting.remove(self)
            self.transport.registerProducer(self, True)
            self._answering = Deferred.fromCoroutine(self._answer(line))

    def lineLengthExceeded(self, line: bytes) -> None:
        self.lineReceived(line)  # it is refused for its length

    def readConnectionLost(self) -> None:
        """Go on with the answer, unless nobody is there to read it; nothing more will be asked."""
        if self._answering is None:
            self.transport.loseConnection()
        elif self.factory.sockets.is_gone(self.transport):
            self.transport.abortConnection()

    def writeConnectionLost(self) -> None:
        """Never called: the connection is only ever closed as a whole."""

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.cut()
        self.factory.waiting.remove(self)
        self.factory.open.discard(self)

    def abort(self) -> None:
        """Close the connection now."""
        self.transport.abortConnection()

    def cut(self) -> None:
        """Cancel the action, if one is under way."""
        if self._answering is not None:
            self._answering.cancel()

    def pauseProducing(self) -> None:
        self._room = Deferred()
        self.factory.waiting.add(self)

    def resumeProducing(self) -> None:
        self.factory.waiting.remove(self)
        if self._room is not None:
            room, self._room = self._room, None
            if not room.called:
                room.callback(None)

    def stopProducing(self) -> None:
        """The connection is going; its protocol will hear of that."""

    async def _answer(self, line: bytes) -> None:
        server, why_not = self.factory, ""
        who = f"uid {server.sockets.peer_uid(self.transport)}"
        self._asked = f"{who} asked for something"
        try:
            request = protocol.parse_request(line)
            self._asked = f"{who} asked for {request}"
            await actions.run(request, server.console, self, server.clock)
        except protocol.NotDone as error:
            why_not = str(error)
        except CancelledError:
            why_not = "broken off"
        except Exception:
            why_not = "the server has failed; its log says how"
            self._log.failure("{asked}, which has failed", asked=self._asked)
        self.note(why_not or "done")
        self.transport.unregisterProducer()
        self.transport.write(protocol.render_end(why_not))
        self.transport.loseConnection()
        self.factory.waiting.add(self)

    def note(self, outcome: str) -> None:
        self._log.info("{asked}: {outcome}", asked=self._asked, outcome=outcome)

    async def tell(self, facts: Facts) -> None:
        self.transport.write(protocol.render_facts(facts))
        self._told += 1
        if self._room is not None:
            await self._room
        elif self._told % _SLICE == 0:
            await deferLater(self.factory.clock, 0)


class AdminFactory(ServerFactory):
    """Makes the connections of operators, and breaks off all actions when it is over.

    @ivar waiting: the connections that may take too long.
    @ivar open: all connections.
    """

    noisy = False
    protocol = AdminConnection  # type: ignore[assignment]  # as its factory is always this one

    def __init__(self, console: Console, clock: IReactorTime, sockets: UnixSockets) -> None:
        self.console = console
        self.clock = clock
        self.sockets = sockets
        self.waiting: Deadlines[AdminConnection] = Deadlines(clock, TIMEOUT, AdminConnection.abort)
        self.open: set[AdminConnection] = set()

    def stopFactory(self) -> None:
        for connection in list(self.open):
            connection.cut()


class AdminServer(Listener):
    """Listens on a unix socket that only its own user can reach, from start to stop."""

    greeting = "achat admin is answered on {where}"

    def __init__(self, path: Path, factory: AdminFactory) -> None:
        """@param path: the socket's path; its directory exists."""
        endpoint = UNIXServerEndpoint(factory.sockets, os.fspath(path), mode=0o600)
        super().__init__(endpoint, f"--admin {path}", factory, lambda _port: None)
