"""Threads that work, and systems that let none be started."""

from __future__ import annotations

from collections.abc import Callable
from queue import Queue
from threading import Event
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.tools.errors import NoThread
from achat_twisted.tools.threads import DaemonThread, ThreadWorker


class FakeReactor:
    """Collects what threads have for the reactor's."""

    def __init__(self) -> None:
        self._calls: Queue[Any] = Queue()

    def callFromThread(
        self,
        callable: Callable[..., Any],  # noqa: A002  # as Twisted calls it
        *args: object,
        **kwargs: object,
    ) -> None:
        self._calls.put((callable, args))

    def turn(self) -> None:
        """Wait for one call, and make it."""
        call, arguments = self._calls.get(timeout=10)
        call(*arguments)


class ThreadWorkerTests(SynchronousTestCase):
    """L{ThreadWorker}, on a system with a limit."""

    def setUp(self) -> None:
        class LimitedThread(DaemonThread):
            def start(thread) -> None:
                if self.short:
                    raise RuntimeError("can't start new thread")
                super().start()
                self.threads.append(thread)

        self.short = True
        self.threads: list[DaemonThread] = []
        self.reactor = FakeReactor()
        self.worker = ThreadWorker(cast(Any, self.reactor), threads=2, kind=LimitedThread)
        self.worker.start()

    def result(self, work: Deferred[Any]) -> Any:
        self.reactor.turn()
        return self.successResultOf(work)

    def test_no_thread(self) -> None:
        """Work for which there is no thread is never begun, and fails by name."""
        done: list[int] = []
        self.failureResultOf(self.worker.run(lambda: done.append(1)), NoThread)
        self.short = False
        self.result(self.worker.run(lambda: done.append(2)))
        self.worker.stop()
        self.assertEqual(done, [2])

    def test_stop(self) -> None:
        """A stop does not wait for threads that never were."""
        self.failureResultOf(self.worker.run(lambda: None), NoThread)
        self.worker.stop()

    def test_side_by_side(self) -> None:
        """One piece of work may wait for another, and later ones find the two threads there."""
        self.short = False
        event = Event()
        first = self.worker.run(lambda: event.wait(10))
        self.worker.run(event.set)
        for _ in range(2):
            self.reactor.turn()
        self.assertTrue(self.successResultOf(first))
        for _ in range(3):
            self.result(self.worker.run(lambda: None))
        self.assertEqual(len(self.threads), 2)
        self.worker.stop()

    def test_no_more_threads(self) -> None:
        """Work for which there is no further thread waits for one that there is."""
        self.short = False
        event = Event()
        self.worker.run(lambda: event.wait(10))
        self.short = True
        second = self.worker.run(lambda: 2)
        event.set()
        self.reactor.turn()
        self.assertEqual(self.result(second), 2)
        self.worker.stop()

    def test_one_thread_is_enough(self) -> None:
        """No second thread starts for work that comes when all before it is done."""
        self.short = False
        for _ in range(3):
            self.result(self.worker.run(lambda: None))
        self.assertEqual(len(self.threads), 1)
        self.worker.stop()

    def test_error_of_the_work(self) -> None:
        """An error in the work goes to the caller that has given it."""
        self.short = False
        work = self.worker.run(lambda: 1 // 0)
        self.reactor.turn()
        self.failureResultOf(work, ZeroDivisionError)
        self.worker.stop()
