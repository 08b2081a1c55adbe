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
"""Seconds without a reading, after which the process was suspended, unless it was busy."""

COUNTED = 0.1
"""What a suspension counts, in seconds, so that every timer strikes in the end."""


class SteadyClock:
    """C{CLOCK_MONOTONIC} without the time for which the process did not run.

    A process that was stopped (SIGSTOP, a frozen container, a machine that had no time for it)
    wakes up with timers that are due, and with input that has come in time and is not read. A
    reactor sees to its timers first. So the time of a suspension does not count: everybody has
    what was left, in which the input is read. One that was busy for as long did run, and timers
    strike as they should; the time that it has had on the processor tells it from the other.
    """

    __slots__ = ("_busy", "_cpu", "_lag", "_monotonic", "_seen")

    def __init__(
        self,
        monotonic: Callable[[], float] = time.monotonic,
        cpu: Callable[[], float] = time.thread_time,
    ) -> None:
        """@param cpu: seconds for which the calling thread was on a processor so far."""
        self._monotonic = monotonic
        self._cpu = cpu
        self._seen = monotonic()
        self._lag = 0.0
        self.beat()

    def beat(self) -> None:
        """Note how busy the process was by now; to be called every L{BEAT} seconds."""
        self._busy = self._cpu()

    def seconds(self) -> float:
        """Seconds since some moment before the process began."""
        now = self._monotonic()
        gap = now - self._seen
        if gap > SUSPENDED and self._cpu() - self._busy < gap / 2:
            self._lag += gap - COUNTED
        self._seen = now
        return now - self._lag


class Reactor(Protocol):
    """What is used of a reactor, see C{twisted.internet.base.ReactorBase}."""

    seconds: Callable[[], float]

    def callLater(self, delay: float, call: Callable[[], Any], /) -> IDelayedCall: ...

    def getDelayedCalls(self) -> Sequence[IDelayedCall]: ...


def wait_steadily(reactor: Reactor, clock: SteadyClock | None = None) -> None:
    """Have a reactor go by a L{SteadyClock} from now on, unless it does already.

    @raise RuntimeError: if there are timers, which were set by the reactor's former clock.
    """
    if isinstance(getattr(reactor.seconds, "__self__", None), SteadyClock):
        return
    if reactor.getDelayedCalls():
        raise RuntimeError("this reactor has timers already: its clock must be set before them")
    steady = clock or SteadyClock()
    reactor.seconds = steady.seconds

    def beat() -> None:
        # So the clock is read often enough, also when there is nothing to do.
        steady.beat()
        reactor.callLater(BEAT, beat)

    beat()
