"""The long forms: C{python -m tests.proof stops}, C{kills}, C{cuts} and C{resumes}."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import react

from achat_twisted.tools.clock import wait_steadily
from tests.functional.processes import TWISTD, Process, spawn
from tests.proof import resumes
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
        command.add_argument("--peers", type=int, default=6)
    command = words.add_parser("resumes", help=resumes.CLAIM, description=resumes.CLAIM)
    command.add_argument("--tls", action="store_true", help="through TLS")
    command.add_argument("--haproxy", action="store_true", help="through haproxy, killed as well")
    for command in words.choices.values():
        command.add_argument("--rounds", type=int, default=200)
        command.add_argument("--seed", type=int, default=0)
    return parser.parse_args(arguments)


async def _prove(reactor: Any, arguments: Namespace) -> None:
    def run(*arguments: str) -> Process:
        process = Process()
        spawn(process, *arguments)
        reactor.addSystemEventTrigger("before", "shutdown", process.kill)
        return process

    def report(figures: Figures | resumes.Figures) -> None:
        if figures.rounds % _EACH == 0:
            print(f"so far {figures}", flush=True)

    random = Random(arguments.seed)
    with TemporaryDirectory() as name:
        folder = Path(name)
        figures: Figures | resumes.Figures
        if arguments.claim == "resumes":
            text = resumes.CLAIM
            ways = {"tls": arguments.tls, "haproxy": arguments.haproxy}
            rounds = resumes.Resumes(reactor, run, folder, random, **ways)
            figures = await rounds.run(arguments.rounds, report)
            holds = figures.holds
        else:
            claim = CLAIMS[arguments.claim]
            text = claim.text
            server = Server(partial(run, *TWISTD), *claim.options(folder))
            proof = Proof(reactor, server, arguments.peers, random)
            figures = await proof.run(arguments.rounds, claim.end, report)
            holds = claim.holds(figures.verdict)
    print(f"at the end {figures}\n{text}: {'yes' if holds else 'NO'}")
    raise SystemExit(not holds)


def main(reactor: Any, *arguments: str) -> Deferred[None]:
    wait_steadily(reactor)
    return Deferred.fromCoroutine(_prove(reactor, _parse(list(arguments))))


react(main, sys.argv[1:])
