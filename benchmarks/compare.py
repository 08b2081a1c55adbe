"""achat and its peers: C{python -m benchmarks.compare --tokio PATH --async-std PATH --out DIR}.

It runs C{achat bench} with all of them, and leaves a table, a chart and all figures in a directory.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path

from benchmarks.peers import asyncio_tuned, asyncio_tutorial
from benchmarks.server import TWISTD

_SCRIPTS = Path(sys.executable).parent


def servers(tokio: Path | None, async_std: Path | None) -> dict[str, list[str]]:
    """The command line of each server, by name; the tutorial's own ones if they are there."""
    rust = {"tokio": tokio, "async-std": async_std}
    tutorial = [sys.executable, asyncio_tutorial.__file__, "{port}"]
    return {
        "achat": [*TWISTD, "--port", "{port}"],
        **{name: [str(path), "127.0.0.1:{port}"] for name, path in rust.items() if path},
        "nats-server": [str(_SCRIPTS / "nats-server"), "-a", "127.0.0.1", "-p", "{port}"],
        "asyncio": tutorial,
        "uvloop": [*tutorial, "--uvloop"],
        "asyncio-tuned": [sys.executable, asyncio_tuned.__file__, "{port}"],
    }


def main() -> None:
    parser = ArgumentParser(description="Compare achat with its peers.")
    parser.add_argument("--tokio", type=Path, metavar="PATH", help="the tutorial's tokio server")
    parser.add_argument("--async-std", type=Path, metavar="PATH", help="its async-std server")
    parser.add_argument("--out", type=Path, metavar="DIR", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help="all, if none is given")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    command = [str(_SCRIPTS / "achat"), "bench", *given.workloads, "--rounds", str(given.rounds)]
    for name, words in servers(given.tokio, given.async_std).items():
        command += ["--command", f"{name}={shlex.join(words)}"]
    for option, file in ("--json", "results.json"), ("--chart", "results.svg"):
        command += [option, str(given.out / file)]
    table = given.out / "results.txt"
    with table.open("wb") as output:
        code = subprocess.run(command, stdout=output, check=False).returncode
    print(table.read_text(), end="")
    raise SystemExit(code)


if __name__ == "__main__":
    main()
