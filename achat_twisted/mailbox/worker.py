"""Threads: the mailbox's, and others of the kind."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool
from zope.interface import implementer

from achat_twisted.interfaces import IWorker


class _DaemonThread(Thread):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options, daemon=True)


class _Pool(ThreadPool):
    """A pool whose threads do not keep the process, should the disk never answer."""

    threadFactory = _DaemonThread


@implementer(IWorker)
class ThreadWorker:
    """Works in one thread of its own, or a few, which start with the first work."""

    def __init__(self, reactor: Any, threads: int = 1, name: str = "mailbox") -> None:
        self._reactor = reactor
        self._pool = _Pool(minthreads=0, maxthreads=threads, name=name)

    def start(self) -> None:
        self._pool.start()

    def run(self, work: Callable[[], Any]) -> Deferred[Any]:
        return deferToThreadPool(self._reactor, self._pool, work)

    def stop(self) -> None:
        self._pool.stop()
