"""Threads: the mailbox's, and others like it."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool
from zope.interface import implementer

from achat_twisted.tools.errors import NoThread
from achat_twisted.tools.interfaces import IWorker, Result


class DaemonThread(Thread):
    """A thread that does not keep the process alive if the disk never answers."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options, daemon=True)


@implementer(IWorker)
class ThreadWorker:
    """Works in one or a few threads of its own, which start with the first work."""

    def __init__(
        self,
        reactor: Any,
        threads: int = 1,
        name: str = "mailbox",
        kind: type[Thread] = DaemonThread,
    ) -> None:
        """@param kind: the class of the threads."""
        self._reactor = reactor
        self._pool = ThreadPool(minthreads=0, maxthreads=threads, name=name)
        self._pool.threadFactory = kind

    def start(self) -> None:
        self._pool.start()

    def run(self, work: Callable[[], Result]) -> Deferred[Result]:
        try:
            return deferToThreadPool(self._reactor, self._pool, work)
        except (RuntimeError, MemoryError):  # threading cannot start a thread
            # The pool has dropped the work, but would wait at its stop for a thread that never ran.
            self._pool.threads = [thread for thread in self._pool.threads if thread.ident]
            return fail(NoThread())

    def stop(self) -> None:
        self._pool.stop()
