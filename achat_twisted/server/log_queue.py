"""Lines on their way to the log, which must never hold up the server.

Strategy: a pipe that nobody reads, a disk that hangs and a syslog that is stuck all block their
writer. So while the server serves, a thread writes, from a bounded queue. Before and after that
lines are written at once, or at least waited for: nobody is served then, twistd may fork, and the
process may end at any time.
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
"""The lines that may wait for the log; any more are dropped, until half of them are written."""

LAST = 2.0
"""The seconds for which the last lines are waited for, all together."""

PAUSE = 0.01
"""The seconds for which the thread sleeps when it has written all, so that it is not woken for each
line: with 4,000 logins in a row, of two lines each, that was 75 of 540 µs of CPU for a login.
"""

Work = Callable[[], object]
"""Writes a line, or does something else to the log between two lines."""


class _Gap:
    """The number of lines in a row for which there was no room."""

    lines = 0


class LogQueue:
    """Does the work that is put, in order, between L{begin} and L{end} in a thread of its own.

    A destructor may log while another line is put; that would be a deadlock with any lock of ours,
    but C{SimpleQueue} allows it.
    """

    _log = Logger()

    def __init__(self, tell_missing: Callable[[int], None]) -> None:
        """@param tell_missing: writes how many lines are missing at this point, or fails as for any
        line.
        """
        self._tell_missing = tell_missing
        self._waiting: SimpleQueue[Work] = SimpleQueue()
        self._serving = self._has_thread = self._is_full = False
        self._gap = _Gap()
        self._missing = 0  # lines whose turn has come
        self._until: float | None = None

    def begin(self) -> None:
        """From now on do not wait for the log."""
        self._serving = True
        # A reactor that fails ends the process without its shutdown calls.
        atexit.register(self.end)

    def end(self) -> None:
        """Wait for the lines left, and from now on for each line, for L{LAST} seconds in all."""
        atexit.unregister(self.end)
        self._serving = False
        self._until = monotonic() + LAST
        self._wait()

    def put(self, write: Work) -> None:
        """Have a line written, or counted as missing if there is no room for it."""
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
        """Have something done after the lines that wait."""
        if self._can_wait():
            self._waiting.put(work)
            self._wait()
        else:
            work()

    def start_thread(self) -> None:
        """Start the thread, which does not keep the process alive if the log never answers.

        @raise RuntimeError: if the system allows no more threads.
        """
        Thread(target=self.run, name="log", daemon=True).start()

    def run(self) -> None:
        """Do the work that is put, for ever; this is what the thread runs."""
        while True:
            self.run_next()
            if self._waiting.empty():
                sleep(PAUSE)

    def run_next(self) -> None:
        """Do the work that was put first; wait if there is none."""
        work = self._waiting.get()
        try:
            work()
        except Exception:
            self._log.failure("The log has failed")

    def _can_wait(self) -> bool:
        """Tell if there is a thread for the lines that wait; if none can be started, the log is
        waited for until one can be.
        """
        if self._serving and not self._has_thread:
            try:
                self.start_thread()
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
        """Write a line, after the number missing before it; or count it as missing, too."""
        try:
            self._say_missing()
            write()
        except Exception:  # whatever it is, there is nowhere else to report it
            self._missing += 1

    def _pass(self, gap: _Gap) -> None:
        """Write how many lines are missing in a gap, now or before the next line that is taken."""
        self._missing += gap.lines
        with suppress(Exception):
            self._say_missing()

    def _say_missing(self) -> None:
        if self._missing:
            self._tell_missing(self._missing)
            self._missing = 0
