"""The contracts of the broker and its sessions, as readers and commands see them."""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IPushProducer
from zope.interface import Attribute, Interface

from achat_twisted import wire
from achat_twisted.net.interfaces import IOutlet


class ISession(Interface):
    """A logged-in connection, as its reader and the commands see it."""

    name: str = Attribute("Who is logged in.")
    taken: int = Attribute("How many lines after the login line were taken in; its reader counts.")
    local: bool = Attribute("Whether its client is on this machine.")
    allowance: Any = Attribute("How many lines it may have taken in by now: C{allowance.lines}.")
    deserted: bool = Attribute("Whether its connection is lost.")

    def tell(notice: wire.Notice) -> None:
        """Queue a notice for the client, behind what is queued."""

    def desert() -> None:
        """The connection is lost: nobody hears an answer, and nothing more can come.

        What has come is still taken in, a slice at a time; no recipient holds that up.
        """

    def sync(token: str) -> None:
        """Answer C{/sync} when all lines so far are routed, and as safe as is promised."""

    def rest() -> None:
        """Take in no more lines until others have had their turn."""

    def overdrawn() -> None:
        """It has taken in more lines than it may: its reading is paused until it may again."""

    def last_call() -> bool:
        """Whether it takes in what its client has sent by now, however much that is.

        Not while its reading is paused for the client's own doings: as it does not read what it is
        told, or has sent too much.
        """

    def leave() -> None:
        """Take in no more; the session goes when all that is queued for it is flushed."""


class IBroker(Interface):
    """Who is here."""

    def join(name: str, outlet: IOutlet, source: IPushProducer) -> ISession:
        """Log C{name} in; from now on the outlet belongs to the session's writer.

        @param source: the session's reader. It is paused while a recipient of its lines or the
            client itself is slow to read, and stopped when the session is to take in no more.
        @raise wire.Refused: if the name is taken, or the server is stopping.
        """

    def post(sender: Any, post: wire.Post) -> None:
        """Route one line: each copy is delivered, kept, or refused with a notice.

        @param sender: a session that L{join} has returned.
        """

    def post_run(sender: Any, post: wire.Post) -> bool:
        """Route several lines at once, if that is the same as one by one; else do nothing.

        It is, if all recipients are here and have room for all of it.
        """

    def names() -> list[str]:
        """The names that are here, sorted."""

    def tell_names(session: Any) -> None:
        """Tell a session that L{join} has returned which names are here.

        @raise wire.BadLine: if so much waits for all clients that there is no room for the answer.
        """

    def stats() -> str:
        """What has become of all copies so far."""
