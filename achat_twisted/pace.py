"""Pacing: who is faster than a healthy recipient is slowed down to it, for moments at a time."""

from __future__ import annotations

from typing import Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime

PATIENCE = 0.5
"""How long a high outbox may hold up those who send to it, in seconds."""


class Sender(Protocol):
    """Whoever can be slowed down. Holds add up: it goes on when all of them are released."""

    def hold(self) -> None: ...

    def release(self) -> None: ...


class Pace:
    """Holds those who send to one peer while it has more than enough.

    A peer that gets no relief within L{PATIENCE} has I{stalled}: the held are released, and until
    there is relief again nobody is held for it. So no recipient, however slow, can hold up for
    longer what its senders have for others.
    """

    __slots__ = ("_clock", "_held", "_stalled", "_timer")

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._held: dict[Sender, None] = {}  # in the order in which they came
        self._stalled = False
        self._timer: IDelayedCall | None = None

    def press(self, sender: Sender) -> None:
        """C{sender} has just sent to the peer, which has more than enough."""
        if self._stalled or sender in self._held:
            return
        self._held[sender] = None
        sender.hold()
        if self._timer is None:
            self._timer = self._clock.callLater(PATIENCE, self._stall)

    def ease(self) -> None:
        """The peer has taken what it had, or is gone: everybody may go on."""
        self._relieve()
        self._release()

    def ease_one(self) -> None:
        """The peer has taken some, and is still behind: one may go on, who has waited longest.

        If all went on at once, many senders would add more than the peer has taken.
        """
        self._relieve()
        if self._held:
            sender = next(iter(self._held))
            del self._held[sender]
            sender.release()
        if self._held:
            self._timer = self._clock.callLater(PATIENCE, self._stall)

    def _relieve(self) -> None:
        self._stalled = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _stall(self) -> None:
        self._timer = None
        self._stalled = True
        self._release()

    def _release(self) -> None:
        held, self._held = self._held, {}
        for sender in held:
            sender.release()
