"""Backoff: whatever is tried again and again waits twice as long each time."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from twisted.internet.interfaces import IReactorTime

FIRST = 1.0
"""Seconds of the first wait."""

KEYS = 10_000
"""How many keys are remembered; when there are more, the one tried longest ago is forgotten."""


@dataclass(frozen=True, slots=True)
class _Record:
    wait: float
    since: float


class Backoff:
    """The waits of all who try, by a key: a host that guesses, a name that is fought over."""

    def __init__(self, clock: IReactorTime, *, longest: float, forget: float | None = None) -> None:
        """@param longest: seconds that a wait does not exceed.
        @param forget: seconds after a try in which there must be no other for the key to be as good
            as new; twice its wait, if it is None.
        """
        self._clock = clock
        self._longest = longest
        self._forget = forget
        self._records: OrderedDict[str, _Record] = OrderedDict()  # the longest ago first

    def __len__(self) -> int:
        """The number of keys that are remembered."""
        return len(self._records)

    def wait(self, key: str) -> float:
        """Seconds that the next try waits; 0 for a key that is as good as new."""
        record = self._records.get(key)
        if record is None:
            return 0.0
        forget = 2 * record.wait if self._forget is None else self._forget
        return record.wait if self._clock.seconds() < record.since + forget else 0.0

    def lasts(self, key: str) -> bool:
        """Tell if the wait that the last try has begun is not over yet."""
        wait = self.wait(key)
        return wait > 0 and self._clock.seconds() < self._records[key].since + wait

    def tried(self, key: str) -> None:
        """There was a try: the next wait begins, twice as long as the last one."""
        wait = min(2 * self.wait(key), self._longest) or FIRST
        self._records[key] = _Record(wait, self._clock.seconds())
        self._records.move_to_end(key)
        if len(self._records) > KEYS:
            self._records.popitem(last=False)
