"""The event loop of the load: one thread, one epoll, one call for what a descriptor is ready for.

Strategy: the load shares a machine with the server that it measures, so it must need less than
that; an event is one look-up and one call, and nothing is allocated for it.
"""

from __future__ import annotations

import select
import ssl
import time
from collections.abc import Callable

from achat_twisted.bench.failure import Failed

PATIENCE = 10.0
"""Seconds for which nothing at all may happen before a server is given up."""

WOULD_BLOCK = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
"""The errors of a socket that is not ready after all."""

IN, OUT = select.EPOLLIN, select.EPOLLOUT

Handler = Callable[[int], None]


class Loop:
    """Calls the handler of each descriptor that is ready, until nothing is pending.

    @ivar pending: how much still has to happen; handlers count it down.
    @ivar now: when the kernel last said what is ready, by C{time.perf_counter}.
    """

    def __init__(self) -> None:
        self.pending = 0
        self.now = 0.0
        self._epoll = select.epoll()
        self._handlers: dict[int, Handler] = {}

    def watch(self, fd: int, events: int, handler: Handler) -> None:
        """Call C{handler} with what C{fd} is ready for, whenever it is."""
        self._handlers[fd] = handler
        self._epoll.register(fd, events)

    def change(self, fd: int, events: int) -> None:
        """Wait for these events alone from now on."""
        self._epoll.modify(fd, events)

    def forget(self, fd: int) -> None:
        del self._handlers[fd]
        self._epoll.unregister(fd)

    def run(self) -> None:
        """Go on until nothing is pending.

        @raise Failed: if nothing happens any more before that.
        """
        poll, handlers, clock = self._epoll.poll, self._handlers, time.perf_counter
        while self.pending:
            ready = poll(PATIENCE)
            self.now = clock()
            if not ready:
                raise Failed(f"nothing has come for {PATIENCE:g} seconds, though more was due")
            for fd, events in ready:
                handlers[fd](events)

    def run_for(self, seconds: float) -> None:
        """Go on for some time, whatever is pending."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            self.turn(left)

    def turn(self, seconds: float) -> bool:
        """Wait until something happens, or for some time; true if something has."""
        # select(2) counts microseconds, where epoll_wait(2) counts milliseconds.
        select.select([self._epoll], [], [], max(0.0, seconds))
        ready = self._epoll.poll(0)
        self.now = time.perf_counter()
        for fd, events in ready:
            self._handlers[fd](events)
        return bool(ready)

    def close(self) -> None:
        self._epoll.close()
