"""The contracts of a mailbox: rows of copies, and the tags of those that they are for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred
from zope.interface import Attribute, Interface

from achat_twisted.mailbox.accounts import MailLimits
from achat_twisted.mailbox.page import Page
from achat_twisted.mailbox.rows import SharedRows
from achat_twisted.mailbox.shared import SharedRow
from achat_twisted.mailbox.tags import Counter, Tag


class ITags(Interface):
    """The tags that are remembered."""

    def begin(name: str, tag: str, counter: Counter) -> Tag | None:
        """A session with a tag begins: the record of that tag, found or made.

        @param counter: the session, whose lines count for the tag from now on.
        @return: None if the tag is new, not the first of its name, and there is no room for it.
        """

    def changed(name: str, tag: Tag) -> bool:
        """Have the next commit write what has become of a tag; the end of a turn asks for it.

        What it writes is what is true when the commit begins, for the tag as for the copies.

        @return: False if it has grown, and too much waits for it, or there was no room for that.
        """

    def end(name: str, tag: Tag) -> None:
        """The session with that tag has ended."""

    def forget(name: str, tag: Tag) -> None:
        """Remember a tag no longer, as it owes nothing, or somebody wants that."""

    def of(name: str) -> Sequence[Tag]:
        """The tags of a name, the one unused for longest first."""

    def count() -> int:
        """The number of tags that are remembered, of all names."""


class IMailbox(Interface):
    """A place where copies wait for names that are away or behind.

    Lines are rendered messages, line end included. The copies for a name stand in one row, in
    which none overtakes another: first those that are I{on their way} to it, then those that are
    I{kept}. A copy that is on its way leaves the row when it has arrived, or is kept again.
    """

    expired: int = Attribute(
        "The number of copies that were thrown away: kept for too long, or purged."
    )
    rows: SharedRows[Any] = Attribute("Its shared rows: rooms, and names with devices.")
    pressed: bool = Attribute("True while lines come in faster than they can be put away.")
    failing: bool = Attribute("True while incoming lines cannot be made safe.")
    tags: ITags = Attribute("The tags of all names.")

    def open() -> None:
        """Get ready; called once, before anything else, and while no reactor runs.

        @raise CannotStart: if that cannot be.
        """

    def limit(limits: MailLimits) -> None:
        """Let other limits hold for what is kept from now on; what is kept already stays."""

    def introduce(name: str) -> None:
        """Add a name that has never been here, unless it is known."""

    def enroll(name: str) -> None:
        """A session of C{name} begins, and from now on the name is known.

        For as long as it lasts, until L{hand_back}, nothing kept for the name expires.
        """

    def knows(name: str) -> bool:
        """True if the name is known."""

    def keep(name: str, line: bytes) -> bool:
        """Take one copy, behind all others for C{name}; False if that cannot be just now."""

    def pass_by(name: str, copies: int) -> None:
        """Count C{copies} that have gone straight to C{name}, for which none is kept."""

    def record(name: str, lines: bytes) -> bool:
        """Copies go straight to C{name}, for which none is kept; remember them until they arrive.

        L{commit} makes them safe, and need not be called for anything else.

        @param lines: one line, or several, one behind the other.
        @return: C{pressed}, as it is then; so nobody has to ask for it with each line.
        """

    def commit() -> Deferred[bool] | None:
        """Make safe all that was recorded and kept by now.

        @return: None if it is; else a C{Deferred} that fires when it is, with True, or with False
            if that fails, which is tried again until it succeeds.
        """

    def now() -> float:
        """The time by the clock that C{Page.since} goes by, in seconds."""

    def take(name: str, size: int) -> Deferred[Page]:
        """The first kept lines for C{name}, about C{size} bytes, at least one if there is any.

        They are on their way from the moment the Deferred fires. It may be cancelled before.
        """

    def delivered(name: str, copies: int) -> None:
        """Note that the first C{copies} on their way to C{name} have arrived."""

    def hand_back(name: str, lines: Sequence[bytes], ages: Sequence[float] | None = None) -> None:
        """A session of C{name} has ended, and all that was still on its way is kept again.

        @param ages: for each line the seconds since it was accepted; none, if nobody knows.

        Never refused, as these copies were accepted long ago; an outbox bounds their size.
        """

    def share(name: str, lines: Sequence[bytes], ages: Sequence[float] | None = None) -> SharedRow:
        """From now on the row of C{name} is a shared one, as it has devices, and has no cursor yet.

        @param lines: all copies that are on their way to it.
        @param ages: as in L{hand_back}.
        """

    def first(name: str) -> int:
        """The number of the first copy in the row of C{name}; of the next one, if it is empty.

        Copies are numbered from 1 on, in the order in which they came. A number stays the same for
        as long as the tags of that name are remembered.
        """

    def names() -> Sequence[str]:
        """All names that are known."""

    def purge(name: str) -> int:
        """Throw away all copies kept for C{name}, as an operator wants; they count as expired.

        L{commit} makes that safe.

        @return: their number.
        @raise ValueError: if the name has a session, whose messages would change their numbers.
        """

    def count(name: str) -> int:
        """The number of copies kept for C{name}."""

    def size_for(name: str) -> int:
        """Bytes kept for C{name}, as they count towards the limit for a name."""

    def copies() -> int:
        """The number of copies kept in all; after L{close}, without those that were lost in it."""

    def size() -> int:
        """The bytes kept in all, counted as the limits count them."""

    def close() -> Deferred[None]:
        """Fires when everything kept is as safe as this mailbox can make it."""
