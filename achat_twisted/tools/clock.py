"""The clock for all timers: nobody can set it, and a suspension does not make timers fire.

Twisted's reactors go by C{time.time}, the wall clock. When that is set back an hour, by hand or by
NTP, no timer fires for an hour; when it is set forward, all fire at once. So our processes have
their reactor go by C{CLOCK_MONOTONIC} instead, see C{clock_gettime(2)}, which also stands still
while the machine is suspended. The wall clock is only for timestamps.

This does not patch Twisted's code. C{ReactorBase.seconds} is the reactor's source of time, which
C{callLater}, C{DelayedCall}, C{timeout} and C{runUntilCurrent} all call through the instance;
Twisted's own C{test_callLaterUsesReactorSecondsInDelayedCall} tests that it can be replaced. The
reactor on C{asyncio} passes only differences to its loop.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from twisted.internet.base import ReactorBase

BEAT = 0.5
"""The most seconds between two readings of the clock, while the process runs."""

SUSPENDED = 1.0
"""Seconds without a reading after which the process was suspended, unless it was busy."""

COUNTED = 0.1
"""The seconds that a suspension counts for, so that every timer fires in the end."""


class SteadyClock:
    """C{CLOCK_MONOTONIC} without the time for which the process did not run.

    A process that was stopped (SIGSTOP, a frozen container, an overloaded machine) wakes up with
    timers that are due, and with input that came in time and is not read yet. A reactor runs its
    timers first. So the time of a suspension does not count: every timer has as long left as
    before, and meanwhile the input is read. A process that was busy for as long did run, and its
    timers fire as they should; its processor time tells the two apart.
    """

    __slots__ = ("_busy", "_cpu", "_lag", "_monotonic", "_seen")

    def __init__(
        self,
        monotonic: Callable[[], float] = time.monotonic,
        cpu: Callable[[], float] = time.thread_time,
    ) -> None:
        """@param cpu: the processor time that the calling thread has used, in seconds."""
        self._monotonic = monotonic
        self._cpu = cpu
        self._seen = monotonic()
        self._lag = 0.0
        self.beat()

    def beat(self) -> None:
        """Note how busy the process has been; to be called every L{BEAT} seconds."""
        self._busy = self._cpu()

    def seconds(self) -> float:
        """The seconds since some moment before the process began."""
        now = self._monotonic()
        gap = now - self._seen
        if gap > SUSPENDED and self._cpu() - self._busy < gap / 2:
            self._lag += gap - COUNTED
        self._seen = now
        return now - self._lag


def wait_steadily(reactor: ReactorBase, clock: SteadyClock | None = None) -> None:
    """Make a reactor go by a L{SteadyClock} from now on, unless it does already.

    @raise RuntimeError: if there are timers already, set by the reactor's former clock.
    """
    if isinstance(getattr(reactor.seconds, "__self__", None), SteadyClock):
        return
    if reactor.getDelayedCalls():
        raise RuntimeError("this reactor has timers already: its clock must be set before them")
    steady = clock or SteadyClock()
    reactor.seconds = steady.seconds

    def beat() -> None:
        # This reads the clock often enough, even when there is nothing to do.
        steady.beat()
        reactor.callLater(BEAT, beat)

    beat()
