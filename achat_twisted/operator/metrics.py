"""The metrics: the names of the server's figures, and their meanings.

Strategy: nothing is kept up to date for a scrape. Each scrape reads the ledger, the sessions, the
mailbox and the meter as they are, and takes 2 to 5 ms with 10,000 sessions. The values of labels
come from short lists, and are all there from the start; no client's name is one. The rules for
names are at U{https://prometheus.io/docs/practices/naming/}.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

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
from achat_twisted.operator.process import ProcessFigures
from achat_twisted.reader.factory import ChatFactory
from achat_twisted.tools.meter import Histogram, Meter

REASONS = ("full", "unknown")
"""The reasons for which copies are refused, by the word of the sender's notice."""

MEANINGS = {
    "copies_accepted_total": "Copies that were taken in.",
    "copies_delivered_total": "Copies that the recipient's machine has acknowledged.",
    "copies_expired_total": "Copies that were kept for too long.",
    "copies_refused_total": "Copies that were refused with a notice, by its word.",
    "copies_inherited": "Copies that were in the mailbox at the start.",
    "copies_kept": "Copies that are in the mailbox.",
    "copies_in_flight": "Copies on their way: all in no other column.",
    "connections": "Open connections, with a name or without.",
    "sessions": "Connections that are logged in, by how they are fed.",
    "logins_total": "Connections that have logged in, or have ended before that.",
    "outbox_bytes": "Bytes queued in memory, for all clients together.",
    "outbox_fullest_bytes": "Bytes queued in memory for the client with the most of them.",
    "outbox_high_water_bytes": "The most bytes that were queued or unacknowledged, for all clients"
    " together.",
    "unacknowledged_bytes": "Bytes written that are not known to have arrived.",
    "unacknowledged_age_seconds": "Age of the oldest unacknowledged byte, to about a second.",
    "turn_seconds": "Time to serve a round of clients, during which nobody else is served.",
    "mailbox_bytes": "Bytes of mail that is kept, as --mailbox-total counts them.",
    "mailbox_failing": "1 if the mailbox's file cannot be written just now, or else 0.",
    "mailbox_commit_seconds": "Time to write a batch to the mailbox's file, including failures.",
}
"""The server's metrics, by their names without C{achat_}; those that end in C{_total} only grow."""


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
        yield _figure("copies_accepted_total", balance.accepted)
        yield _figure("copies_delivered_total", balance.delivered)
        yield _figure("copies_expired_total", balance.expired)
        refused = {**dict.fromkeys(REASONS, 0), **balance.refused}
        yield _divided("copies_refused_total", "reason", refused)
        yield _figure("copies_inherited", balance.inherited)
        yield _figure("copies_kept", balance.kept)
        yield _figure("copies_in_flight", balance.in_flight)
        load = self._broker.load()
        yield _figure("connections", self._factory.connections)
        sessions = {feed.name.lower(): count for feed, count in load.sessions.items()}
        yield _divided("sessions", "feed", sessions)
        yield _divided("logins_total", "outcome", self._meter.logins)
        yield _figure("outbox_bytes", load.queued)
        yield _figure("outbox_fullest_bytes", load.fullest)
        yield _figure("outbox_high_water_bytes", self._broker.pool.highest)
        yield _figure("unacknowledged_bytes", load.unacknowledged)
        yield _figure("unacknowledged_age_seconds", load.age)
        yield _histogram("turn_seconds", self._meter.turns)
        yield _figure("mailbox_bytes", self._mailbox.size())
        yield _figure("mailbox_failing", int(self._mailbox.failing))
        yield _histogram("mailbox_commit_seconds", self._meter.commits)


def registry(metrics: Metrics) -> CollectorRegistry:
    """The registry of all metrics: the server's, and the process's."""
    all_of_it = CollectorRegistry()
    all_of_it.register(metrics)
    all_of_it.register(ProcessFigures())
    return all_of_it


def _figure(name: str, value: float) -> Metric:
    kind = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
    return kind(f"achat_{name}", MEANINGS[name], value)


def _divided(name: str, label: str, values: Mapping[str, int]) -> Metric:
    """A figure in parts, by the values of a label."""
    kind = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
    family = kind(f"achat_{name}", MEANINGS[name], labels=[label])
    for value, count in values.items():
        family.add_metric([value], count)
    return family


def _histogram(name: str, histogram: Histogram) -> Metric:
    buckets = histogram.buckets()
    return HistogramMetricFamily(f"achat_{name}", MEANINGS[name], buckets, histogram.total)
