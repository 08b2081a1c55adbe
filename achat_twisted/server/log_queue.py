"""Lines on their way to the log, which must never hold the server up.

Strategy: a pipe that nobody reads, a disk that hangs and a syslog that is stuck all block the one
that writes. So while the server serves, a thread writes, from a queue with a bound. Before and
after that lines are written at once, or at least waited for: nobody is served then, twistd may
fork, and the process may end at any time.
"""

from __future__ import annotations

import atexit
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from threading import Event, Thread
from time import monotonic, sleep

from twisted.logger import Logger

CAPACITY = 10_000
"""Lines that may wait for the log; what comes then is missing, until half of them are written."""

LAST = 2.0
"""Seconds for which the last lines are waited for, all together."""

PAUSE = 0.01
"""Seconds for which the thread sleeps when it has written all, so that it is not woken for each
line: with 4,000 logins in a row, of two lines each, that was 75 of 540 µs of CPU for a login.
"""

Work = Callable[[], object]
"""Writes a line, or does something else to the log between two lines."""


def start_thread(work: Callable[[], None]) -> None:
    """Start a thread that does not keep the process, should the log never answer.

    @raise RuntimeError: if the system allows no more threads.
    """
    Thread(target=work, name="log", daemon=True).start()


class _Gap:
    """Lines in a row that found no room."""

    lines = 0


class LogQueue:
    """Does what is put, in order, in a thread of its own between L{begin} and L{end}.

    C{SimpleQueue} may be used by a destructor that logs while another line is put, which would wait
    for itself at any lock of ours.
    """

    _log = Logger()

    def __init__(
        self,
        tell_missing: Callable[[int], None],
        start: Callable[[Callable[[], None]], None] = start_thread,
    ) -> None:
        """@param tell_missing: writes how many lines are missing in this place, or fails as any
            line may.
        @param start: starts a thread, or raises C{RuntimeError}.
        """
        self._tell_missing = tell_missing
        self._start = start
        self._waiting: SimpleQueue[Work] = SimpleQueue()
        self._serving = self._has_thread = self._is_full = False
        self._gap = _Gap()
        self._missing = 0  # of those whose place has come
        self._until: float | None = None

    def begin(self) -> None:
        """Wait for the log no more."""
        self._serving = True
        # A reactor that fails ends the process without the calls at its end.
        atexit.register(self.end)

    def end(self) -> None:
        """Wait for what is left, and from now on for each line, for L{LAST} seconds in all."""
        atexit.unregister(self.end)
        self._serving = False
        self._until = monotonic() + LAST
        self._wait()

    def put(self, write: Work) -> None:
        """Have a line written. If there is no room for it, it is counted in its place."""
        bound = CAPACITY // 2 if self._is_full else CAPACITY
        was_full, self._is_full = self._is_full, self._waiting.qsize() >= bound
        if not self._is_full:
            self.do(partial(self._attempt, write))
            return
        if not was_full:
            self._gap = _Gap()
            self._waiting.put(partial(self._pass, self._gap))
        self._gap.lines += 1

    def do(self, work: Work) -> None:
        """Have something done behind the lines that wait."""
        if self._can_wait():
            self._waiting.put(work)
            self._wait()
        else:
            work()

    def run(self) -> None:
        """Do what is put, for ever: the thread's work."""
        while True:
            self.run_next()
            if self._waiting.empty():
                sleep(PAUSE)

    def run_next(self) -> None:
        """Do what was put first; wait for it, if there is nothing."""
        work = self._waiting.get()
        try:
            work()
        except Exception:
            self._log.failure("The log has failed")

    def _can_wait(self) -> bool:
        """Whether there is a thread for what waits; if none can be started, the log is waited for
        until one can be.
        """
        if self._serving and not self._has_thread:
            try:
                self._start(self.run)
            except RuntimeError:
                return False
            self._has_thread = True
        return self._has_thread

    def _wait(self) -> None:
        if self._has_thread and self._until is not None:
            done = Event()
            self._waiting.put(done.set)
            done.wait(max(0.0, self._until - monotonic()))

    def _attempt(self, write: Work) -> None:
        """Write a line, behind how many are missing before it; or it is missing as well."""
        try:
            self._say_missing()
            write()
        except Exception:  # whatever it is, there is no other place where it could be said
            self._missing += 1

    def _pass(self, gap: _Gap) -> None:
        """Say at once how many lines are missing in a gap, or with the next line that is taken."""
        self._missing += gap.lines
        with suppress(Exception):
            self._say_missing()

    def _say_missing(self) -> None:
        if self._missing:
            self._tell_missing(self._missing)
            self._missing = 0
