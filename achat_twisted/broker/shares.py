"""Shares: the memory that may wait for all clients together, shared out among their outboxes."""

from __future__ import annotations

from collections.abc import Collection

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from achat_twisted.broker.session import Session
from achat_twisted.limits.limits import Limits
from achat_twisted.limits.memory import Pool

OUTBOX_LIMIT = 2**20
"""Bytes queued in memory for one peer, unless the server is told otherwise."""

_FED = 2
"""The most outboxes to hold more in a turn: each may be fed a page of mail, in 10 to 20 ms."""


class Shares:
    """Lets each outbox hold less when all together hold too much, and more when they do not.

    @ivar limit: the most bytes that an outbox may hold, for all that are made from now on.
    @ivar pool: the count of what all outboxes and writers hold.
    """

    _log = Logger()

    def __init__(
        self, clock: IReactorTime, limits: Limits, limit: int, sessions: Collection[Session]
    ) -> None:
        """@param sessions: all that there are, now and later."""
        self.limit = limit
        self.pool = Pool(limits)
        self._clock = clock
        self._sessions = sessions
        self._to_resize: list[Session] = []
        self._resizing: IDelayedCall | None = None

    def each(self) -> int:
        return self.pool.share(self.limit, len(self._sessions))

    def look(self) -> None:
        """Change all shares, if too much is held now, or was until now."""
        if self.pool.look():
            self._log.info(
                "{size} bytes wait for all clients: {share} may wait for each from now on",
                size=self.pool.size,
                share=self.each(),
            )
            self.stop()
            self._to_resize = [*self._sessions]
            self._resize()

    def stop(self) -> None:
        """Stop changing shares, until the next look."""
        if self._resizing is not None:
            self._resizing.cancel()
            self._resizing = None

    def _resize(self) -> None:
        """Let all outboxes hold less; or a few hold more, and the others in the turns to come."""
        self._resizing = None
        share = self.each()
        some = len(self._to_resize) if share < self.limit else _FED
        for session in self._to_resize[:some]:
            if session.outbox.resize(share):
                session.relieved()
        del self._to_resize[:some]
        if self._to_resize:
            self._resizing = self._clock.callLater(0, self._resize)
