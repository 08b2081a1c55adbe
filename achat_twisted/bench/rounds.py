"""Rounds: each server in turn, freshly started, and each time another one first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from achat_twisted.bench.crowd import find_dialect
from achat_twisted.bench.failure import Failed
from achat_twisted.bench.servers import Command, Running
from achat_twisted.bench.workload import Figures, Load, Workload

Contestant = Command | Running


@dataclass(frozen=True, slots=True)
class Step:
    """One workload on one server, once.

    @ivar number: of the round, from 1 on.
    """

    workload: Workload
    load: Load
    contestant: Contestant
    number: int

    def __str__(self) -> str:
        return f"{self.workload.name}, round {self.number}: {self.contestant.name}"


@dataclass(frozen=True, slots=True)
class Result:
    """What came out of a step.

    @ivar figures: nothing if it failed.
    @ivar failure: why it failed, if it did.
    """

    step: Step
    figures: Figures
    failure: str = ""


def plan(
    workloads: Sequence[tuple[Workload, Load]], contestants: Sequence[Contestant], rounds: int
) -> Iterator[Step]:
    """All steps, in order: so that all servers see the same machine, they take turns."""
    for workload, load in workloads:
        for number in range(1, rounds + 1):
            first = (number - 1) % len(contestants)
            for contestant in [*contestants[first:], *contestants[:first]]:
                yield Step(workload, load, contestant, number)


def take(step: Step) -> Result:
    """Take a step."""
    try:
        with step.contestant.run() as server:
            return Result(step, step.workload.run(server, find_dialect(server), step.load))
    except Failed as failure:
        return Result(step, {}, f"{step}: {failure}")
