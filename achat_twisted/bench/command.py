"""C{achat bench}: the command line, and its errors in one sentence each."""

from __future__ import annotations

import json
import re
import resource
import shlex
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO

import click

from achat_twisted.bench.chart import chart
from achat_twisted.bench.failure import Failed
from achat_twisted.bench.interpreter import Interpreter, ask
from achat_twisted.bench.report import builds, document, table
from achat_twisted.bench.rounds import Contestant, Result, Step, check, plan, take
from achat_twisted.bench.servers import Command, Server
from achat_twisted.bench.summary import summarize
from achat_twisted.bench.workload import Load, Workload
from achat_twisted.bench.workloads import WORKLOADS

_COMMAND = re.compile(r"(?:(?P<name>[\w.+-]+)=)?(?P<words>.*)", re.DOTALL)
_SERVER = re.compile(r"(\[(?P<ip>[^]]+)\]|(?P<host>[^]:[\s]+)):(?P<port>[0-9]{1,5})")

_SPARE = 100
"""Files that are open besides the connections, at most; a server needs some more than we do."""


def parse_command(text: str) -> Command:
    """COMMAND or NAME=COMMAND."""
    match = _COMMAND.fullmatch(text)
    assert match is not None
    try:
        words = shlex.split(match["words"])
    except ValueError as error:
        raise click.BadParameter(f"{text!r} cannot be split into words: {error}") from None
    if "{port}" not in match["words"] or not words:
        raise click.BadParameter(f"{text!r} must have {{port}} where the port's number goes")
    return Command(match["name"] or Path(words[0]).name, match["words"])


def parse_server(text: str) -> Server:
    """HOST:PORT; an IPv6 address has brackets."""
    match = _SERVER.fullmatch(text)
    if match is None or not 0 < int(match["port"]) < 65536:
        raise click.BadParameter(f"{text!r} is not HOST:PORT")
    return Server(text, (match["ip"] or match["host"], int(match["port"])))


def _epilog() -> str:
    rows = (f"{one.name:8}{one.what} ({one.peers:,} connections)" for one in WORKLOADS.values())
    return "\b\nWorkloads:\n" + "\n".join(f"  {row}" for row in rows)


@click.command(epilog=_epilog())
@click.argument("workloads", nargs=-1, type=click.Choice(list(WORKLOADS)), metavar="[WORKLOAD]...")
@click.option(
    "commands",
    "--command",
    type=parse_command,
    multiple=True,
    metavar="[NAME=]COMMAND",
    help="Start this server, without a shell, and with a free port for {port}. May be repeated: the"
    " servers take turns, each freshly started. By default it is the achat that is installed here.",
)
@click.option(
    "--server",
    type=parse_server,
    metavar="HOST:PORT",
    help="Measure a server that runs, instead or as well.",
)
@click.option(
    "--pid",
    type=click.IntRange(1),
    help="The process of that server, if it is on this machine: for its CPU and memory.",
)
@click.option(
    "--tls",
    multiple=True,
    metavar="NAME",
    help="Speak TLS to the server of that name, whatever its certificate. May be repeated.",
)
@click.option(
    "--tagged",
    multiple=True,
    metavar="NAME",
    help="Have the clients of the server of that name resume: each has a tag, and says /got after"
    " each hundred messages. May be repeated.",
)
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True)
@click.option("--peers", type=click.IntRange(2), help="Connections, instead of the workload's.")
@click.option(
    "--lines", type=click.IntRange(1), help="Lines from each sender, instead of the workload's."
)
@click.option(
    "--size",
    type=click.IntRange(1, 4096),
    default=40,
    show_default=True,
    help="Bytes of text in each line.",
)
@click.option(
    "--rate",
    type=click.IntRange(1),
    metavar="LINES_PER_SECOND",
    help="What all senders of paced together offer, instead of the workload's.",
)
@click.option(
    "json_file",
    "--json",
    type=click.File("w", lazy=False),
    metavar="FILE",
    help="Write all that was measured, round by round.",
)
@click.option(
    "chart_file",
    "--chart",
    type=click.File("w", lazy=False),
    metavar="FILE",
    help="Draw the medians, as SVG.",
)
def bench(
    workloads: Sequence[str],
    commands: Sequence[Command],
    server: Server | None,
    pid: int | None,
    tls: Sequence[str],
    tagged: Sequence[str],
    rounds: int,
    peers: int | None,
    lines: int | None,
    size: int,
    rate: int | None,
    json_file: IO[str] | None,
    chart_file: IO[str] | None,
) -> None:
    """Measure chat servers under load: how fast they are, and what that costs them.

    The medians of all rounds are shown, and how far the rounds are apart. A server may speak
    achat's wire, that of the a-chat tutorial (achat --plain), or NATS's; its first words tell.

    Above them stands the Python that the load and each server run on, and how it was built, as that
    alone may be worth a tenth of the CPU.

    In pairs, mesh, fan and talk the next line waits for the server, so that a slow server is asked
    for less, and p99 tells little more than the rate does. In paced it does not: each line has its
    moment, and the time it takes counts from there, even if it could only be sent later. "late" is
    how late the load itself was in sending 99 of 100 lines, at most: a p99 that is not much longer
    is the load's own, or the machine's.

    The exit code is 0 if all rounds could be measured.
    """
    contestants = _contestants(commands, server, pid, tls, tagged)
    loads = [
        (workload, _load(workload, peers, lines, size, rate))
        for workload in _choose(workloads, server, bool(tagged))
    ]
    if rate and not any(load.rate for _, load in loads):
        raise click.UsageError("--rate is for paced, which is not measured")
    _raise_limit(max(load.peers for _, load in loads))
    # A SIGTERM to this process is not meant to leave servers behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    pythons = {"achat bench": ask(sys.executable)}
    pythons |= {contestant.name: _check(contestant) for contestant in contestants}
    click.echo(f"{builds(pythons)}\n")
    results: list[Result] = []
    for workload, load in loads:
        if results:
            click.echo()
        results += _measure(list(plan(workload, load, contestants, rounds)))
        click.echo(table(summarize(results[-rounds * len(contestants) :])))
    if json_file:
        json.dump(document(contestants, results, pythons), json_file, indent=1)
    if chart_file:
        chart_file.write(chart(summarize(results)))
    sys.exit(any(result.failure for result in results))


def _contestants(
    commands: Sequence[Command],
    server: Server | None,
    pid: int | None,
    tls: Sequence[str],
    tagged: Sequence[str],
) -> list[Contestant]:
    """The servers that are measured."""
    if pid and not server:
        raise click.UsageError("--pid is the process of --server, which is missing")
    found: list[Contestant] = [*commands]
    if server:
        found.append(replace(server, pid=pid))
    if not found:
        found.append(_ours())
    names = [contestant.name for contestant in found]
    for name in names:
        if names.count(name) > 1:
            raise click.UsageError(f"two servers are called {name}; say --command NAME=COMMAND")
    for option, chosen in (("--tls", tls), ("--tagged", tagged)):
        for name in chosen:
            if name not in names:
                raise click.UsageError(
                    f"{option} {name} is none of the servers: {', '.join(names)}"
                )
    return [replace(one, tls=one.name in tls, tagged=one.name in tagged) for one in found]


def _ours() -> Command:
    """The achat that is installed beside this command."""
    twistd = str(Path(sys.executable).with_name("twistd"))
    words = [twistd, "--nodaemon", "--pidfile=", "achat", "--port", "{port}"]
    return Command("achat", shlex.join(words))


def _choose(names: Sequence[str], server: Server | None, has_tags: bool) -> list[Workload]:
    """The workloads that the user has named, or else all that can be done."""
    chosen, why_not = [], ""
    for workload in [WORKLOADS[name] for name in dict.fromkeys(names or WORKLOADS)]:
        if server and workload.stops:
            why_not = f"{workload.name} ends its servers, so it is not for --server"
        elif has_tags and not workload.is_for_tags:
            why_not = f"{workload.name} has no clients that confirm, so it is not for --tagged"
        else:
            chosen.append(workload)
    if names and why_not:
        raise click.UsageError(why_not)
    return chosen


def _load(
    workload: Workload, peers: int | None, lines: int | None, size: int, rate: int | None
) -> Load:
    peers = peers or workload.peers
    if workload.in_pairs and peers % 2:
        raise click.UsageError(f"{workload.name} needs an even number of --peers, not {peers}")
    usual = workload.lines(peers)
    if not workload.rate:
        return Load(peers, lines or usual if usual else 0, "x" * size)
    offered = rate or workload.rate
    return Load(peers, lines or max(1, usual * offered // workload.rate), "x" * size, offered)


def _raise_limit(connections: int) -> None:
    """Have as many open files as may be had, for this process and those that it starts."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if connections + _SPARE > most:
        raise click.UsageError(
            f"{connections} connections need {connections + _SPARE} open files, and a process may"
            f" have {most} here (ulimit -Hn)"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _check(contestant: Contestant) -> Interpreter | None:
    try:
        return check(contestant)
    except Failed as failure:
        raise click.ClickException(f"{contestant.name}: {failure}") from None


def _measure(steps: Sequence[Step]) -> list[Result]:
    """Take the steps, and show the progress on a terminal."""
    with click.progressbar(
        steps,
        label=steps[0].workload.name,
        item_show_func=lambda step: f"{step.contestant.name}, round {step.number}" if step else "",
        file=sys.stderr,
        hidden=not sys.stderr.isatty(),
    ) as bar:
        return [take(step) for step in bar]
