"""Pacing: a sender faster than a healthy recipient is slowed down to it, moments at a time."""

from __future__ import annotations

import math

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from zope.interface import Interface

HOLD = 0.5
"""The seconds for which a high outbox may hold up those who send to it."""


class ISender(Interface):
    """A client that can be slowed down."""

    def hold(reason: object) -> None:
        """Stop reading it until every reason for that is gone."""

    def release(reason: object) -> None:
        """Stop holding it for that reason."""


class Pace:
    """Holds those who send to one peer while it has more than enough.

    Nobody is held for longer than L{HOLD} at a time. A peer that gets no relief for that long
    has I{stalled}: all are released, and nobody is held for it until there is relief again. So no
    recipient, however slow, can hold up for longer what its senders have for others.
    """

    __slots__ = ("_clock", "_held", "_last_relief", "_stalled", "_timer")

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._held: dict[ISender, float] = {}  # until when, in the order in which they came
        self._last_relief = -math.inf
        self._stalled = False
        self._timer: IDelayedCall | None = None

    def press(self, sender: ISender) -> None:
        """Hold C{sender}, who has just sent to the peer, which has more than enough."""
        if self._stalled or sender in self._held:
            return
        self._held[sender] = self._clock.seconds() + HOLD
        sender.hold(self)
        self._arm()

    def ease(self) -> None:
        """Let everybody go on: the peer has taken what it had, or is gone."""
        self._relieve(len(self._held))

    def ease_one(self) -> None:
        """Let the one that has waited longest go on: the peer has taken some, but is still behind.

        If all went on at once, many senders would add more than the peer has taken.
        """
        self._relieve(1)

    def _relieve(self, count: int) -> None:
        self._stalled = False
        self._last_relief = self._clock.seconds()
        self._release(list(self._held)[:count])

    def _release(self, senders: list[ISender]) -> None:
        for sender in senders:
            del self._held[sender]
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._arm()
        for sender in senders:
            sender.release(self)

    def _arm(self) -> None:
        if self._held and self._timer is None:
            wait = next(iter(self._held.values())) - self._clock.seconds()
            self._timer = self._clock.callLater(max(0.0, wait), self._let_go)

    def _let_go(self) -> None:
        self._timer = None
        now = self._clock.seconds()
        self._stalled = now - self._last_relief >= HOLD
        self._release([s for s, until in self._held.items() if self._stalled or until <= now])
