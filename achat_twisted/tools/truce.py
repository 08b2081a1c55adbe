"""Truces: two clients that both claim a name must not take it from each other without end."""

from __future__ import annotations

from dataclasses import dataclass

from twisted.internet.interfaces import IReactorTime

FIRST = 1.0
"""Seconds for which a name that was taken over cannot be taken over again."""

LONGEST = 60.0
"""Each further time it is twice as long, up to this."""


_TIDY = 1000
"""How many truces more there may be before those that matter no more are thrown away."""


@dataclass(frozen=True, slots=True)
class _Truce:
    until: float
    length: float

    def matters(self, now: float) -> bool:
        return now < self.until + self.length


class Truces:
    """Who holds a name for how long, undisputed, after having taken it over."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._truces: dict[str, _Truce] = {}
        self._tidy_at = _TIDY

    def __len__(self) -> int:
        """How many truces are remembered."""
        return len(self._truces)

    def holds(self, name: str) -> bool:
        """Whether C{name} cannot be taken over just now."""
        truce = self._truces.get(name)
        return truce is not None and self._clock.seconds() < truce.until

    def taken_over(self, name: str) -> None:
        """C{name} has been taken over: the next truce begins.

        It is twice as long as the last one, unless that is over for as long as it lasted.
        """
        now = self._clock.seconds()
        last = self._truces.get(name)
        quarrel = last is not None and last.matters(now)
        length = min(2 * last.length, LONGEST) if last and quarrel else FIRST
        self._truces[name] = _Truce(now + length, length)
        if len(self._truces) > self._tidy_at:
            self._truces = {name: t for name, t in self._truces.items() if t.matters(now)}
            self._tidy_at = 2 * len(self._truces) + _TIDY
