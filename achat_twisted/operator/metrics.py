"""The metrics: the names of the server's figures, and their meanings.

Strategy: nothing is kept up to date for a scrape. Each scrape reads the ledger, the sessions, the
mailbox and the meter as they are, and takes 2 to 5 ms with 10,000 sessions. The values of labels
come from short lists, and are all there from the start; no client's name is one. The rules for
names are at U{https://prometheus.io/docs/practices/naming/}.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from prometheus_client.core import (
    CollectorRegistry,
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)

import twisted
from achat_twisted import __version__
from achat_twisted.broker.broker import Broker
from achat_twisted.mailbox.interfaces import IMailbox
from achat_twisted.reader.factory import ChatFactory
from achat_twisted.tools.meter import Histogram, Meter

_PAGE = resource.getpagesize()
_TICK = os.sysconf("SC_CLK_TCK")

REASONS = ("full", "unknown")
"""The reasons for which copies are refused, by the word of the sender's notice."""

MEANINGS = {
    "achat_copies_accepted_total": "Copies that were taken in.",
    "achat_copies_delivered_total": "Copies that the recipient's machine has acknowledged, or its"
    " client has got.",
    "achat_copies_expired_total": "Copies that were kept for too long, or purged by an operator.",
    "achat_copies_refused_total": "Copies that were refused with a notice, by its word.",
    "achat_copies_inherited": "Copies that were in the mailbox at the start.",
    "achat_copies_kept": "Copies that are in the mailbox.",
    "achat_copies_in_flight": "Copies on their way: all in no other column.",
    "achat_connections": "Open connections, with a name or without.",
    "achat_sessions": "Connections that are logged in, by how they are fed.",
    "achat_tagged_sessions": "Those of them that have a tag.",
    "achat_tags": "Tags that are remembered, of clients that are here or away.",
    "achat_logins_total": "Connections that have logged in, or have ended before that.",
    "achat_outbox_bytes": "Bytes queued in memory, for all clients together.",
    "achat_outbox_fullest_bytes": "Bytes queued in memory for the client with the most of them.",
    "achat_outbox_high_water_bytes": "The most bytes that were queued or unacknowledged, for all"
    " clients together.",
    "achat_unacknowledged_bytes": "Bytes written that are not known to have arrived.",
    "achat_unacknowledged_age_seconds": "Age of the oldest unacknowledged byte, to about a second.",
    "achat_unconfirmed_bytes": "Bytes sent to clients with a tag, which have not said that they got"
    " them.",
    "achat_unconfirmed_age_seconds": "Age of the oldest of them, to about a second.",
    "achat_turn_seconds": "Time to serve a round of clients, during which nobody else is served.",
    "achat_mailbox_bytes": "Bytes of mail that is kept, as --mailbox-total counts them.",
    "achat_mailbox_failing": "1 if the mailbox's file cannot be written just now, or else 0.",
    "achat_mailbox_commit_seconds": "Time to write a batch to the mailbox's file, including"
    " failures.",
    "process_cpu_seconds_total": "Total user and system CPU time spent in seconds.",
    "process_max_fds": "Maximum number of open file descriptors.",
    "process_virtual_memory_bytes": "Virtual memory size in bytes.",
    "process_resident_memory_bytes": "Resident memory size in bytes.",
    "process_start_time_seconds": "Start time of the process since unix epoch in seconds.",
}
"""All metrics, by their names; those that end in C{_total} only grow.

Those of the process are called as Prometheus's own libraries call them.
"""


class Metrics:
    """The collector of all the server's metrics."""

    def __init__(
        self, broker: Broker, mailbox: IMailbox, factory: ChatFactory, meter: Meter
    ) -> None:
        self._broker = broker
        self._mailbox = mailbox
        self._factory = factory
        self._meter = meter

    def collect(self) -> Iterator[Metric]:
        versions = {"version": __version__, "twisted": twisted.__version__}
        yield InfoMetricFamily("achat", "Versions in use.", versions)
        balance = self._broker.estimate()
        yield _figure("achat_copies_accepted_total", balance.accepted)
        yield _figure("achat_copies_delivered_total", balance.delivered)
        yield _figure("achat_copies_expired_total", balance.expired)
        refused = {**dict.fromkeys(REASONS, 0), **balance.refused}
        yield _divided("achat_copies_refused_total", "reason", refused)
        yield _figure("achat_copies_inherited", balance.inherited)
        yield _figure("achat_copies_kept", balance.kept)
        yield _figure("achat_copies_in_flight", balance.in_flight)
        load = self._broker.load()
        yield _figure("achat_connections", self._factory.connections)
        sessions = {feed.name.lower(): count for feed, count in load.sessions.items()}
        yield _divided("achat_sessions", "feed", sessions)
        yield _figure("achat_tagged_sessions", load.tagged)
        yield _figure("achat_tags", self._mailbox.tags.count())
        yield _divided("achat_logins_total", "outcome", self._meter.logins)
        yield _figure("achat_outbox_bytes", load.queued)
        yield _figure("achat_outbox_fullest_bytes", load.fullest)
        yield _figure("achat_outbox_high_water_bytes", self._broker.pool.highest)
        yield _figure("achat_unacknowledged_bytes", load.unacknowledged)
        yield _figure("achat_unacknowledged_age_seconds", load.age)
        yield _figure("achat_unconfirmed_bytes", load.unconfirmed)
        yield _figure("achat_unconfirmed_age_seconds", load.unconfirmed_age)
        yield _histogram("achat_turn_seconds", self._meter.turns)
        yield _figure("achat_mailbox_bytes", self._mailbox.size())
        yield _figure("achat_mailbox_failing", int(self._mailbox.failing))
        yield _histogram("achat_mailbox_commit_seconds", self._meter.commits)


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
        yield _figure("process_cpu_seconds_total", time.process_time())
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        yield _figure("process_max_fds", files)
        try:
            fields = self._stat.read_text().rpartition(")")[2].split()
        except OSError:
            return
        started, virtual, resident = (float(fields[i]) for i in (19, 20, 21))
        yield _figure("process_virtual_memory_bytes", virtual)
        yield _figure("process_resident_memory_bytes", resident * _PAGE)
        yield _figure("process_start_time_seconds", self._boot + started / _TICK)


def registry(metrics: Metrics) -> CollectorRegistry:
    """The registry of all metrics: the server's, and the process's."""
    all_of_it = CollectorRegistry()
    all_of_it.register(metrics)
    all_of_it.register(ProcessFigures())
    return all_of_it


def _figure(name: str, value: float) -> Metric:
    kind = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
    return kind(name, MEANINGS[name], value)


def _divided(name: str, label: str, values: Mapping[str, int]) -> Metric:
    """A figure in parts, by the values of a label."""
    kind = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
    family = kind(name, MEANINGS[name], labels=[label])
    for value, count in values.items():
        family.add_metric([value], count)
    return family


def _histogram(name: str, histogram: Histogram) -> Metric:
    buckets = histogram.buckets()
    return HistogramMetricFamily(name, MEANINGS[name], buckets, histogram.total)
