"""Clients that block, and processes for those that would block one another."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import Process
from typing import Any


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


@contextmanager
def beside(work: Callable[..., None], *arguments: Any) -> Iterator[None]:
    """Has something done in a process of its own, which ends with the context at the latest."""
    process = Process(target=work, args=arguments, daemon=True)
    process.start()
    try:
        yield
    finally:
        process.terminate()
        process.join()
