"""The contracts of a connection: its way out, its way in, and the poller that serves it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.python.failure import Failure
from zope.interface import Attribute, Interface

if TYPE_CHECKING:
    from OpenSSL.crypto import X509  # slow to import, and rarely needed


class IOutlet(Interface):
    """One connection's way out, to which a writer writes."""

    peer: str = Attribute("The other end's address, for the log.")
    local: bool = Attribute("True if the other end is on this machine.")
    origin: str = Attribute("The host that it counts for in limits; empty while unknown.")
    closed: Deferred[None] = Attribute(
        "Fires once, when the connection is gone for whatever reason. It has one user, the owner"
        " of the outlet: the reader until the login, and the writer after it."
    )

    def write(data: bytes) -> Deferred[None] | None:
        """Send C{data}, after all that was written before.

        @return: None if there is room for more; else a C{Deferred} that fires when there is,
            or when the connection is gone. It may be cancelled.
        """

    def outstanding() -> int:
        """The number of bytes written that the peer's machine may not have acknowledged.

        Never too few. It may still be called, and is right, after C{closed} has fired.
        """

    def finish(last: bytes) -> Deferred[None]:
        """Send C{last}, half-close, and linger until the peer has all of it; then close.

        @return: fires when nothing is outstanding any more, or the connection is gone.

        Unread input must not turn the close into a reset that destroys what was sent. So input is
        read and thrown away until the peer's end of file, or until nothing is outstanding and no
        input has come for a second. A peer that acknowledges nothing for too long is aborted.
        """

    def abort() -> None:
        """Close at once; what is outstanding stays outstanding."""


class ILink(IOutlet):
    """Both ways of one connection; of its way in, what a Twisted transport does not offer."""

    def connection_lost() -> None:
        """Note that the connection is gone; to be called by its protocol."""

    has_input: bool = Attribute("True if the kernel holds bytes that have come.")

    def last_input() -> Deferred[None]:
        """Take in what the kernel holds now, a snapshot, and nothing after it.

        The bytes come through the protocol's C{dataReceived} as usual, and wait while the
        transport is paused. Fires when all of them have come.
        """

    def ask_certificate() -> None:
        """Ask the client for a certificate, if this is TLS; to be called before anything comes.

        It need not have one. If it does, TLS checks that it has the key, and nothing else.
        """

    def certificates() -> Sequence[X509]:
        """The certificates shown: the client's own first, then those that may vouch for it.

        Nobody has checked that they do. Empty if it has none, or was not asked.
        """


class IProxied(Interface):
    """A protocol whose connections may come through a proxy."""

    def introduced(why_not: str = "") -> None:
        """Note that the proxy has named its client, whose own bytes follow.

        @param why_not: if it has not, the rest of a sentence about the connection, for its log
            line; nothing more will come through then.
        """


class IPolled(Interface):
    """A transport that a poller serves."""

    connected: bool = Attribute("True until its connection is lost.")

    def fileno() -> int:
        """Its descriptor."""

    def receive() -> bytes | None:
        """The bytes that can be read: empty at the end of input, None if there are none just now.

        @raise OSError: if the connection is broken.
        """

    def take_in(data: bytes) -> None:
        """Pass on what was received."""

    def doWrite() -> Exception | None:
        """Write what waits; returns the error if the connection is broken."""

    def readConnectionLost(reason: Failure) -> None:
        """Note the end of input."""

    def connectionLost(reason: Failure) -> None:
        """Note that the connection is lost."""


class IPoller(Interface):
    """Calls transports when their sockets can be read or written."""

    def start_reading(transport: IPolled) -> None:
        """Let C{transport} read from now on, whenever there is something."""

    def stop_reading(transport: IPolled) -> None:
        """Let it read no more."""

    def start_writing(transport: IPolled) -> None:
        """Let C{transport} write from now on, whenever there is room."""

    def stop_writing(transport: IPolled) -> None:
        """Let it write no more."""


Soon = Callable[[Callable[[], None]], IDelayedCall | None]
"""Calls a function at the end of this turn of the reactor; returns None if that is now."""
