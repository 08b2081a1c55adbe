"""The factory: a reader for each connection, and their end when the server stops."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import IAddress, IReactorTime, ITransport
from twisted.internet.protocol import ServerFactory

from achat_twisted.broker.interfaces import IBroker
from achat_twisted.limits.admission import Admission
from achat_twisted.net import link
from achat_twisted.net.interfaces import ILink
from achat_twisted.reader.arrival import Entrance
from achat_twisted.reader.lines import ChatReader
from achat_twisted.reader.terms import Terms
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
        terms: Terms,
        admission: Admission,
        meter: IMeter = NO_METER,
        make_link: Callable[[ITransport, IReactorTime], ILink] = link.over,
    ) -> None:
        """@param make_link: gives the link over a connection's transport; by default, that over a
        stream socket.
        """
        self._broker = broker
        self._clock = clock
        self._admission = admission
        self._meter = meter
        self._make_link = make_link
        self.expect(terms)
        self._readers: set[ChatReader] = set()
        self._stopping = False
        self._empty: Deferred[None] | None = None

    def expect(self, terms: Terms) -> None:
        """Ask this of all clients that connect from now on.

        Those that are waited for already keep the deadline that they were given.
        """
        self._entrance = Entrance(self._clock, terms, self._admission, self._meter)

    def buildProtocol(self, addr: IAddress | None) -> ChatReader | None:
        """A reader; None when the server stops, which closes the connection."""
        return None if self._stopping else ChatReader(self, self._broker, self._entrance)

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
        for entrance in {reader.entrance for reader in self._readers}:  # several after L{expect}
            entrance.logins.hasten(LAST_CALL)
        return gatherResults(stopped)

    def cut(self) -> None:
        """Let the readers stop where they are."""
        for reader in list(self._readers):
            reader.cut()

    def abort(self) -> None:
        """Close every connection without waiting for anything."""
        for reader in list(self._readers):
            reader.abort()

    def forget(self) -> None:
        """Stop counting connections as open."""
        for reader in list(self._readers):
            self.gone(reader)

    def empty(self) -> Deferred[None]:
        """Fires when no connection is open."""
        self._empty = Deferred()
        self._check_empty()
        return self._empty

    # Calls from the readers

    def link(self, transport: ITransport) -> ILink:
        return self._make_link(transport, self._clock)

    def opened(self, reader: ChatReader) -> None:
        self._readers.add(reader)

    def gone(self, reader: ChatReader) -> None:
        self._readers.discard(reader)
        self._check_empty()

    def _check_empty(self) -> None:
        if self._empty is not None and not self._empty.called and not self._readers:
            self._empty.callback(None)
