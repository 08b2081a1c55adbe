"""The load: what all sessions hold at a moment, for the metrics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from achat_twisted.broker.feed import FeedState
from achat_twisted.broker.session import Session


@dataclass(frozen=True, slots=True)
class Load:
    """The sessions, and what they hold.

    @ivar sessions: the number of them, by the state of their feeds.
    @ivar queued: bytes in all outboxes.
    @ivar fullest: bytes in the fullest one.
    @ivar unacknowledged: bytes written that are not known to have arrived.
    @ivar age: seconds for which the oldest of them has been under way, to about a second.
    """

    sessions: Mapping[FeedState, int]
    queued: int
    fullest: int
    unacknowledged: int
    age: float


def weigh(sessions: Iterable[Session], now: float, held: int) -> Load:
    """Look at each session, and more closely at those that may have something under way; no line is
    counted, so that 10,000 sessions take 3 ms at most.

    @param held: bytes in all outboxes, and those that are written and have not arrived.
    """
    there = list(sessions)
    feeds = [session.feed.state for session in there]
    busy = [session for session in there if session.unconfirmed]
    oldest = [marks[0].moment for session in busy if (marks := session.writer.marks)]
    unacknowledged = sum([session.writer.tail_size for session in busy])
    return Load(
        sessions={state: feeds.count(state) for state in FeedState},
        queued=held - unacknowledged,
        fullest=max([session.outbox.size for session in busy], default=0),
        unacknowledged=unacknowledged,
        age=now - min(oldest, default=now),
    )
