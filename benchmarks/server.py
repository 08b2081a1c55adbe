"""A server that is measured: a process of its own, run from some copy of the tree."""

from __future__ import annotations

import re
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import scratch

_SERVER = (str(Path(sys.executable).parent / "twistd"), "-n", "--pidfile=", "achat", "--port", "0")

MEGABYTE = 1_000_000


class Server:
    """A process of C{twistd achat} that listens.

    @ivar port: its TCP port on this machine.
    """

    def __init__(self, pid: int, port: int) -> None:
        self.port = port
        self._pid = pid

    def cpu(self) -> float:
        """Seconds of CPU that it has used so far, in all its threads."""
        # The number of another process's clock, as clock_getcpuclockid(3) makes it.
        return time.clock_gettime(~self._pid << 3 | 2)

    def memory(self) -> float:
        """Its resident memory, in MB; see C{statm} in C{proc(5)}."""
        pages = int(Path(f"/proc/{self._pid}/statm").read_text().split()[1])
        return pages * resource.getpagesize() / MEGABYTE


@contextmanager
def running(tree: Path, *options: str) -> Iterator[Server]:
    """A server that runs from C{tree}."""
    process = subprocess.Popen(
        [*_SERVER, *options],
        cwd=tree,
        env=scratch.environment(tree),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Server(process.pid, _listens(process))
    finally:
        process.kill()
        process.communicate()


def _listens(process: subprocess.Popen[str]) -> int:
    """The port that the server's log says it listens on."""
    assert process.stdout is not None
    log = ""
    for line in process.stdout:
        log += line
        if found := re.search(r"listening on \S+:(\d+)$", line):
            return int(found[1])
    raise AssertionError(f"the server has ended:\n{log}")
