"""The contracts of a reader: with the arrival that logs it in, and with the factory it is from."""

from __future__ import annotations

from typing import Protocol, TypeVar

from twisted.internet.interfaces import ITransport

from achat_twisted.broker.interfaces import ISession, ISource
from achat_twisted.net.interfaces import ILink
from achat_twisted.wire.tags import Opening


class IReader(ISource):
    """A connection's reader, as its arrival sees it."""

    def join(name: str, opening: Opening) -> ISession:
        """Log in at the broker, which has the link from now on.

        @raise wire.Refused: if the broker does not take it.
        """


Reader = TypeVar("Reader", contravariant=True)


class Home(Protocol[Reader]):
    """The factory that a reader comes from."""

    def link(self, transport: ITransport) -> ILink:
        """The link over a transport."""

    def opened(self, reader: Reader) -> None:
        """Note that the reader's connection is made."""

    def gone(self, reader: Reader) -> None:
        """Note that its connection is gone."""
