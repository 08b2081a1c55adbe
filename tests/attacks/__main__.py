"""C{python -m tests.attacks}: all attacks at full size, and what each of them costs."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import react

from achat_twisted.tools.clock import wait_steadily
from tests.attacks.budget import BUDGET, HEAD, row
from tests.attacks.ordeal import ATTACKS, Attack, Findings, undergo
from tests.functional.processes import Process, spawn


def _row(attack: Attack, findings: Findings) -> str:
    times = sorted(findings.times)
    mib = 2**20
    return (
        f"{attack.crowd}, {attack.size} at once for {attack.seconds:g} s\n"
        f"  {findings.said}\n"
        f"  server: {findings.before.resident / mib:.0f} MiB before,"
        f" {findings.peak.resident / mib:.0f} at most, {findings.after.resident / mib:.0f} after;"
        f" kernel +{findings.kernel / mib:.0f} MiB;"
        f" CPU {findings.peak.cpu - findings.before.cpu:.1f} s\n"
        f"  the pair: {len(times)} exchanges, half of them within {_ms(times, 0.5)} ms,"
        f" 99 % within {_ms(times, 0.99)}, all within {_ms(times, 1)};"
        f" a newcomer is let in after {findings.newcomer * 1000:.0f} ms\n"
        f"  {'; '.join(findings.faults()) or 'nothing is wrong'}"
    )


def _ms(times: list[float], part: float) -> str:
    return f"{times[min(len(times) - 1, int(part * len(times)))] * 1000:.1f}"


async def _undergo_all(reactor: Any, words: list[str], is_budget: bool) -> None:
    def run(*arguments: str, folder: Path | None = None) -> Process:
        process = Process()
        spawn(process, *arguments, folder=folder)
        reactor.addSystemEventTrigger("before", "shutdown", process.kill)
        return process

    faults = 0
    rows = (
        [(item.attack, partial(row, item)) for item in BUDGET]
        if is_budget
        else [(attack, partial(_row, attack)) for attack in ATTACKS]
    )
    if is_budget:
        print(HEAD)
    for attack, tell in rows:
        if not words or attack.crowd in words:
            with TemporaryDirectory() as folder:
                findings = await undergo(reactor, run, attack, Path(folder))
            print(tell(findings), flush=True)
            faults += len(findings.faults())
    raise SystemExit(bool(faults))


def main(reactor: Any, *arguments: str) -> Deferred[None]:
    parser = ArgumentParser(prog="python -m tests.attacks", description=__doc__)
    parser.add_argument("attack", nargs="*", help="only these, such as deaf")
    parser.add_argument(
        "--budget", action="store_true", help="what 10,000 of a kind cost, as a table in Markdown"
    )
    options = parser.parse_args(list(arguments))
    wait_steadily(reactor)
    return Deferred.fromCoroutine(_undergo_all(reactor, options.attack, options.budget))


react(main, sys.argv[1:])
