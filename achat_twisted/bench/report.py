"""Results for people, as a table, and for programs, as JSON."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from achat_twisted import __version__
from achat_twisted.bench.interpreter import Interpreter
from achat_twisted.bench.rounds import Contestant, Result
from achat_twisted.bench.summary import Summary, by_workload
from achat_twisted.bench.workload import UNKNOWN, Measure

Pythons = Mapping[str, Interpreter | None]
"""The Pythons that the load and each server run on, by name, as far as they are known."""


def cores() -> int:
    """The number of cores that this process may use."""
    return len(os.sched_getaffinity(0))


def builds(pythons: Pythons) -> str:
    """A row for each Python, as a tenth of a server's CPU may be due to how that was built."""
    known = {name: python for name, python in pythons.items() if python}
    width = max(map(len, known), default=0)
    return "\n".join(["Python:", *(f"  {name:{width}}  {one}" for name, one in known.items())])


def table(summaries: Iterable[Summary]) -> str:
    """A block for each workload, a row for each server; and below what one must know to read it."""
    return "\n\n".join(map(_block, by_workload(summaries)))


def _block(group: Sequence[Summary]) -> str:
    first = group[0]
    columns = [["", *(summary.server for summary in group)]]
    for measure in first.workload.measures:
        columns += _columns(measure, group)
    widths = [max(map(len, column)) for column in columns]
    lines = [f"{first.workload.name}: {first.load}; {_count(first.rounds, 'round')}"]
    for name, *cells in zip(*columns, strict=True):
        padded = (cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))
        lines.append(f"  {name.ljust(widths[0])}  {'  '.join(padded)}".rstrip())
    remarks: dict[str, list[str]] = {}
    for summary in group:
        for remark in summary.remarks(cores()):
            remarks.setdefault(remark, []).append(summary.server)
    lines += [f"  {', '.join(servers)}: {remark}" for remark, servers in remarks.items()]
    return "\n".join(lines)


def _columns(measure: Measure, group: Sequence[Summary]) -> Iterator[list[str]]:
    values = [summary.figures.get(measure.key) for summary in group]
    yield [measure.heading, *(measure.show(value) for value in values)]
    if measure.is_compared and len(group) > 1:
        yield ["", *(_ratio(value, values[0]) for value in values)]
    spreads = [summary.spread for summary in group]
    if measure is group[0].workload.measures[0] and any(one is not None for one in spreads):
        yield ["±", *(UNKNOWN if one is None else f"{one:.0%}" for one in spreads)]


def _ratio(value: float | None, first: float | None) -> str:
    return UNKNOWN if value is None or not first else f"{value / first:.2f}x"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def machine() -> dict[str, Any]:
    """The machine on which all this was measured."""
    model = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return {
        "cpu": model[1] if model else platform.machine(),
        "cores": cores(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "achat": __version__,
    }


def document(
    contestants: Sequence[Contestant], results: Sequence[Result], pythons: Pythons
) -> dict[str, Any]:
    """Everything that was measured, where and of what; in seconds, bytes and shares of a core."""
    return {
        "machine": machine(),
        "servers": {contestant.name: contestant.words for contestant in contestants},
        "pythons": {name: python and asdict(python) for name, python in pythons.items()},
        "rounds": [
            {
                "workload": result.step.workload.name,
                "peers": result.step.load.peers,
                "lines": result.step.load.lines,
                "offered": result.step.load.rate,
                "size": len(result.step.load.text),
                "round": result.step.number,
                "server": result.step.contestant.name,
                "figures": result.figures,
                "failure": result.failure or None,
            }
            for result in results
        ],
    }
