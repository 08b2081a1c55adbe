"""The commands of achat beside those of mosquitto and Redis: their start, and many lines.

C{python -m benchmarks.commands} starts each server on loopback, and runs the commands in turn. It
needs mosquitto, mosquitto_pub, mosquitto_sub, redis-server and redis-cli on the C{PATH}, and takes
some minutes.

The I{start} of a command is the time in which its whole process posts one line, and knows that the
server has it. For many lines one process I{posts} all that a file holds, for a recipient who is
away, and another one I{takes} all of them, which wait by then.
"""

from __future__ import annotations

import os
import resource
import socket
import subprocess
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from achat_twisted.bench.interpreter import ask

LINES = 20_000
"""The number of lines in the file."""

LINE = "x" * 40
"""Each of them."""

_BIN = Path(sys.executable).parent

_SCRIPT = """
import sys
from achat_twisted.client.blocking import connect
with connect(sys.argv[1], only_sends=True) as chat:
    chat.submit("bob: " + line for line in sys.stdin.read().splitlines())
    chat.sync()
"""

_TAKER = """
import sys
from achat_twisted.client.blocking import connect
with connect(sys.argv[1]) as chat:
    for _ in range(int(sys.argv[2])):
        message = chat.next()
        print(message.text)
        message.done()
"""

_IMPORTS = [sys.executable, "-c", "import asyncio, click"]
"""The least that a command in Python does, if it uses these two, as achat say does."""


@dataclass(frozen=True)
class Peer:
    """A server, and shell commands for it, in which C{$PORT}, C{$FILE} and so on are set.

    @ivar away: has lines kept for a recipient who is away from then on.
    @ivar one: posts one line.
    @ivar post: posts the lines of C{$FILE}.
    @ivar take: takes C{$LINES} lines.
    """

    name: str
    server: str
    away: str
    one: str
    post: str
    take: str


def _achat(name: str, options: str) -> Peer:
    return Peer(
        name,
        f"exec $BIN/twistd -n --pidfile= achat --port $PORT --rate 0 {options}",
        "$BIN/achat take --once bob@127.0.0.1:$PORT",
        "exec $BIN/achat say --quiet ann@127.0.0.1:$PORT bob hello",
        "exec $BIN/achat say --quiet ann@127.0.0.1:$PORT bob < $FILE",
        "exec $BIN/achat take --count $LINES bob@127.0.0.1:$PORT",
    )


def _redis(name: str, options: str) -> Peer:
    return Peer(
        name,
        f"exec redis-server --port $PORT --bind 127.0.0.1 --dir $FOLDER {options}",
        "true",
        "exec redis-cli -p $PORT RPUSH bob hello",
        "sed 's/^/RPUSH bob /' $FILE | redis-cli -p $PORT --pipe",
        "exec redis-cli -p $PORT LPOP bob $LINES",
    )


_CONF = r"listener $PORT 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n"

PEERS = (
    _achat("achat", ""),
    _achat("achat --durable", "--durable --mailbox sqlite:$FOLDER/mail"),
    replace(
        _achat("achat, the library", ""),
        one='echo hello | $PYTHON -c "$SCRIPT" ann@127.0.0.1:$PORT',
        post='exec $PYTHON -c "$SCRIPT" ann@127.0.0.1:$PORT < $FILE',
        take='exec $PYTHON -c "$TAKER" bob@127.0.0.1:$PORT $LINES',
    ),
    Peer(
        "mosquitto, QoS 1",
        f"printf '{_CONF}' > $FOLDER/conf; sed -i s/.PORT/$PORT/ $FOLDER/conf\n"
        "exec mosquitto -c $FOLDER/conf",
        "mosquitto_sub -p $PORT -t bob -i bob -c -q 1 -E",
        "exec mosquitto_pub -p $PORT -t bob -q 1 -m hello",
        "exec mosquitto_pub -p $PORT -t bob -q 1 -l < $FILE",
        "exec mosquitto_sub -p $PORT -t bob -i bob -c -q 1 -C $LINES",
    ),
    _redis("redis", "--save ''"),
    _redis("redis, fsync always", "--save '' --appendonly yes --appendfsync always"),
)


@dataclass(frozen=True)
class Took:
    """The seconds that a command took.

    @ivar wall: by the clock.
    @ivar cpu: of the processor, without the server's.
    """

    wall: float
    cpu: float


def _run(command: list[str], environment: dict[str, str], output: int | None = None) -> Took:
    before, start = _cpu(), time.perf_counter()
    subprocess.run(command, env=environment, check=True, stdout=output or subprocess.DEVNULL)
    return Took(time.perf_counter() - start, _cpu() - before)


def _cpu() -> float:
    """The seconds of the processor that ended commands have taken; the server has not ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@contextmanager
def _running(peer: Peer, folder: Path) -> Iterator[dict[str, str]]:
    """A server of the peer's, and the environment for its commands."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    file = folder / "lines"
    file.write_text(f"{LINE}\n" * LINES)
    told = {"PORT": port, "FOLDER": folder, "FILE": file, "LINES": LINES, "BIN": _BIN}
    python = {"PYTHON": sys.executable, "SCRIPT": _SCRIPT, "TAKER": _TAKER}
    environment = {**os.environ, **python, **{name: str(value) for name, value in told.items()}}
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            ["sh", "-c", peer.server], env=environment, stdout=log, stderr=log
        )
    try:
        _wait_for(port)
        yield environment
    finally:
        server.kill()
        server.wait()


def _wait_for(port: int) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    sys.exit(f"nothing listens on port {port}")


def _measure(peer: Peer, starts: int) -> dict[str, list[Took]]:
    """The posting and the taking of many lines, and some starts, of one life of the server's."""
    with TemporaryDirectory() as folder, _running(peer, Path(folder)) as environment:
        _run(["sh", "-c", peer.away], environment)
        post = _run(["sh", "-c", peer.post], environment)
        taken = Path(folder, "taken")
        with taken.open("wb") as output:
            take = _run(["sh", "-c", peer.take], environment, output.fileno())
        if (count := taken.read_bytes().count(LINE.encode())) != LINES:
            sys.exit(f"{peer.name}: {count} of {LINES} lines were taken")
        one = [_run(["sh", "-c", peer.one], environment) for _ in range(starts)]
    return {"start": one, "post": [post], "take": [take]}


def _ms(took: list[Took]) -> str:
    wall, cpu = min(each.wall for each in took), median(each.cpu for each in took)
    return f"{1000 * wall:8.0f} {1000 * cpu:8.0f}"


def _rate(took: list[Took]) -> str:
    return f"{LINES / min(each.wall for each in took):10,.0f}"


def main() -> None:
    """Measures all, in turn, and prints the best by the clock, which anything else on the machine
    makes worse, and the median of the processor's time.
    """
    parser = ArgumentParser(description="Commands of achat, mosquitto and Redis, side by side.")
    parser.add_argument("--rounds", type=int, default=3, help="servers of each kind, in turn")
    parser.add_argument("--starts", type=int, default=10, help="lines posted singly in a round")
    given = parser.parse_args()
    found: dict[str, dict[str, list[Took]]] = {
        peer.name: {"start": [], "post": [], "take": []} for peer in PEERS
    }
    least: list[Took] = []
    for _ in range(given.rounds):
        for peer in PEERS:
            for what, took in _measure(peer, given.starts).items():
                found[peer.name][what] += took
        least += [_run(_IMPORTS, dict(os.environ)) for _ in range(given.starts)]
    print(ask(sys.executable))
    print(f"{'':22}start ms   CPU ms    posts/s    takes/s")
    for name, each in found.items():
        print(f"{name:21}{_ms(each['start'])} {_rate(each['post'])} {_rate(each['take'])}")
    print(f"{'import asyncio, click':21}{_ms(least)}")


if __name__ == "__main__":
    main()
