"""Deadlines: one timer for many things with the same time limit."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from twisted.internet.interfaces import IDelayedCall, IReactorTime

_AT_A_TIME = 50
"""The number of late ones handled in one turn: some 10 ms for late logins."""

Waiting = TypeVar("Waiting", bound=Hashable)


class Deadlines(Generic[Waiting]):
    """Calls C{on_late} with each one that has waited too long.

    As all have equally long, the first to come is the first to be late, so a dict in the order of
    coming and one timer for its first will do. A timer each would be 0.3 KB for a connection, even
    long after its login, as the reactor keeps cancelled ones for a while.
    """

    def __init__(
        self, clock: IReactorTime, wait: float, on_late: Callable[[Waiting], None]
    ) -> None:
        """@param wait: seconds after which one that was L{add}ed is late."""
        self._clock = clock
        self._wait = wait
        self._on_late = on_late
        self._until: dict[Waiting, float] = {}
        self._timer: IDelayedCall | None = None

    def add(self, waiting: Waiting) -> None:
        """Call C{on_late} with it when it is late, unless it is L{remove}d before."""
        self._until[waiting] = self._clock.seconds() + self._wait
        self._watch()

    def remove(self, waiting: Waiting) -> None:
        """Stop waiting for it; does nothing if it is not waited for."""
        self._until.pop(waiting, None)
        if not self._until and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def hasten(self, wait: float) -> None:
        """From now on wait for nothing longer than C{wait} seconds."""
        now = self._clock.seconds()
        self._wait = min(self._wait, wait)
        self._until = {one: min(until, now + wait) for one, until in self._until.items()}
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._watch()

    def _watch(self) -> None:
        if self._until and self._timer is None:
            first = next(iter(self._until.values()))
            wait = max(0.0, first - self._clock.seconds())
            self._timer = self._clock.callLater(wait, self._look)

    def _look(self) -> None:
        self._timer = None
        now = self._clock.seconds()
        try:
            for _ in range(_AT_A_TIME):
                if not self._until:
                    break
                waiting, until = next(iter(self._until.items()))
                if until > now:
                    break
                self.remove(waiting)
                self._on_late(waiting)
        finally:
            self._watch()
