"""The cost of a load: time, the server's CPU, and the load's own."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager

from achat_twisted.bench.servers import Server
from achat_twisted.bench.workload import Figures


class Meter:
    """The measurement of what happens between two moments."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._own = time.process_time()
        self._cpu = server.cpu()
        self._began = time.perf_counter()

    def stop(self) -> None:
        self._seconds = time.perf_counter() - self._began
        self._generator = time.process_time() - self._own
        now = self._server.cpu()
        self._used = None if now is None or self._cpu is None else now - self._cpu

    def figures(self, count: int) -> Figures:
        """The figures, in all and for each of C{count} deliveries or logins.

        C{server} and C{generator} are what they used of one core.
        """
        used = self._used
        return {
            "count": count,
            "seconds": self._seconds,
            "rate": count / self._seconds,
            "cpu_each": None if used is None else used / count,
            "server": None if used is None else used / self._seconds,
            "generator": self._generator / self._seconds,
        }


@contextmanager
def measured(server: Server) -> Iterator[Meter]:
    """Measures what happens inside."""
    gc.collect()
    gc.disable()  # its time would be charged to the server's latency
    try:
        meter = Meter(server)
        yield meter
        meter.stop()
    finally:
        gc.enable()
