"""Many rounds in short: medians, how far they lie apart, and what one must know to read them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import median

from achat_twisted.bench.rounds import Result
from achat_twisted.bench.workload import Figures, Load, Workload

BUSY = 0.9
"""The share of a core from which on somebody is busy with little else."""


@dataclass(frozen=True, slots=True)
class Summary:
    """All rounds of one workload on one server.

    @ivar figures: the median of each.
    @ivar spread: how far the first measure's extremes lie apart, as a share of its median, halved.
    @ivar failures: why rounds have failed.
    """

    workload: Workload
    load: Load
    server: str
    figures: Figures
    spread: float
    failures: tuple[str, ...]

    def remarks(self, cores: int) -> Iterator[str]:
        """What must be known to read the figures."""
        yield from self.failures
        generator, server = self.figures.get("generator"), self.figures.get("server")
        if generator is None or "rate" not in {one.key for one in self.workload.measures}:
            return
        if generator > BUSY and (server is None or server < BUSY):
            yield (
                f"{self.server}: the load generator was busy all the time, so what comes in a"
                " second is its limit, and this server may do more; the CPU each stands."
            )
        elif server is not None and generator + server > BUSY * cores:
            yield (
                f"{self.server}: server and load generator have used up the machine's {cores}"
                " cores; on a larger one more may come in a second."
            )


def summarize(results: Iterable[Result]) -> list[Summary]:
    """One summary for each workload and server, in the order in which they first came."""
    groups: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        step = result.step
        groups.setdefault((step.workload.name, step.contestant.name), []).append(result)
    return [_summary(group) for group in groups.values()]


def by_workload(summaries: Iterable[Summary]) -> Iterator[list[Summary]]:
    """The summaries of each workload."""
    for _, group in groupby(summaries, lambda summary: summary.workload.name):
        yield list(group)


def _summary(results: Sequence[Result]) -> Summary:
    step = results[0].step
    rounds = [result.figures for result in results if not result.failure]
    figures = (
        {key: _median([figures[key] for figures in rounds]) for key in rounds[0]} if rounds else {}
    )
    head = step.workload.measures[0].key
    values = [value for figures in rounds if (value := figures[head]) is not None]
    middle = figures.get(head)
    spread = (max(values) - min(values)) / 2 / middle if middle else 0.0
    failures = tuple(result.failure for result in results if result.failure)
    return Summary(step.workload, step.load, step.contestant.name, figures, spread, failures)


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None
