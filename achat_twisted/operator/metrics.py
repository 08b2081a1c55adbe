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
from achat_twisted.broker.ledger import Balance
from achat_twisted.broker.load import Load
from achat_twisted.mailbox.interfaces import IMailbox
from achat_twisted.operator.process import ProcessFigures
from achat_twisted.reader.factory import ChatFactory
from achat_twisted.tools.meter import Histogram, Meter

REASONS = ("full", "unknown")
"""The reasons for which copies are refused, by the word of the sender's notice."""


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
        yield InfoMetricFamily(
            "achat",
            "Versions in use.",
            {"version": __version__, "twisted": twisted.__version__},
        )
        yield from _ledger(self._broker.estimate())
        yield from self._sessions(self._broker.load())
        yield _histogram(
            "achat_turn_seconds",
            "Time to serve a round of clients, during which nobody else is served.",
            self._meter.turns,
        )
        yield from self._mail()

    def _sessions(self, load: Load) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "achat_connections",
            "Open connections, with a name or without.",
            self._factory.connections,
        )
        yield _labelled(
            GaugeMetricFamily(
                "achat_sessions",
                "Connections that are logged in, by how they are fed.",
                labels=["feed"],
            ),
            {feed.name.lower(): count for feed, count in load.sessions.items()},
        )
        yield _labelled(
            CounterMetricFamily(
                "achat_logins_total",
                "Connections that have logged in, or have ended before that.",
                labels=["outcome"],
            ),
            self._meter.logins,
        )
        for name, meaning, value in (
            ("outbox_bytes", "Bytes queued in memory, for all clients together.", load.queued),
            (
                "outbox_fullest_bytes",
                "Bytes queued in memory for the client with the most of them.",
                load.fullest,
            ),
            (
                "outbox_high_water_bytes",
                "The most bytes that were queued or unacknowledged, for all clients together.",
                self._broker.pool.highest,
            ),
            (
                "unacknowledged_bytes",
                "Bytes written that are not known to have arrived.",
                load.unacknowledged,
            ),
            (
                "unacknowledged_age_seconds",
                "Age of the oldest unacknowledged byte, to about a second.",
                load.age,
            ),
        ):
            yield GaugeMetricFamily(f"achat_{name}", meaning, value)

    def _mail(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "achat_mailbox_bytes",
            "Bytes of mail that is kept, as --mailbox-total counts them.",
            self._mailbox.size(),
        )
        yield GaugeMetricFamily(
            "achat_mailbox_failing",
            "1 if the mailbox's file cannot be written just now, or else 0.",
            int(self._mailbox.failing),
        )
        yield _histogram(
            "achat_mailbox_commit_seconds",
            "Time to write a batch to the mailbox's file, including failures.",
            self._meter.commits,
        )


def registry(metrics: Metrics) -> CollectorRegistry:
    """The registry of all metrics: the server's, and the process's."""
    all_of_it = CollectorRegistry()
    all_of_it.register(metrics)
    all_of_it.register(ProcessFigures())
    return all_of_it


def _ledger(balance: Balance) -> Iterator[Metric]:
    """C{accepted + inherited = delivered + kept + refused + expired + in flight}."""
    for name, meaning, copies in (
        ("accepted", "Copies that were taken in.", balance.accepted),
        ("delivered", "Copies that the recipient's machine has acknowledged.", balance.delivered),
        ("expired", "Copies that were kept for too long.", balance.expired),
    ):
        yield CounterMetricFamily(f"achat_copies_{name}_total", meaning, copies)
    yield _labelled(
        CounterMetricFamily(
            "achat_copies_refused_total",
            "Copies that were refused with a notice, by its word.",
            labels=["reason"],
        ),
        {**dict.fromkeys(REASONS, 0), **balance.refused},
    )
    for name, meaning, copies in (
        ("inherited", "Copies that were in the mailbox at the start.", balance.inherited),
        ("kept", "Copies that are in the mailbox.", balance.kept),
        ("in_flight", "Copies on their way: all in no other column.", balance.in_flight),
    ):
        yield GaugeMetricFamily(f"achat_copies_{name}", meaning, copies)


def _labelled(family: GaugeMetricFamily | CounterMetricFamily, values: Mapping[str, int]) -> Metric:
    for label, value in values.items():
        family.add_metric([label], value)
    return family


def _histogram(name: str, meaning: str, histogram: Histogram) -> Metric:
    return HistogramMetricFamily(name, meaning, histogram.buckets(), histogram.total)
