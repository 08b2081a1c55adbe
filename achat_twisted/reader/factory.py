"""The factory: a reader for each connection, and their end when the server stops."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import IAddress, IReactorTime, ITransport
from twisted.internet.protocol import ServerFactory

from achat_twisted.broker.interfaces import IBroker
from achat_twisted.limits.admission import Admission
from achat_twisted.net.interfaces import ILink
from achat_twisted.reader.lines import ChatReader, Manners
from achat_twisted.tools.deadlines import Deadlines
from achat_twisted.tools.interfaces import IMeter
from achat_twisted.tools.meter import NO_METER

LAST_CALL = 1.0
"""Seconds that a newly connected client has to say its name once the server is stopping."""


class ChatFactory(ServerFactory):
    """Makes readers, and knows the ones whose connection is open."""

    noisy = False

    def __init__(
        self,
        broker: IBroker,
        clock: IReactorTime,
        manners: Manners,
        make_link: Callable[[ITransport], ILink],
        admission: Admission,
        meter: IMeter = NO_METER,
    ) -> None:
        """@param make_link: gives the link over a connection's transport."""
        self._broker = broker
        self._clock = clock
        self.expect(manners)
        self._make_link = make_link
        self._admission = admission
        self._meter = meter
        self._readers: set[ChatReader] = set()
        self._stopping = False
        self._empty: Deferred[None] | None = None

    def expect(self, manners: Manners) -> None:
        """Ask this of all clients that connect from now on."""
        self._manners = manners
        # Clients that are waited for already keep the deadline that they were given.
        self._logins: Deadlines[ChatReader] = Deadlines(
            self._clock, manners.login_timeout, ChatReader.login_late
        )

    def buildProtocol(self, addr: IAddress | None) -> ChatReader | None:
        """A reader; None when the server stops, which closes the connection."""
        if self._stopping:
            return None
        return ChatReader(
            self._broker,
            self._admission,
            self._logins,
            self._manners,
            self._make_link,
            on_open=self._readers.add,
            on_gone=self._gone,
            meter=self._meter,
        )

    @property
    def connections(self) -> int:
        """The number that are open, with a name or without."""
        return len(self._readers)

    def stop_reading(self) -> Deferred[list[None]]:
        """Let nobody in any more; connections that stay without a name are closed.

        @return: fires when every reader has taken in what its client had sent by now.
        """
        self._stopping = True
        self._admission.stop()
        stopped = [reader.stop() for reader in list(self._readers)]
        for logins in {reader.logins for reader in self._readers}:  # more than one after L{expect}
            logins.hasten(LAST_CALL)
        return gatherResults(stopped)

    def cut_reading_short(self) -> None:
        """Let the readers stop where they are."""
        for reader in list(self._readers):
            reader.cut_short()

    def abort(self) -> None:
        """Close every connection without waiting for anything."""
        for reader in list(self._readers):
            reader.abort()

    def give_up(self) -> None:
        """Count no connection as open any more."""
        for reader in list(self._readers):
            self._gone(reader)

    def empty(self) -> Deferred[None]:
        """Fires when no connection is open."""
        self._empty = Deferred()
        self._check_empty()
        return self._empty

    def _gone(self, reader: ChatReader) -> None:
        self._readers.discard(reader)
        self._check_empty()

    def _check_empty(self) -> None:
        if self._empty is not None and not self._empty.called and not self._readers:
            self._empty.callback(None)
