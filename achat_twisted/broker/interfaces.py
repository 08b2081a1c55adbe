"""The contracts of the broker and its sessions, as readers and commands see them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.interfaces import IPushProducer
from zope.interface import Attribute, Interface

from achat_twisted import wire
from achat_twisted.limits.rate import Allowance
from achat_twisted.net.interfaces import IOutlet


class ISession(Interface):
    """A logged-in connection, as its reader and the commands see it."""

    name: str = Attribute("The name that is logged in.")
    taken: int = Attribute("The number of lines taken in after the login; its reader counts.")
    local: bool = Attribute("True if its client is on this machine.")
    allowance: Allowance = Attribute("The lines that it may have taken in by now.")
    deserted: bool = Attribute("True if its connection is lost.")

    def tell(notice: wire.Notice) -> None:
        """Queue a notice for the client."""

    def desert() -> None:
        """Note that the connection is lost: nobody hears an answer, and nothing more can come.

        What has come is still taken in, a slice at a time; no recipient holds that up.
        """

    def sync(token: str) -> None:
        """Answer C{/sync} when all lines so far are routed, and as safe as promised."""

    def rest() -> None:
        """Take in no more lines until others have had their turn."""

    def overdrawn() -> None:
        """Pause its reading for a while, as it has taken in more lines than it may."""

    def last_call() -> bool:
        """Tell if it takes in what its client has sent by now, however much that is.

        It does not while its reading is paused because of the client itself, which does not read
        what it is sent, or has sent too much.
        """

    def leave() -> None:
        """Take in no more; the session ends when all that is queued for it is flushed."""


class IBroker(Interface):
    """The sessions that are here, by name, and the routing of lines to them."""

    def join(name: str, outlet: IOutlet, source: IPushProducer) -> ISession:
        """Log C{name} in; from now on the outlet belongs to the session's writer.

        @param source: the session's reader. It is paused while a recipient of its lines or the
            client itself is slow to read, and stopped when the session is to take in no more.
        @raise wire.Refused: if the name is taken, or the server is stopping.
        """

    def post(sender: Any, post: wire.Post) -> None:
        """Route one line: each copy is delivered, kept, or refused with a notice.

        @param sender: a session from L{join}.
        """

    def post_run(sender: Any, posts: Sequence[wire.Post]) -> bool:
        """Route several lines at once, if that is the same as one by one; else do nothing.

        That is so if all recipients are here and have room for all of it.

        @param posts: no two of them have a recipient in common.
        """

    def names() -> list[str]:
        """The names that are here, sorted."""

    def tell_names(session: Any) -> None:
        """Tell a session from L{join} which names are here.

        @raise wire.BadLine: if so much waits for all clients that there is no room for the answer.
        """

    def stats() -> str:
        """The fate of all copies so far, as the ledger sums it up."""
