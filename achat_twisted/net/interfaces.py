"""The contracts of a connection: its way out, its way in, and what has it served."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from zope.interface import Attribute, Interface

if TYPE_CHECKING:
    from OpenSSL.crypto import X509  # which takes long to import, and is needed by few


class IOutlet(Interface):
    """One connection's way out: what a writer writes to."""

    peer: str = Attribute("Who is at the other end, for the log.")
    local: bool = Attribute("Whether the other end is on this machine.")
    origin: str = Attribute(
        "Whom it counts for, if there is a limit for each; empty while unknown."
    )
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

    def ask_certificate() -> None:
        """Ask the client for a certificate, if this is TLS; to be called before anything comes.

        It need not have one. If it has, TLS sees that it has the key, and nothing else.
        """

    def certificates() -> Sequence[X509]:
        """What the client has shown: its own certificate first, then those that may vouch for it.

        Nobody has checked that they do. None at all if it has none, or was not asked.
        """


class IProxied(Interface):
    """A protocol whose connections a proxy may bring."""

    def introduced() -> None:
        """The proxy has said for whom it has come; the client's own bytes follow."""

    def not_introduced(why: str) -> None:
        """The first bytes are no header of a proxy's; nothing more will come through.

        @param why: the rest of a sentence about the connection, for its log line.
        """


class IPoller(Interface):
    """What has sockets read and written when they are ready."""

    def start_reading(transport: Any) -> None:
        """Read C{transport} from now on, whenever there is something."""

    def stop_reading(transport: Any) -> None:
        """Read it no more."""

    def start_writing(transport: Any) -> None:
        """Let C{transport} write from now on, whenever there is room."""

    def stop_writing(transport: Any) -> None:
        """It has nothing more to write."""


Soon = Callable[[Callable[[], None]], IDelayedCall | None]
"""Has something called when this turn of the reactor ends; None if that is now."""
