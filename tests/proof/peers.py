"""Peers: clients that outlive their connections, and lose nothing by that."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.error import ConnectError
from twisted.internet.interfaces import IDelayedCall, IPushProducer
from twisted.internet.protocol import connectionDone
from twisted.internet.task import deferLater
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure
from zope.interface import implementer

from achat_twisted import wire
from tests.proof.book import Book
from tests.proof.checker import Inbox
from tests.proof.sockets import ReadToTheEnd

RETRY = 0.05
"""Seconds between two attempts to connect."""


@implementer(IPushProducer)
class Connection(LineOnlyReceiver):
    """One connection of a peer: it floods from the peer's book, and notes what comes.

    @ivar welcome: whether it is logged in.
    @ivar lost: fires when it has ended.
    """

    delimiter = b"\n"
    transport: Any

    def __init__(self, reactor: Any, name: str, book: Book, inbox: Inbox, secret: str = "") -> None:
        self.welcome = False
        self.lost: Deferred[None] = Deferred()
        self._reactor = reactor
        self._name = name
        self._secret = secret
        self._book = book
        self._inbox = inbox
        self._may_send = False
        self._alarm: IDelayedCall | None = None

    def connectionMade(self) -> None:
        login = f"{self._name}:{self._secret}" if self._secret else self._name
        self.transport.write(f"{login}\n".encode())

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._may_send = self.welcome = False
        self._switch_alarm_off()
        self._book.reopen()
        self.lost.callback(None)

    def lineReceived(self, line: bytes) -> None:
        said = wire.parse_server_line(line.decode())
        if isinstance(said, wire.Message):
            numbers = dict(word.split("=") for word in said.text.split() if "=" in word)
            self._inbox.arrive(said.sender, int(numbers[self._name]))
        elif said.word == "welcome":
            self.welcome = True
            self.transport.registerProducer(self, True)
            self.resumeProducing()
        elif said.word in {"synced", "bye"}:
            self._book.settle(int(said.detail))
        elif said.word in {"kept", "unknown", "full"}:
            self._book.told[said.word] += int(said.detail.split()[-1])

    def doze(self, seconds: float) -> None:
        """Read nothing for a while, or until L{wake}."""
        self._switch_alarm_off()
        self.transport.pauseProducing()
        self._alarm = self._reactor.callLater(seconds, self.wake)

    def wake(self) -> None:
        self._switch_alarm_off()
        self.transport.resumeProducing()

    def quit(self) -> None:
        """Ask for the end; lines that are sent after this do not count."""
        self.transport.write(f"{self._book.command('/quit')}\n".encode())

    def half_close(self) -> None:
        """Send no more, and hear the rest."""
        self._may_send = False
        self.transport.unregisterProducer()
        self.transport.loseWriteConnection()

    def post(self) -> None:
        """There may be new lines."""
        if self._may_send:
            self.resumeProducing()

    def resumeProducing(self) -> None:
        self._may_send = True
        while self._may_send and (line := self._book.next_line()) is not None:
            self.transport.write(f"{line}\n".encode())

    def pauseProducing(self) -> None:
        self._may_send = False

    def stopProducing(self) -> None:
        self._may_send = False

    def _switch_alarm_off(self) -> None:
        if self._alarm is not None and self._alarm.active():
            self._alarm.cancel()


class Peer:
    """A name that is here whenever it can be, unless it is told to stay away.

    @ivar away: whether it stays away.
    """

    def __init__(self, reactor: Any, name: str, book: Book, secret: str = "") -> None:
        self.name = name
        self.book = book
        self.inbox = Inbox()
        self.away = False
        self._secret = secret
        self._reactor = reactor
        self._connection: Connection | None = None
        self._retired = False

    @property
    def here(self) -> bool:
        return self._here is not None

    @property
    def _here(self) -> Connection | None:
        """Its connection, if that is logged in."""
        return self._connection if self._connection and self._connection.welcome else None

    async def live(self, server: IPv4Address) -> None:
        """Connect, and again whenever the connection has ended, until L{retire}."""
        self._retired = False
        while not self._retired:
            if not self.away:
                endpoint = TCP4ClientEndpoint(ReadToTheEnd(self._reactor), server.host, server.port)
                self._connection = Connection(
                    self._reactor, self.name, self.book, self.inbox, self._secret
                )
                with suppress(ConnectError):
                    await connectProtocol(endpoint, self._connection)
                    await self._connection.lost
                self._connection = None
            await deferLater(self._reactor, RETRY)

    def doze(self, seconds: float) -> None:
        """Read nothing for a while."""
        if connection := self._here:
            connection.doze(seconds)

    def wake(self) -> None:
        """Read again, whatever is left of that while."""
        if connection := self._here:
            connection.wake()

    def post(self) -> None:
        """Post on, as the book has new lines."""
        if connection := self._here:
            connection.post()

    def half_close(self) -> None:
        """Send no more on this connection; when all has come, there is another."""
        if connection := self._here:
            connection.half_close()

    def leave(self) -> None:
        """Quit, and stay away until C{away} is no longer set."""
        self.away = True
        if connection := self._here:
            connection.quit()

    def retire(self) -> None:
        """Do not come back when this connection has ended."""
        self._retired = True
