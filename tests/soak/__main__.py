"""The long form: C{python -m tests.soak --minutes N}."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import react

from achat_twisted.tools.clock import wait_steadily
from tests.functional.processes import Process, spawn
from tests.soak.soak import Soak


async def _soak(reactor: Any, minutes: float, seed: int) -> None:
    def run(*arguments: str, process: Process | None = None, folder: Path | None = None) -> Process:
        process = process or Process()
        spawn(process, *arguments, folder=folder)
        reactor.addSystemEventTrigger("before", "shutdown", process.kill)
        return process

    with TemporaryDirectory() as folder:
        soak = Soak(reactor, run, Path(folder), Random(seed))
        outcome = await soak.run(minutes * 60, lambda line: print(line, flush=True))
    print(outcome)
    raise SystemExit(bool(outcome.faults))


def main(reactor: Any, *arguments: str) -> Deferred[None]:
    parser = ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(list(arguments))
    wait_steadily(reactor)
    return Deferred.fromCoroutine(_soak(reactor, options.minutes, options.seed))


react(main, sys.argv[1:])
