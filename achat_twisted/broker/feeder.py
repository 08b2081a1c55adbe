"""The feeder: from the mailbox to the outboxes of sessions that are new, or have fallen behind."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet import defer
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from achat_twisted import wire
from achat_twisted.broker.session import Feed, Session
from achat_twisted.limits.pacing import Pace
from achat_twisted.mailbox.interfaces import IMailbox
from achat_twisted.tools.errors import Unavailable

FETCH = 30.0
"""The seconds for a page of mail to come; a session that waits longer is closed."""


class Feeder:
    """Feeds sessions page by page, and slows down senders that fill the mailbox too fast."""

    _log = Logger()

    def __init__(
        self, clock: IReactorTime, mailbox: IMailbox, end: Callable[[Session], None]
    ) -> None:
        """@param end: called with a leaving session that has all its mail."""
        self._clock = clock
        self._mailbox = mailbox
        self._end = end
        self._pace = Pace(clock)
        self._is_easing = False

    def begin(self, session: Session) -> None:
        """Give a session that is WAITING its mail."""
        session.feed = Feed.BEHIND
        session.owed = self._mailbox.count(session.name)
        if session.owed:
            self._fetch(session)
        else:  # mostly; a Deferred with a timeout, for nothing, was 8 % of a profile of logins
            self._fetched([], session)

    def leave_live(self, session: Session, feed: Feed) -> None:
        """Send its copies to the mailbox from now on, after those that are on their way."""
        session.feed = feed
        self._mailbox.pass_by(session.name, session.passed)
        session.passed = 0

    def relieve(self, session: Session) -> None:
        """Feed it again, and let senders to it go on, as there is room in its outbox."""
        self._fetch(session)
        if session.feed is Feed.BEHIND:
            session.pace.ease_one()
        else:
            session.pace.ease()
        session.relieved()

    def press(self, sender: Session) -> None:
        """Slow a sender down to what the mailbox can take."""
        self._pace.press(sender)
        committed = None if self._is_easing else self._mailbox.commit()
        if committed is not None:
            self._is_easing = True
            committed.addCallback(self._ease)

    def stop_feeding(self, session: Session) -> None:
        """Fetch no more, as the session has ended; a page under way stays in the mailbox."""
        if session.fetch is not None:
            session.fetch.cancel()

    def stop(self) -> None:
        """Hold nobody any more."""
        self._pace.ease()

    def _ease(self, _is_safe: bool) -> None:
        self._is_easing = False
        self._pace.ease()

    def _fetch(self, session: Session) -> None:
        if session.feed is Feed.BEHIND and session.fetch is None:
            session.admitted = 0
            page = session.outbox.limit // 2
            session.fetch = fetch = self._mailbox.take(session.name, page)
            fetch.addTimeout(FETCH, self._clock)
            fetch.addErrback(self._failed, session).addCallback(self._fetched, session)

    def _failed(self, failure: Failure, session: Session) -> list[bytes]:
        """Abort the session; its mail stays in the mailbox for when its name comes back."""
        if not session.over:
            if failure.check(defer.TimeoutError):
                failure = Failure(Unavailable(f"it did not come within {FETCH:g} seconds"))
            if failure.check(Unavailable):
                why = failure.getErrorMessage()
                self._log.error(
                    "the mail of {name} cannot be read: {why}", name=session.name, why=why
                )
            else:
                self._log.failure("The mail of {name} cannot be read", failure, name=session.name)
            session.feed = Feed.ENDED
            session.outlet.abort()
        return []

    def _fetched(self, lines: list[bytes], session: Session) -> None:
        session.fetch = None
        if session.over:
            return
        left = self._mailbox.count(session.name)
        if lines and not session.greeted:
            session.tell(wire.mail(len(lines) + left))
        session.greeted = True
        session.owed -= len(lines)
        for line in lines:
            session.deliver(line)
        if session.feed is not Feed.BEHIND:
            return
        if session.leaving and (session.owed <= 0 or not left):
            self._end(session)
        elif not left:
            session.feed = Feed.LIVE
            if session.outbox.low:
                session.pace.ease()
        elif session.outbox.low:
            self._fetch(session)
