"""A server that is measured: a process of its own, run from some copy of the tree."""

from __future__ import annotations

import shlex
import sys
from contextlib import AbstractContextManager
from pathlib import Path

from achat_twisted.bench.servers import Command, Server

TWISTD = (str(Path(sys.executable).parent / "twistd"), "-n", "--pidfile=", "achat")

MEGABYTE = 1_000_000


def running(tree: Path, *options: str) -> AbstractContextManager[Server]:
    """A server that runs from C{tree}."""
    place = ["env", f"--chdir={tree}", f"PYTHONPATH={tree}"]
    return Command("achat", shlex.join([*place, *TWISTD, "--port", "{port}", *options])).run()


def resident(server: Server) -> float:
    """Its resident memory, in MB."""
    memory = server.memory()
    assert memory is not None
    return memory / MEGABYTE
