"""The log's queue: lines that wait, lines that are missing, and the end."""

from __future__ import annotations

import atexit
from functools import partial
from threading import Event
from time import monotonic

from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.server import log_queue
from achat_twisted.server.log_queue import CAPACITY, LogQueue


class ThreadlessQueue(LogQueue):
    """A queue whose thread a test stands in for, if it may start.

    @ivar threads: the number that were started.
    """

    may_start = True
    threads = 0

    def start_thread(self) -> None:
        if not self.may_start:
            raise RuntimeError("can't start new thread")
        self.threads += 1


class LogQueueTests(SynchronousTestCase):
    """L{LogQueue}."""

    def setUp(self) -> None:
        self.log: list[str] = []
        self.is_full = False
        self.queue = ThreadlessQueue(lambda lines: self._write(f"{lines} are missing"))

    def _write(self, line: str) -> None:
        if self.is_full:
            raise OSError("no space left on device")
        self.log.append(line)

    def _put(self, *lines: str) -> None:
        for line in lines:
            self.queue.put(partial(self._write, line))

    def _begin(self) -> None:
        self.queue.begin()
        self.addCleanup(atexit.unregister, self.queue.end)

    def _work(self, count: int) -> None:
        for _ in range(count):
            self.queue.run_next()

    def test_before_the_reactor_runs(self) -> None:
        """At first lines are written at once, as twistd may still fork."""
        self._put("1")
        self.assertEqual((self.log, self.queue.threads), (["1"], 0))

    def test_while_it_runs(self) -> None:
        """One thread writes all lines, in order."""
        self._begin()
        self._put("1", "2")
        self.assertEqual((self.log, self.queue.threads), ([], 1))
        self._work(2)
        self.assertEqual(self.log, ["1", "2"])

    def test_full(self) -> None:
        """Lines without room are counted in their place, until half of the queue is written."""
        self._begin()
        self._put(*(f"{number}" for number in range(CAPACITY + 3)))
        self._work(CAPACITY // 2)
        self._put("too early")
        self._work(2)
        self._put("room")
        self._work(CAPACITY // 2)
        self.assertEqual(self.log[CAPACITY - 1 :], [f"{CAPACITY - 1}", "4 are missing", "room"])

    def test_full_again(self) -> None:
        """Each time that it is full is counted by itself."""
        self._begin()
        for missing in (2, 5):
            self._put(*("line" for _ in range(CAPACITY + missing)))
            self._work(CAPACITY + 1)
        self.assertEqual(
            [line for line in self.log if line != "line"], ["2 are missing", "5 are missing"]
        )

    def test_failure(self) -> None:
        """Lines that cannot be written are counted, and reported when something can be."""
        self._begin()
        self._put("1", "2")
        self.is_full = True
        self._work(2)
        self.is_full = False
        self._put("3")
        self._work(1)
        self.assertEqual(self.log, ["2 are missing", "3"])

    def test_gap_on_a_full_disk(self) -> None:
        """A gap that cannot be reported is counted with the other missing lines."""
        self._begin()
        self._put(*("line" for _ in range(CAPACITY + 3)))
        self.is_full = True
        self._work(CAPACITY + 1)
        self.is_full = False
        self._put("room")
        self._work(1)
        self.assertEqual(self.log, [f"{CAPACITY + 3} are missing", "room"])

    def test_other_work(self) -> None:
        """Work to be done between lines is never left out, and may fail."""
        self._begin()
        self._put(*("line" for _ in range(CAPACITY + 1)))
        self.queue.do(lambda: self._write("rotated"))
        self.queue.do(lambda: 1 // 0)
        self._work(CAPACITY + 3)
        self.assertEqual(self.log[-1], "rotated")
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_no_thread(self) -> None:
        """Without a thread lines are written at once, until there can be one."""
        self._begin()
        self.queue.may_start = False
        self._put("1", "2")
        self.assertEqual(self.log, ["1", "2"])
        self.queue.may_start = True
        self._put("3")
        self.assertEqual((self.queue.threads, self.log), (1, ["1", "2"]))
        self._work(1)
        self.assertEqual(self.log, ["1", "2", "3"])

    def test_last_lines(self) -> None:
        """At the end all waiting lines are written, and so is each later one."""
        queue = LogQueue(lambda lines: self._write(f"{lines} are missing"))
        queue.begin()
        queue.put(partial(self._write, "1"))
        queue.end()
        self.assertEqual(self.log, ["1"])
        queue.put(partial(self._write, "2"))
        self.assertEqual(self.log, ["1", "2"])

    def test_stuck_at_the_end(self) -> None:
        """A log that takes nothing is not waited for any longer than some seconds, all together."""
        self.patch(log_queue, "LAST", 0.05)
        queue = LogQueue(lambda _: None)
        queue.begin()
        goes_on = Event()
        queue.put(goes_on.wait)
        began = monotonic()
        queue.end()
        queue.put(partial(self._write, "1"))
        self.assertLess(monotonic() - began, 1)
        self.assertEqual(self.log, [])
        goes_on.set()
