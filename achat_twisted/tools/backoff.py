"""Backoff: each further try waits twice as long as the one before."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

from twisted.internet.interfaces import IReactorTime

FIRST = 1.0
"""The first wait, in seconds."""

KEYS = 10_000
"""The most keys that are remembered; beyond that, the one tried longest ago is forgotten."""


class Backoff:
    """The waits before further tries, by key: a host that guesses, a name that is fought over."""

    def __init__(self, clock: IReactorTime, *, longest: float, forget: float | None = None) -> None:
        """@param longest: the longest wait, in seconds.
        @param forget: seconds after its last try at which a key is as good as new; None for twice
            its wait.
        """
        self._clock = clock
        self._longest = longest
        self._forget = forget
        # The wait of each key, and the moment of its last try; the longest ago first.
        self._records: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._records)

    def wait(self, key: Hashable) -> float:
        """The seconds that the next try waits; 0 for a key that is as good as new."""
        wait, since = self._records.get(key, (0.0, 0.0))
        forget = 2 * wait if self._forget is None else self._forget
        return wait if self._clock.seconds() < since + forget else 0.0

    def lasts(self, key: Hashable) -> bool:
        """Tell if the wait that began with the last try is not over yet."""
        wait = self.wait(key)
        return wait > 0 and self._clock.seconds() < self._records[key][1] + wait

    def tried(self, key: Hashable) -> None:
        """Note a try: the next wait begins, twice as long as the last one."""
        wait = min(2 * self.wait(key), self._longest) or FIRST
        self._records[key] = wait, self._clock.seconds()
        self._records.move_to_end(key)
        if len(self._records) > KEYS:
            self._records.popitem(last=False)
