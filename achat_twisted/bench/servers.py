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

_MOMENT = 0.2
"""Seconds in which a process that breaks its connections as it ends has ended."""

_TAIL = 500
"""The number of characters shown of a failed server's output, from its end."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs.

    @ivar name: its name in reports.
    @ivar address: host and port.
    @ivar pid: its process, if that is known, and is on this machine.
    @ivar tls: true if it is spoken to over TLS.
    @ivar tagged: true if its clients have tags.
    """

    name: str
    address: tuple[str, int]
    pid: int | None = None
    tls: bool = False
    tagged: bool = False

    @property
    def words(self) -> str:
        """The name that the user has given it."""
        return self.name

    def cpu(self) -> float | None:
        """Seconds of CPU that it has used so far, in all its threads."""
        if self.pid is None:
            return None
        try:
            # The number of another process's clock, as clock_getcpuclockid(3) makes it.
            return time.clock_gettime(~self.pid << 3 | 2)
        except OSError:
            raise self._is_gone() from None

    def memory(self) -> int | None:
        """Its resident memory, in bytes; see C{statm} in C{proc(5)}."""
        if self.pid is None:
            return None
        try:
            pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        except OSError:
            raise self._is_gone() from None
        return pages * resource.getpagesize()

    @contextmanager
    def run(self) -> Iterator[Server]:
        """The server itself, which goes on at the end."""
        yield self

    def _is_gone(self) -> Failed:
        return Failed(f"there is no process {self.pid}")


@dataclass(frozen=True, slots=True)
class Command:
    """A command that starts a server.

    @ivar words: the command line, split as a shell would; C{{port}} in it stands for its port.
    @ivar tls: true if it is spoken to over TLS.
    @ivar tagged: true if its clients have tags.
    """

    name: str
    words: str
    tls: bool = False
    tagged: bool = False

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
                server = Server(self.name, address, process.pid, self.tls, self.tagged)
                if not _accepts(server.address, process):
                    raise Failed(f"it does not listen on port {port}; {_fate(process, output)}")
                yield from _watched(server, process, output)
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
    """Wait until a server accepts connections; true if it does."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError), socket.create_connection(address, timeout=1) as probe:
            # If nobody listens, a socket may happen to connect to itself.
            if probe.getsockname() != probe.getpeername():
                return True
        time.sleep(0.02)
    return False


def _watched(
    server: Server, process: subprocess.Popen[bytes], output: IO[bytes]
) -> Iterator[Server]:
    """The server; if measuring it fails because it has ended, that is told as well."""
    try:
        yield server
    except Failed as failure:
        try:
            process.wait(_MOMENT)
        except subprocess.TimeoutExpired:
            raise failure from None
        raise Failed(f"{failure}; {_fate(process, output)}") from None


def _fate(process: subprocess.Popen[bytes], output: IO[bytes]) -> str:
    """The state of a process, and the end of what it has printed."""
    code = process.poll()
    end = (
        f"still runs after {PATIENCE:g} seconds"
        if code is None
        else f"has ended with exit code {code}"
    )
    output.seek(0)
    tail = output.read().decode(errors="backslashreplace").strip()[-_TAIL:]
    return f"it {end}, and has printed {tail or 'nothing'}"


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
