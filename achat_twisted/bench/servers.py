"""The servers that are measured: one that runs, or one that is started for each measurement."""

from __future__ import annotations

import resource
import shlex
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from achat_twisted.bench.failure import Failed

PATIENCE = 10.0
"""Seconds in which a server must accept connections, and also those in which it must stop."""

_TAIL = 500
"""How much of what a server has printed is shown when it fails, in characters."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs.

    @ivar name: what it is called in reports.
    @ivar address: host and port.
    @ivar pid: its process, if that is known, and is on this machine.
    @ivar tls: whether it is spoken to over TLS.
    """

    name: str
    address: tuple[str, int]
    pid: int | None = None
    tls: bool = False

    def cpu(self) -> float | None:
        """Seconds of CPU that it has used so far, in all its threads."""
        if self.pid is None:
            return None
        try:
            # The number of another process's clock, as clock_getcpuclockid(3) makes it.
            return time.clock_gettime(~self.pid << 3 | 2)
        except OSError:
            raise Failed(f"there is no process {self.pid}") from None

    def memory(self) -> int | None:
        """Its resident memory, in bytes; see C{statm} in C{proc(5)}."""
        if self.pid is None:
            return None
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * resource.getpagesize()


@dataclass(frozen=True, slots=True)
class Running:
    """A server that somebody else has started; the same as a L{Server}."""

    name: str
    address: tuple[str, int]
    pid: int | None = None
    tls: bool = False

    @property
    def words(self) -> str:
        """How the user has named it."""
        return self.name

    @contextmanager
    def run(self) -> Iterator[Server]:
        """The server, which goes on at the end."""
        yield Server(self.name, self.address, self.pid, self.tls)


@dataclass(frozen=True, slots=True)
class Command:
    """How to start a server.

    @ivar words: the command line, for L{shlex.split}; C{{port}} in it stands for its port.
    @ivar tls: whether it is spoken to over TLS.
    """

    name: str
    words: str
    tls: bool = False

    @contextmanager
    def run(self) -> Iterator[Server]:
        """A fresh server, which is stopped at the end.

        @raise Failed: if it does not start.
        """
        port = _free_port()
        command = [word.replace("{port}", str(port)) for word in shlex.split(self.words)]
        with tempfile.TemporaryFile() as output:
            process = self._start(command, output.fileno())
            try:
                address = ("127.0.0.1", port)
                if not _accepts(address, process):
                    raise Failed(f"it does not listen on port {port} within {PATIENCE:g} seconds")
                yield Server(self.name, address, process.pid, self.tls)
            except Failed as failure:
                raise Failed(f"{failure}{_last_words(process, output)}") from None
            finally:
                _stop(process)

    def _start(self, command: Sequence[str], output: int) -> subprocess.Popen[bytes]:
        try:
            # In a session of its own, so that Ctrl-C ends the measurement, and that the server.
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        except OSError as error:
            raise Failed(f"it cannot be started: {command[0]}: {error.strerror}") from None


def _free_port() -> int:
    with socket.socket() as some:
        some.bind(("127.0.0.1", 0))
        port: int = some.getsockname()[1]
        return port


def _accepts(address: tuple[str, int], process: subprocess.Popen[bytes]) -> bool:
    """Wait until a server accepts connections; whether it does."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError), socket.create_connection(address, timeout=1) as probe:
            # Where nobody listens, a socket may happen to connect to itself.
            if probe.getsockname() != probe.getpeername():
                return True
        time.sleep(0.02)
    return False


def _last_words(process: subprocess.Popen[bytes], output: IO[bytes]) -> str:
    """What else is to be told of a server that has failed, if it has ended."""
    if (code := process.poll()) is None:
        return ""
    output.seek(0)
    tail = output.read().decode(errors="backslashreplace").strip()[-_TAIL:]
    return f"; it has ended with exit code {code}, and has printed {tail or 'nothing'}"


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
