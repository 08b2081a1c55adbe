"""The long forms: C{python -m tests.proof stops}, C{kills} and C{cuts}."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import react

from achat_twisted.tools.clock import wait_steadily
from tests.functional.processes import TWISTD, Process, spawn
from tests.proof.claims import CLAIMS
from tests.proof.rounds import Figures, Proof
from tests.proof.servers import Server

_EACH = 10
"""Rounds between two lines of figures."""


def _parse(arguments: list[str]) -> Namespace:
    parser = ArgumentParser(prog="python -m tests.proof")
    words = parser.add_subparsers(dest="claim", required=True)
    for word, claim in CLAIMS.items():
        command = words.add_parser(word, help=claim.text, description=claim.text)
        command.add_argument("--rounds", type=int, default=200)
        command.add_argument("--peers", type=int, default=6)
        command.add_argument("--seed", type=int, default=0)
    return parser.parse_args(arguments)


async def _prove(reactor: Any, arguments: Namespace) -> None:
    def run(*options: str) -> Process:
        process = Process()
        spawn(process, *TWISTD, *options)
        reactor.addSystemEventTrigger("before", "shutdown", process.kill)
        return process

    def report(figures: Figures) -> None:
        if figures.rounds % _EACH == 0:
            print(f"so far {figures}", flush=True)

    claim = CLAIMS[arguments.claim]
    with TemporaryDirectory() as folder:
        server = Server(run, *claim.options(Path(folder)))
        proof = Proof(reactor, server, arguments.peers, Random(arguments.seed))
        figures = await proof.run(arguments.rounds, claim.end, report)
    holds = claim.holds(figures.verdict)
    print(f"at the end {figures}\n{claim.text}: {'yes' if holds else 'NO'}")
    raise SystemExit(not holds)


def main(reactor: Any, *arguments: str) -> Deferred[None]:
    wait_steadily(reactor)
    return Deferred.fromCoroutine(_prove(reactor, _parse(list(arguments))))


react(main, sys.argv[1:])
