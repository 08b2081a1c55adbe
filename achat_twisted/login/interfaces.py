"""The contract of the gate."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from zope.interface import Interface

from achat_twisted import wire
from achat_twisted.net.interfaces import ILink


class IGate(Interface):
    """The decision on each login."""

    def greet(link: ILink) -> None:
        """Prepare a new connection, from which nothing has come yet."""

    def enter(login: wire.Login, link: ILink) -> Deferred[str] | None:
        """Let somebody in, or not.

        @return: None if C{login} is good at once, under its name. Else a C{Deferred} that fires
            in bounded time: with the name, or it fails with L{wire.Refused}. It may be cancelled.
        """

    def knows(name: str) -> bool:
        """Tell if somebody by that name may enter, even if they have never been here."""
