"""The mail clock, by which mail ages, and which no step of the wall clock moves.

Strategy: it goes by running time, from where it stood when a server last used the file. The wall
clock is asked once, for the time in between, and believed within reason: that cannot have been
negative, and counts a tenth of C{--keep} at most. The two readings are kept together, so that a
wall clock that was set while a server ran is not mistaken for time that has passed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from twisted.internet.interfaces import IReactorTime

DOWNTIME = 0.1
"""The most that the time between two servers counts, as a share of the age when mail expires."""


class Standing(NamedTuple):
    """The reading of a mail clock, and of the wall clock then; in seconds since 1970 (UTC)."""

    mail: float
    wall: float


class MailClock:
    """Tells when mail was kept; L{start} comes first."""

    _origin: float

    def __init__(self, clock: IReactorTime, wall: Callable[[], float]) -> None:
        """@param clock: running time.
        @param wall: seconds since 1970 as the machine has them, C{time.time}.
        """
        self._clock = clock
        self._wall = wall

    def start(self, last: Standing | None, newest: float | None, age: float) -> None:
        """Go on from where the file's last server stopped.

        @param last: where the clock stood then; None if that is not known.
        @param newest: when the newest mail was kept, as its stamp says; None if there is none.
        @param age: seconds after which mail expires.
        """
        wall = self._wall()
        if last is None:
            begin = wall if newest is None else min(newest, wall)
            last = Standing(begin, begin)
        downtime = min(max(0.0, wall - last.wall), age * DOWNTIME)
        self._origin = last.mail + downtime - self._clock.seconds()

    def now(self) -> float:
        """Seconds since 1970, more or less: only differences count."""
        return self._origin + self._clock.seconds()

    def standing(self) -> Standing:
        """The standing that the next server will L{start} from."""
        return Standing(self.now(), self._wall())
