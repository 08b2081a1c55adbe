"""The clock that everything waits by: nobody can set it, and a suspension does not make it strike.

Twisted's reactors go by C{time.time}, the wall clock. When that is set back an hour, by hand or by
NTP, no timer strikes for an hour; when it is set forward, all strike at once. So our processes have
their reactor go by C{CLOCK_MONOTONIC} instead, see C{clock_gettime(2)}, which also stands still
while the machine is suspended. The wall clock is for stamps alone.

That is no patch of Twisted's code. C{ReactorBase.seconds} is the reactor's source of time, which
C{callLater}, C{DelayedCall}, C{timeout} and C{runUntilCurrent} all ask through the instance; that
one can be given another is what Twisted's own C{test_callLaterUsesReactorSecondsInDelayedCall} is
about. The reactor on C{asyncio} hands its loop differences only.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from twisted.internet.interfaces import IDelayedCall

BEAT = 0.5
"""Seconds between two readings of the clock at most, while the process runs."""

SUSPENDED = 1.0
"""Seconds without a reading, after which the process counts as one that was suspended."""

MOMENT = 5.0
"""Seconds to read what has come during a suspension, until the time that it took counts.

A login takes less than a tenth of a millisecond, so 20,000 names are read in half of it.
"""


class SteadyClock:
    """C{CLOCK_MONOTONIC}, but for a moment after a suspension.

    A process that was stopped (SIGSTOP, a frozen container, a machine that had no time for it)
    wakes up with timers that are due, and with input that has come in time and is not read. A
    reactor sees to its timers first. So the clock goes on from where it was, and only a
    L{MOMENT} later it is right again. It lags by one suspension at most, so that timers strike in
    a process, too, that is slow all the time.
    """

    __slots__ = ("_lag", "_monotonic", "_right_at", "_seen")

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._seen = monotonic()
        self._lag = self._right_at = 0.0

    def seconds(self) -> float:
        """Seconds since some moment before the process began."""
        now = self._monotonic()
        if now - self._seen > SUSPENDED:
            self._lag, self._right_at = now - self._seen, now + MOMENT
        self._seen = now
        return now - self._lag if now < self._right_at else now


class Reactor(Protocol):
    """What is used of a reactor, see L{twisted.internet.base.ReactorBase}."""

    seconds: Callable[[], float]

    def callLater(self, delay: float, call: Callable[[], Any], /) -> IDelayedCall: ...

    def getDelayedCalls(self) -> Sequence[IDelayedCall]: ...


def wait_steadily(reactor: Reactor, monotonic: Callable[[], float] = time.monotonic) -> None:
    """Have a reactor go by a L{SteadyClock} from now on, unless it does already.

    @raise RuntimeError: if there are timers, which were set by the reactor's former clock.
    """
    if isinstance(getattr(reactor.seconds, "__self__", None), SteadyClock):
        return
    if reactor.getDelayedCalls():
        raise RuntimeError("this reactor has timers already: its clock must be set before them")
    reactor.seconds = SteadyClock(monotonic).seconds
    _beat(reactor)


def _beat(reactor: Reactor) -> None:
    """See that the clock is read as often as it must be, also when there is nothing to do."""
    reactor.callLater(BEAT, lambda: _beat(reactor))
