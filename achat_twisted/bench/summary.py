"""Many rounds in short: medians, how far they lie apart, and what one must know to read them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import median

from achat_twisted.bench.rounds import Result
from achat_twisted.bench.workload import Figures, Load, Workload

BUSY = 0.9
"""The share of a core from which on a process has hardly waited for anything."""


@dataclass(frozen=True, slots=True)
class Summary:
    """All rounds of one workload on one server.

    @ivar server: its name.
    @ivar rounds: how many there were.
    @ivar figures: the median of each; nothing if all rounds have failed.
    @ivar spread: how far the first measure's extremes are from each other, halved, as a share of
        its median; None if there is nothing to compare.
    @ivar failures: why rounds have failed.
    """

    workload: Workload
    load: Load
    server: str
    rounds: int
    figures: Figures
    spread: float | None
    failures: tuple[str, ...]

    def remarks(self, cores: int) -> Iterator[str]:
        """The facts that must be known to read the figures, on a machine with so many cores."""
        yield from self.failures
        if not any(measure.key == "generator" for measure in self.workload.measures):
            return
        generator, server = self.figures.get("generator"), self.figures.get("server")
        if generator is None:
            return
        if generator > BUSY and (server is None or server < BUSY):
            yield (
                "the load generator was never idle, so the speed is its own, and the server may be"
                " faster; the server's CPU stands."
            )
        elif server is not None and generator + server > BUSY * cores:
            yield (
                f"server and load generator have used up the machine's {cores} cores; a server that"
                " uses more than one may be faster on a larger machine."
            )


def summarize(results: Iterable[Result]) -> list[Summary]:
    """One summary for each workload and server, in the order in which they first came."""
    groups: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        step = result.step
        groups.setdefault((step.workload.name, step.contestant.name), []).append(result)
    return [_summarize(group) for group in groups.values()]


def by_workload(summaries: Iterable[Summary]) -> Iterator[list[Summary]]:
    """The summaries of each workload."""
    for _, group in groupby(summaries, lambda summary: summary.workload.name):
        yield list(group)


def _summarize(results: Sequence[Result]) -> Summary:
    step = results[0].step
    rounds = [result.figures for result in results if not result.failure]
    keys = list(rounds[0]) if rounds else []
    known = {key: _known(figures[key] for figures in rounds) for key in keys}
    medians = {key: median(values) if values else None for key, values in known.items()}
    head = step.workload.measures[0].key
    return Summary(
        step.workload,
        step.load,
        step.contestant.name,
        len(results),
        medians,
        _spread(known.get(head, [])),
        tuple(result.failure for result in results if result.failure),
    )


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _spread(values: Sequence[float]) -> float | None:
    if len(values) < 2 or not median(values):
        return None
    return (max(values) - min(values)) / 2 / median(values)
