"""Backoff: when to try again, so that a thousand clients do not come back in the same moment."""

from __future__ import annotations

import os
from typing import Protocol

FIRST = 0.25
"""The first wait, in seconds; each further one is twice as long."""

LONGEST = 15.0
"""The longest wait, in seconds."""


class Chance(Protocol):
    """A source of numbers that nobody can foresee."""

    def random(self) -> float:
        """A number from 0 up to, but not including, 1."""


class Urandom:
    """The kernel's chance; C{random.Random} would do, but takes its time to import."""

    def random(self) -> float:
        return int.from_bytes(os.urandom(6), "big") / 2**48


class Backoff:
    """The waits before further tries; of each, a half is drawn by lot."""

    def __init__(self, now: float, retry: float | None, chance: Chance) -> None:
        """@param now: seconds on the caller's clock.
        @param retry: the seconds after the last contact for which to try; None for ever.
        """
        self._retry = retry
        self._chance = chance
        self._wait = 0.0
        self._contact = now
        self._is_in = False

    def reached(self, now: float) -> None:
        """Note that the server has let us in."""
        self._contact = now
        self._is_in = True

    def wait(self, now: float) -> float | None:
        """The seconds until the next try, after one that has failed, or a session that is over.

        @return: None if the time for trying is over.
        """
        if self._is_in:
            self._wait, self._contact, self._is_in = 0.0, now, False
        self._wait = min(2 * self._wait, LONGEST) or FIRST
        wait = self._wait * (1 + self._chance.random()) / 2
        if self._retry is None:
            return wait
        left = self._contact + self._retry - now
        return min(wait, left) if left > 0 else None
