"""The process's figures, under the names that Prometheus's own libraries use."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterator
from pathlib import Path

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

_PAGE = resource.getpagesize()
_TICK = os.sysconf("SC_CLK_TCK")


class ProcessFigures:
    """Like the library's own C{ProcessCollector}, but without C{process_open_fds}.

    To count those it lists a directory with an entry for each, which takes 5 to 18 ms with 10,000
    connections, and holds them all up; see C{achat_connections} instead.
    """

    def __init__(self, proc: Path = Path("/proc")) -> None:
        """@param proc: see C{proc(5)}. If it is hidden there are fewer figures, but no failure."""
        self._stat = proc / "self" / "stat"
        # /proc/stat has it too, but a sandbox may hide that, as systemd's ProcSubset=pid does.
        self._boot = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)

    def collect(self) -> Iterator[Metric]:
        yield CounterMetricFamily(
            "process_cpu_seconds_total",
            "Total user and system CPU time spent in seconds.",
            time.process_time(),
        )
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        yield _gauge("max_fds", "Maximum number of open file descriptors.", files)
        try:
            fields = self._stat.read_text().rpartition(")")[2].split()
        except OSError:
            return
        started, virtual, resident = (float(fields[i]) for i in (19, 20, 21))
        yield _gauge("virtual_memory_bytes", "Virtual memory size in bytes.", virtual)
        yield _gauge("resident_memory_bytes", "Resident memory size in bytes.", resident * _PAGE)
        since = "Start time of the process since unix epoch in seconds."
        yield _gauge("start_time_seconds", since, self._boot + started / _TICK)


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(f"process_{name}", meaning, value)
