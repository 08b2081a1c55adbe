"""A session's feed: the way of its copies, straight to its outbox or through the mailbox."""

from __future__ import annotations

from enum import Enum
from typing import Any

from twisted.internet import defer
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from achat_twisted import wire
from achat_twisted.broker.interfaces import IOwner
from achat_twisted.broker.ledger import Ledger
from achat_twisted.broker.outbox import Outbox
from achat_twisted.limits.pacing import Pace
from achat_twisted.mailbox.interfaces import IMailbox
from achat_twisted.mailbox.page import Page
from achat_twisted.tools.errors import Unavailable

FETCH = 30.0
"""The seconds for a page of mail to come; a session that waits longer is closed."""


class FeedState(Enum):
    """The destination of copies for a feed, and the source of its outbox."""

    WAITING = "to the mailbox, as an older session still has lines that come first"
    BEHIND = "to the mailbox, which is fed to the outbox as there is room"
    LIVE = "straight to the outbox"
    SHARED = "to a row with several readers, each of which is told what is new in it"
    ENDED = "to the mailbox; the outbox has its end marker"


class Feed:
    """A row of the mailbox, the place in it up to which an outbox has been fed, and the feeding.

    @ivar state: where copies for it go now; all but the feed itself only look at it.
    @ivar passed: copies that went straight to the outbox, and that the mailbox has not been told
        of yet.
    @ivar admitted: bytes that went to the mailbox since it was last read, while BEHIND.
    @ivar pace: the clients that are held as they send faster than it takes lines.
    """

    __slots__ = (
        "_clock",
        "_fetch",
        "_greeted",
        "_is_draining",
        "_ledger",
        "_mailbox",
        "_owed",
        "_session",
        "admitted",
        "name",
        "outbox",
        "pace",
        "passed",
        "state",
    )
    _log = Logger()
    hands_back = True
    """True if copies on their way are in no other place, and are handed back at the end."""

    def __init__(
        self,
        session: IOwner,
        name: str,
        outbox: Outbox,
        mailbox: IMailbox,
        ledger: Ledger,
        clock: IReactorTime,
    ) -> None:
        """@param name: the name whose row it is."""
        self.name = name
        self.outbox = outbox
        self.state = FeedState.WAITING
        self.pace = Pace(clock)
        self.passed = self.admitted = 0
        self._session = session
        self._mailbox = mailbox
        self._ledger = ledger
        self._clock = clock
        self._owed = 0  # copies in the mailbox that a draining session still gets
        self._is_draining = self._greeted = False
        self._fetch: Deferred[Any] | None = None

    @property
    def pressed(self) -> bool:
        """True if those who send to it should be slowed down.

        That is when the outbox is high; or, while the mailbox is fed to it, when half as much has
        come into the mailbox as a page takes out, so that the mailbox is empty in the end.
        """
        if self.state is FeedState.LIVE:
            return self.outbox.high
        return self.state is FeedState.BEHIND and self.admitted >= self.outbox.admits

    @property
    def first(self) -> int:
        """The number of the first copy that has not arrived, or that comes next."""
        return self._mailbox.first(self.name)

    @property
    def left(self) -> int:
        """The number of copies that wait in the mailbox."""
        return self._mailbox.count(self.name)

    @property
    def has_begun(self) -> bool:
        """True if no older session was to come first any more."""
        return self.state is not FeedState.WAITING

    def begin(self) -> None:
        """Begin with what is in the mailbox, unless it has: no older session has lines for it."""
        if self.has_begun:
            return
        self.state = FeedState.BEHIND
        self._read_on()

    def _read_on(self) -> None:
        """Read what waits by now."""
        self._owed = self.left
        if self._owed:
            self._fetch_page()
            return
        self._greeted = True
        if self._is_draining:
            self._session.all_fed()
        else:  # mostly; to fetch a page of nothing was 8 of 100 µs of a login
            self._be_live()

    def fall_behind(self) -> None:
        """Send copies to the mailbox until it has been emptied, as the outbox is full."""
        self._leave_live(FeedState.BEHIND)
        self.admitted = 0

    def relieve(self) -> None:
        """Feed on, and let those who send to it go on, as there is room in the outbox again."""
        self.refill()
        if self.state is FeedState.BEHIND:
            self.pace.ease_one()
        else:
            self.pace.ease()

    def refill(self) -> None:
        """Feed on, if there is room."""
        if self._is_behind and self.outbox.takes_page:
            self._fetch_page()

    def delivered(self, copies: int) -> None:
        """Count that so many more have arrived at the session's peer."""
        self._ledger.delivered += copies
        self._mailbox.delivered(self.name, copies)

    def drain(self) -> None:
        """Finish with what is in the mailbox by now; later copies stay there."""
        self._is_draining = True
        self._owed = self.left
        if self._is_live:
            self._session.all_fed()

    def cut(self) -> None:
        """Send all copies to the mailbox from now on, and fetch no more."""
        self._leave_live(FeedState.ENDED)

    def forget(self, left: list[bytes]) -> None:
        """Hand back what has not arrived; a page under way stays in the mailbox."""
        self.cut()
        self.abandon()
        self._mailbox.hand_back(self.name, *self.outbox.kept(left))

    def abandon(self) -> None:
        """Fetch no more, as another feed takes its place."""
        if self._fetch is not None:
            self._fetch.cancel()
        self.pace.ease()

    def _leave_live(self, state: FeedState) -> None:
        """Send its copies to the mailbox from now on, after those that are on their way."""
        self.state = state
        self._mailbox.pass_by(self.name, self.passed)
        self.passed = 0

    @property
    def _is_live(self) -> bool:
        return self.state is FeedState.LIVE

    @property
    def _is_behind(self) -> bool:
        return self.state is FeedState.BEHIND

    @property
    def _page_size(self) -> int:
        """The bytes, about, that are taken from the mailbox at a time."""
        return self.outbox.limit // 2

    def _take(self, size: int) -> Deferred[Page]:
        """The next lines from the mailbox, about C{size} bytes."""
        return self._mailbox.take(self.name, size)

    def _deliver(self, lines: Page, now: float) -> None:
        for line, since in zip(lines, lines.since, strict=True):
            self._session.deliver(line, now - since)

    def _be_live(self) -> None:
        """Get lines at once from now on, as all that waited has come."""
        self.state = FeedState.LIVE

    def _fetch_page(self) -> None:
        if self._is_behind and self._fetch is None:
            self.admitted = 0
            self._fetch = fetch = self._take(self._page_size)
            fetch.addTimeout(FETCH, self._clock)
            fetch.addCallbacks(self._fetched, self._not_fetched)

    def _not_fetched(self, failure: Failure) -> None:
        """Abort the session; its mail stays in the mailbox for when its name comes back."""
        self._fetch = None
        if failure.check(defer.CancelledError):
            return
        if failure.check(defer.TimeoutError):
            failure = Failure(Unavailable(f"it did not come within {FETCH:g} seconds"))
        if failure.check(Unavailable):
            why = failure.getErrorMessage()
            self._log.error("the mail of {name} cannot be read: {why}", name=self.name, why=why)
        else:
            self._log.failure("The mail of {name} cannot be read", failure, name=self.name)
        self.state = FeedState.ENDED
        self._session.outlet.abort()

    def _fetched(self, lines: Page) -> None:
        self._fetch = None
        if lines:
            self._deliver_page(lines)
        self._greeted = True
        if not self._is_behind:
            return
        left = self.left
        if self._is_draining and (self._owed <= 0 or not left):
            self._session.all_fed()
        elif not left:
            self._be_live()
            if self.outbox.low:
                self.pace.ease()
        else:
            self.refill()

    def _deliver_page(self, lines: Page) -> None:
        if not self._greeted:
            self._session.tell(wire.mail(len(lines) + self.left))
        self._owed -= len(lines)
        self._deliver(lines, self._mailbox.now())
