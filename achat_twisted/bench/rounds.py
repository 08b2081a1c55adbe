"""Rounds: each server in turn, freshly started, and each time another one first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from achat_twisted.bench.crowd import meet
from achat_twisted.bench.failure import Failed
from achat_twisted.bench.interpreter import Interpreter, of_process
from achat_twisted.bench.servers import Command, Server
from achat_twisted.bench.workload import Figures, Load, Workload

Contestant = Command | Server


@dataclass(frozen=True, slots=True)
class Step:
    """One workload on one server, once.

    @ivar number: of the round, from 1 on.
    """

    workload: Workload
    load: Load
    contestant: Contestant
    number: int


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a step.

    @ivar figures: nothing if it failed.
    @ivar failure: why it failed, if it did.
    """

    step: Step
    figures: Figures
    failure: str = ""


def plan(
    workload: Workload, load: Load, contestants: Sequence[Contestant], rounds: int
) -> Iterator[Step]:
    """All steps of a workload, in order."""
    for number in range(1, rounds + 1):
        first = (number - 1) % len(contestants)
        for contestant in [*contestants[first:], *contestants[:first]]:
            yield Step(workload, load, contestant, number)


def check(contestant: Contestant) -> Interpreter | None:
    """See that a server can be measured at all, and return the Python that it runs on, if known.

    @raise Failed: if it cannot.
    """
    with contestant.run() as server:
        meet(server)
        server.cpu()
        if isinstance(contestant, Command) and server.pid:
            return of_process(server.pid)
        return None


def take(step: Step) -> Result:
    """Take a step."""
    try:
        with step.contestant.run() as server:
            return Result(step, step.workload.run(*meet(server), step.load))
    except Failed as failure:
        return Result(step, {}, f"round {step.number}: {failure}")
