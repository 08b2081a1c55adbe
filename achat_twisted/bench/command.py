"""C{achat bench}: the command line, and what is wrong with it in one sentence."""

from __future__ import annotations

import json
import re
import resource
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import click

from achat_twisted.bench.report import document, table
from achat_twisted.bench.rounds import Contestant, Result, Step, plan, take
from achat_twisted.bench.servers import Command, Running, Server
from achat_twisted.bench.summary import summarize
from achat_twisted.bench.workload import Load, Workload
from achat_twisted.bench.workloads import WORKLOADS

_COMMAND = re.compile(r"(?:(?P<name>[\w.+-]+)=)?(?P<words>.+)", re.DOTALL)
_SERVER = re.compile(r"(\[(?P<ip>[^]]+)\]|(?P<host>[^]:[\s]+)):(?P<port>[0-9]{1,5})")

_SPARE = 100
"""Descriptors that are needed besides the connections."""


def parse_command(text: str) -> Command:
    """COMMAND or NAME=COMMAND."""
    match = _COMMAND.fullmatch(text)
    assert match is not None or not text
    try:
        words = shlex.split(match["words"]) if match else []
    except ValueError as error:
        raise click.BadParameter(f"{text!r} cannot be split into words: {error}") from None
    if not match or not words:
        raise click.BadParameter("it is empty")
    if "{port}" not in match["words"]:
        raise click.BadParameter(f"{text!r} does not say where the port goes; write it as {{port}}")
    return Command(match["name"] or Path(words[0]).name, match["words"])


def parse_server(text: str) -> Server:
    """HOST:PORT; an IPv6 address has brackets."""
    match = _SERVER.fullmatch(text)
    if match is None or not 0 < int(match["port"]) < 65536:
        raise click.BadParameter(f"{text!r} is not HOST:PORT")
    return Server(text, (match["ip"] or match["host"], int(match["port"])))


@click.command()
@click.argument("workloads", nargs=-1, type=click.Choice(list(WORKLOADS)), metavar="[WORKLOAD]...")
@click.option("commands", "--command", type=parse_command, multiple=True, metavar="[NAME=]COMMAND")
@click.option("--server", type=parse_server, metavar="HOST:PORT")
@click.option("--pid", type=click.IntRange(1))
@click.option("--tls", multiple=True, metavar="NAME")
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True)
@click.option("--peers", type=click.IntRange(2, 50_000))
@click.option("--lines", type=click.IntRange(1))
@click.option("--size", type=click.IntRange(1, 8000), default=40, show_default=True)
@click.option("--json", "json_file", type=click.File("w", lazy=True), metavar="FILE")
def bench(
    workloads: Sequence[str],
    commands: Sequence[Command],
    server: Server | None,
    pid: int | None,
    tls: Sequence[str],
    rounds: int,
    peers: int | None,
    lines: int | None,
    size: int,
    json_file: IO[str] | None,
) -> None:
    """Put a load on chat servers, and tell what they do and what that costs them."""
    contestants: list[Contestant] = [*commands]
    if server is not None:
        contestants.append(Running(Server(server.name, server.address, pid)))
    chosen = [WORKLOADS[name] for name in dict.fromkeys(workloads or WORKLOADS)]
    loads = [(workload, _load(workload, peers, lines, size)) for workload in chosen]
    _raise_limit()
    steps = list(plan(loads, contestants, rounds))
    results = _take_all(steps)
    click.echo(table(summarize(results), rounds))
    if json_file is not None:
        json.dump(document(contestants, results), json_file, indent=1)
    sys.exit(any(result.failure for result in results))


def _load(workload: Workload, peers: int | None, lines: int | None, size: int) -> Load:
    count = peers or workload.peers
    return Load(count, lines or max(1, workload.lines(count)), "x" * size)


def _take_all(steps: Sequence[Step]) -> list[Result]:
    hidden = not sys.stderr.isatty()
    with click.progressbar(
        steps,
        file=sys.stderr,
        hidden=hidden,
        item_show_func=lambda step: str(step) if step else None,
    ) as bar:
        return [take(step) for step in bar]


def _raise_limit() -> None:
    """Have as many descriptors as may be had, for this process and those that it starts."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
