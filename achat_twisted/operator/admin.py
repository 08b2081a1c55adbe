"""The operator's socket: one request a connection, and each is logged with its user."""

from __future__ import annotations

import select
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import (
    IAddress,
    IHalfCloseableProtocol,
    IListeningPort,
    IPushProducer,
    IReactorTime,
    ITransport,
)
from twisted.internet.protocol import ServerFactory, connectionDone
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure
from zope.interface import implementer

from achat_twisted.net.unix_sockets import UnixSockets
from achat_twisted.operator import actions, protocol
from achat_twisted.operator.interfaces import IHousekeeper, Row
from achat_twisted.tools.deadlines import Deadlines
from achat_twisted.tools.errors import CannotStart

PATIENCE = 10.0
"""The seconds within which a request must come, and later its answer must be read."""

_AT_ONCE = 100
"""The rows that are sent before others have their turn."""

_CREDENTIALS = struct.Struct("iII")
"""The kernel's C{struct ucred}: process, user and group of the other end, see C{unix(7)}."""


def peer_uid(transport: Any) -> int:
    """The user at the other end of a unix socket, as the kernel knows it."""
    connection: socket.socket = transport.getHandle()
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, uid, _ = _CREDENTIALS.unpack(credentials)
    return int(uid)


def is_gone(transport: Any) -> bool:
    """Tell if the other end of a unix socket, which writes no more, does not read any more."""
    poll = select.poll()
    poll.register(transport.getHandle(), 0)  # a hangup is always reported
    return bool(poll.poll(0))


@implementer(IPushProducer, IHalfCloseableProtocol)
class AdminConnection(LineOnlyReceiver):
    """One operator's connection: a request, its answer, and the end."""

    delimiter = b"\n"
    MAX_LENGTH = protocol.MAX_REQUEST
    _log = Logger()
    transport: Any  # it has more than ITransport promises

    def __init__(
        self,
        housekeeper: IHousekeeper,
        clock: Any,
        waiting: Deadlines[AdminConnection],
        uid: Callable[[ITransport], int],
        on_gone: Callable[[AdminConnection], None],
        is_gone: Callable[[ITransport], bool] = is_gone,
    ) -> None:
        """@param waiting: calls L{late} for connections that take too long.
        @param uid: returns the user at the other end of a connection.
        @param on_gone: called with this one when the connection is gone.
        @param is_gone: tells if an end that writes no more does not read any more.
        """
        self._housekeeper = housekeeper
        self._clock = clock
        self._waiting = waiting
        self._uid = uid
        self._on_gone = on_gone
        self._is_gone = is_gone
        self._answering: Deferred[None] | None = None
        self._room: Deferred[None] | None = None
        self._told = 0
        self._asked = ""

    def connectionMade(self) -> None:
        self._waiting.add(self)

    def dataReceived(self, data: bytes) -> None:
        if self._answering is None:  # anything after the request is dropped
            super().dataReceived(data)

    def lineReceived(self, line: bytes) -> None:
        if self._answering is None:
            self._waiting.remove(self)
            self.transport.registerProducer(self, True)
            self._answering = Deferred.fromCoroutine(self._answer(line))

    def lineLengthExceeded(self, line: bytes) -> None:
        self.lineReceived(line)  # it is refused for its length

    def readConnectionLost(self) -> None:
        """Go on with the answer, unless nobody is there to read it; nothing more will be asked."""
        if self._answering is None:
            self.transport.loseConnection()
        elif self._is_gone(self.transport):
            self.transport.abortConnection()

    def writeConnectionLost(self) -> None:
        """Never called: the connection is only ever closed as a whole."""

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.break_off()
        self._waiting.remove(self)
        self._on_gone(self)

    def late(self) -> None:
        """Abort the connection, which has taken too long."""
        self.transport.abortConnection()

    def break_off(self) -> None:
        """Cancel the action, if one is under way."""
        if self._answering is not None:
            self._answering.cancel()

    def pauseProducing(self) -> None:
        self._room = Deferred()
        self._waiting.add(self)

    def resumeProducing(self) -> None:
        self._waiting.remove(self)
        if self._room is not None:
            room, self._room = self._room, None
            if not room.called:
                room.callback(None)

    def stopProducing(self) -> None:
        """The connection is going; its protocol will hear of that."""

    async def _answer(self, line: bytes) -> None:
        who, why_not = f"uid {self._uid(self.transport)}", ""
        self._asked = f"{who} asked for something"
        try:
            request = protocol.parse_request(line)
            self._asked = f"{who} asked for {request}"
            await actions.run(request, self._housekeeper, self._tell, self._note, self._clock)
        except protocol.Refused as error:
            why_not = str(error)
        except CancelledError:
            why_not = "broken off"
        except Exception:
            why_not = "the server has failed; its log says how"
            self._log.failure("{asked}, which has failed", asked=self._asked)
        self._note(why_not or "done")
        self.transport.unregisterProducer()
        self.transport.write(protocol.render_end(why_not))
        self.transport.loseConnection()
        self._waiting.add(self)

    def _note(self, outcome: str) -> None:
        self._log.info("{asked}: {outcome}", asked=self._asked, outcome=outcome)

    async def _tell(self, row: Row) -> None:
        self.transport.write(protocol.render_row(row))
        self._told += 1
        if self._room is not None:
            await self._room
        elif self._told % _AT_ONCE == 0:
            await deferLater(self._clock, 0)


class AdminServer(ServerFactory, Service):
    """Listens on a unix socket that only its own user can reach, from start to stop."""

    noisy = False
    _log = Logger()
    _port: IListeningPort | None = None

    def __init__(
        self,
        path: Path,
        housekeeper: IHousekeeper,
        clock: IReactorTime,
        sockets: UnixSockets,
        uid: Callable[[ITransport], int] = peer_uid,
        is_gone: Callable[[ITransport], bool] = is_gone,
    ) -> None:
        """@param path: the socket's path; its directory exists."""
        self._path = path
        self._housekeeper = housekeeper
        self._clock = clock
        self._sockets = sockets
        self._uid = uid
        self._is_gone = is_gone
        self._waiting: Deadlines[AdminConnection] = Deadlines(clock, PATIENCE, AdminConnection.late)
        self._open: set[AdminConnection] = set()

    def privilegedStartService(self) -> None:
        """Listen.

        @raise CannotStart: if that is not possible.
        """
        super().privilegedStartService()
        try:
            self._port = self._sockets.listenUNIX(str(self._path), self, mode=0o600)
        except CannotListenError as error:
            why = error.socketError
            raise CannotStart(f"achat: cannot listen on --admin {self._path}: {why}") from None

    def startService(self) -> None:
        super().startService()
        self._log.info("achat admin is answered on {path}", path=self._path)

    def stopService(self) -> Deferred[None]:
        """Close the socket, and break off all actions under way."""
        super().stopService()
        for connection in list(self._open):
            connection.break_off()
        if self._port is None:
            return succeed(None)
        port, self._port = self._port, None
        return port.stopListening() or succeed(None)

    def buildProtocol(self, addr: IAddress | None) -> AdminConnection:
        connection = AdminConnection(
            self._housekeeper,
            self._clock,
            self._waiting,
            self._uid,
            self._open.discard,
            self._is_gone,
        )
        self._open.add(connection)
        return connection
