"""A real server on loopback, and clients that block: what the benchmarks need."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import Process
from pathlib import Path
from typing import Any

MEGABYTE = 1_000_000


class Client:
    """A connection that is logged in."""

    def __init__(self, port: int, name: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self.socket.makefile("rb")
        self.say(name)
        self.hear()

    def say(self, line: str) -> None:
        self.socket.sendall(f"{line}\n".encode())

    def hear(self) -> str:
        return self._file.readline().decode()

    def hear_until(self, text: str) -> list[str]:
        """All lines up to the first that begins with a text."""
        lines = [self.hear()]
        while not lines[-1].startswith(text):
            lines.append(self.hear())
        return lines


class Server:
    """A server of our own."""

    def __init__(self, *options: str) -> None:
        twistd = Path(sys.executable).with_name("twistd")
        self._process = subprocess.Popen(
            [twistd, "--nodaemon", "--pidfile=", "achat", "--port", "0", *options],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if match := re.search(r"listening on \S+:(\d+)$", line):
                self.port = int(match[1])
                return
        raise SystemExit("the server did not start")

    def memory(self) -> float:
        """The resident memory, in MB."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        match = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert match is not None
        return int(match[1]) * 1024 / MEGABYTE

    def stop(self) -> None:
        self._process.terminate()
        self._process.communicate()


@contextmanager
def serve(*options: str) -> Iterator[Server]:
    """A server that ends with the context."""
    server = Server(*options)
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def beside(work: Callable[..., None], *arguments: Any) -> Iterator[None]:
    """Have something done in a process of its own, which ends with the context at the latest."""
    process = Process(target=work, args=arguments, daemon=True)
    process.start()
    try:
        yield
    finally:
        process.terminate()
        process.join()
