"""Threads: the mailbox's, and others like it."""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IReactorFromThreads
from twisted.python.failure import Failure
from zope.interface import implementer

from achat_twisted.tools.errors import NoThread
from achat_twisted.tools.interfaces import IWorker, Result

_Job = tuple[Callable[[], Any], Deferred[Any]]


class DaemonThread(Thread):
    """A thread that does not keep the process alive if the disk never answers."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options, daemon=True)


@implementer(IWorker)
class ThreadWorker:
    """Works in one or a few threads of its own, which start as there is work for them.

    Twisted's pool hands a piece of work through three queues and two locks on its way, and as long
    as it puts that in order, the reactor's thread waits for the interpreter's lock. That was a
    tenth of the mailbox's thread, 50 of 480 µs of CPU for a commit.
    """

    def __init__(
        self,
        reactor: IReactorFromThreads,
        threads: int = 1,
        name: str = "mailbox",
        kind: type[Thread] = DaemonThread,
    ) -> None:
        """@param threads: the most threads.
        @param kind: the class of the threads.
        """
        self._reactor = reactor
        self._most = threads
        self._name = name
        self._kind = kind
        self._threads: list[Thread] = []
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._unfinished = 0

    def start(self) -> None:
        """Start no thread yet, as twistd may still fork."""

    def run(self, work: Callable[[], Result]) -> Deferred[Result]:
        if len(self._threads) <= self._unfinished and len(self._threads) < self._most:
            self._start_thread()
        if not self._threads:
            return fail(NoThread())
        done: Deferred[Result] = Deferred()
        self._unfinished += 1
        self._jobs.put((work, done))
        return done

    def stop(self) -> None:
        """Stop when all that was given is done, and wait for that."""
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()

    def _start_thread(self) -> None:
        """Start one more, if the system allows it."""
        thread = self._kind(target=self._work, name=self._name)
        try:
            thread.start()
        except (RuntimeError, MemoryError):
            return
        self._threads.append(thread)

    def _work(self) -> None:
        """In a thread: do what is given, until there is no more."""
        while self._do_next():
            pass

    def _do_next(self) -> bool:
        job = self._jobs.get()
        if job is None:
            return False
        work, done = job
        try:
            self._reactor.callFromThread(self._finish, done.callback, work())
        except BaseException:
            self._reactor.callFromThread(self._finish, done.errback, Failure())
        return True

    def _finish(self, answer: Callable[[Any], None], result: object) -> None:
        """In the reactor's thread: let the caller have what has come of its work."""
        self._unfinished -= 1
        answer(result)
