"""What the rooms ask of one another. The contract stands here; implementations stay brief."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from zope.interface import Attribute, Interface

from achat_twisted import wire


class IOutlet(Interface):
    """One connection's way out: what a writer writes to."""

    peer: str = Attribute("Who is at the other end, for the log.")
    closed: Deferred[None] = Attribute(
        "Fires once, when the connection is gone for whatever reason. It has one user: whoever"
        " owns the outlet, which is the reader until login and the writer after it."
    )

    def write(data: bytes) -> Deferred[None] | None:
        """Send C{data}, after all that was written before.

        @return: None if there is room for more; else a C{Deferred} that fires when there is,
            or when the connection is gone. It may be cancelled by who no longer wants to wait.
        """

    def outstanding() -> int:
        """How many of the last bytes written the peer's machine may not have acknowledged.

        Never too few. It stays readable, and right, after C{closed} has fired.
        """

    def finish(last: bytes) -> Deferred[None]:
        """Send C{last}, half-close, and linger until the peer has all of it; then close.

        @return: fires when nothing is outstanding any more, or the connection is gone.

        Unread input must not turn the close into a reset that destroys what was sent, so input
        is read and thrown away until the peer's end of file, or until nothing is outstanding and
        no input has come for a second. A peer that acknowledges nothing for too long is aborted.
        """

    def abort() -> None:
        """Close at once; what is outstanding stays so."""


class IInlet(Interface):
    """One connection's way in, beyond what a Twisted transport offers."""

    def connection_lost() -> None:
        """To be called by the protocol when its connection is gone."""

    def last_input() -> Deferred[None]:
        """Take in what the kernel holds now, a snapshot, and nothing after it.

        The bytes come through the protocol's C{dataReceived} as ever, and while the transport is
        paused they wait. Fires when all of them have come.
        """


class ILink(IOutlet, IInlet):
    """Both ways of one connection."""


class ISession(Interface):
    """A logged-in connection, as its reader and the commands see it."""

    name: str = Attribute("Who is logged in.")
    taken: int = Attribute("How many lines after the login line were taken in; its reader counts.")
    clogged: bool = Attribute("Whether its reading is paused until the client reads its answers.")

    def post(post: wire.Post) -> None:
        """Route one line: each copy is delivered, kept, or refused with a notice."""

    def tell(notice: wire.Notice) -> None:
        """Queue a notice for the client, behind what is queued."""

    def settle() -> None:
        """Queue the notices about copies now instead of at the end of the turn."""

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

    def names() -> list[str]:
        """Who is here, sorted."""


class IMailbox(Interface):
    """Where copies wait for names that are away or behind.

    Lines are rendered messages, line end included. For each name they come out in the order in
    which they went in, but what is handed back comes out first.
    """

    def enroll(name: str) -> None:
        """From now on there is somebody by that name."""

    def knows(name: str) -> bool:
        """Whether there is somebody by that name."""

    def keep(name: str, line: bytes) -> bool:
        """Take one copy, behind all others for C{name}; False if the mailbox is full."""

    def hand_back(name: str, lines: Sequence[bytes]) -> None:
        """Take back what was on its way to C{name}, ahead of all others.

        Never refused, as these copies were accepted long ago; an outbox bounds their size.
        """

    def take(name: str, size: int) -> Deferred[list[bytes]]:
        """The first lines for C{name}, about C{size} bytes of them, at least one if there is any.

        They are the caller's from the moment the Deferred fires, and no longer kept here.
        """

    def count(name: str) -> int:
        """How many copies are kept for C{name}."""

    def copies() -> int:
        """How many copies are kept in all."""

    def close() -> Deferred[None]:
        """Fires when everything kept is as safe as this mailbox can make it."""


class IStopSignals(Interface):
    """The process's signals, as far as a stop is concerned."""

    def on_hangup(stop: Callable[[], None]) -> None:
        """Call C{stop} on SIGHUP, which would kill the process at once."""

    def on_second_signal(hurry: Callable[[], None]) -> None:
        """From now on, call C{hurry} on any signal that asks for a stop."""
