"""The contracts of the broker and its sessions, as readers and commands see them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from zope.interface import Attribute, Interface

from achat_twisted import wire
from achat_twisted.limits.rate import Allowance
from achat_twisted.net.interfaces import IOutlet
from achat_twisted.wire.tags import PLAIN, Opening


class ISession(Interface):
    """A logged-in connection, as its reader and the commands see it."""

    name: str = Attribute("The name that is logged in.")
    taken: int = Attribute("The number of lines taken in after the login; its reader counts.")
    commands: int = Attribute("The number of them that are commands; its reader counts.")
    local: bool = Attribute("True if its client is on this machine.")
    allowance: Allowance = Attribute("The lines that it may have taken in by now.")
    lost: bool = Attribute("True if its connection is lost, so that nobody hears an answer.")
    is_numbered: bool = Attribute("True if its client says again what has not come as a whole.")

    def tell(notice: wire.Notice) -> None:
        """Queue a notice for the client."""

    def connection_lost() -> None:
        """Note that the connection is lost: its name is free, and nothing more can come.

        What has come is still taken in, a slice at a time; no recipient holds that up.
        """

    def refuse(error: wire.WireError, *, is_command: bool) -> None:
        """Tell the client of a line that means nothing, the last one that was taken in."""

    def got(argument: str) -> None:
        """Take in C{/got} with that argument.

        @raise wire.BadLine: if it is not for this session, malformed, or beyond what there is.
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

    def drain() -> None:
        """Take in no more; the session ends when all that is queued for it is flushed."""


class ISource(Interface):
    """A session's reader, as the session sees it: a push producer of lines."""

    has_spoken: bool = Attribute("True if lines have come, or parts of one, that are not taken in.")

    def pauseProducing() -> None:
        """Take in no more lines for now."""

    def resumeProducing() -> None:
        """Take in lines again."""

    def stopProducing() -> None:
        """Take in no more lines, not even those that are here."""


class IOwner(Interface):
    """A session, as the parts that it is made of see it."""

    outlet: IOutlet = Attribute("Its connection's way out.")
    holds: frozenset[object] = Attribute("The reasons for which its client is not read now.")

    def deliver(lines: bytes, age: float = 0.0) -> None:
        """Queue a rendered line, or several; do nothing if it is rendered as nothing.

        @param age: the seconds since a message was accepted.
        """

    def tell(notice: wire.Notice) -> None:
        """Queue a notice for the client."""

    def hold(reason: object) -> None:
        """Stop reading its client until every reason for that is gone."""

    def release(reason: object) -> None:
        """Stop holding it for that reason."""

    def all_fed() -> None:
        """Note that its outbox holds all that it is to get: place the end marker."""

    def relieved() -> None:
        """Note that there is plenty of room in its outbox again."""

    def farewell() -> bytes:
        """The last lines, when all others are written."""

    def ended(failure: Failure | None) -> None:
        """Note that nothing more will be written: an event that comes back up the stream.

        @param failure: a bug that has kept the writer from going on, if there was one.
        """


class ITurns(Interface):
    """The turns of the reactor, as a session sees them."""

    is_durable: bool = Attribute(
        "True if what a turn brings is committed before any of it reaches a writer."
    )

    def touch(session: Any) -> None:
        """Call C{session.end_turn} and C{session.dispatch}, or C{flush}, when this turn ends."""

    def resume(session: Any) -> None:
        """Call C{session.resume} when this turn ends, or one of those that follow."""

    def commit() -> Deferred[bool] | None:
        """Make safe all lines so far.

        @return: None if that need not be, or if they are; else as C{IMailbox.commit} does.
        """


class IPresence(Interface):
    """The other sessions, as one of them sees them."""

    def begin(session: Any) -> None:
        """Have the session begin, if no older one must come to its end before."""

    def changed() -> None:
        """Note that a session is not here any more."""

    def lost(session: Any) -> None:
        """Note that a connection is lost, whose reader still works off what has come."""

    def is_first(session: Any) -> bool:
        """True if no connection of the same name was lost before, and is still worked off."""

    def remove(session: Any) -> None:
        """Forget a session, as it is over, and let those that wait for it go on."""


class IBroker(Interface):
    """The sessions that are here, by name, and the routing of lines to them."""

    def join(name: str, outlet: IOutlet, source: ISource, opening: Opening = PLAIN) -> ISession:
        """Log C{name} in; from now on the outlet belongs to the session's writer.

        @param source: the session's reader. It is paused while a recipient of its lines or the
            client itself is slow to read, and stopped when the session is to take in no more.
        @param opening: what the client has wished for before its login line.
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

    def tell_names(session: Any) -> None:
        """Tell a session from L{join} which names are here.

        @raise wire.BadLine: if so much waits for all clients that there is no room for the answer.
        """

    def stats() -> str:
        """The fate of all copies so far, as the ledger sums it up."""
