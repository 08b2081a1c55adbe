"""The server that a crowd attacks, and the means of its members."""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """The target, the size and the end of an attack.

    @ivar until: on the monotonic clock.
    @ivar hosts: from how many addresses they come, at most 250; 0 for the pair's own.
    """

    port: int
    size: int
    until: float
    hosts: int = 0

    @property
    def is_time(self) -> bool:
        return time.monotonic() < self.until

    def stay(self) -> None:
        """Do nothing until it is over."""
        while self.is_time:
            time.sleep(0.1)

    def connect(self, number: int = 0, receive_buffer: int = 0) -> socket.socket:
        """@param number: which of the crowd it is; its address depends on it.
        @param receive_buffer: bytes that its own machine takes; what the kernel thinks, if 0.
        """
        client = socket.socket()
        if receive_buffer:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if self.hosts:
            client.bind((f"127.1.0.{1 + number % self.hosts}", 0))
        with suppress(ConnectionResetError):  # by a server that has had enough; it will be seen
            client.connect(("127.0.0.1", self.port))
        return client

    def connect_all(self) -> list[socket.socket]:
        return [self.connect(number) for number in range(self.size)]

    def log_in(self, name: str) -> socket.socket:
        client = self.connect()
        client.sendall(f"{name}\n".encode())
        hear(client, b"\n")
        return client

    def log_in_all(self, receive_buffer: int = 0, opening: bytes = b"") -> list[socket.socket]:
        """Those called C{c0}, C{c1} and so on; one that is in does not wait for the others.

        @param opening: the lines before their names.
        """
        clients = []
        for number in range(self.size):
            client = self.connect(number, receive_buffer)
            client.sendall(opening + b"c%d\n" % number)
            clients.append(client)
        for client in clients:
            client.recv(1, socket.MSG_PEEK)
            client.setblocking(False)
        return clients


def hear(client: socket.socket, what: bytes) -> bytes:
    """The input up to C{what}, or to the end."""
    heard = bytearray()
    while what not in heard and (data := client.recv(65536)):
        heard += data
    return bytes(heard)


def say_slowly(place: Place, clients: list[socket.socket], byte: bytes) -> str:
    """Say a byte a second on each, until the server has closed them all."""
    began = last = time.monotonic()
    staying = set(clients)
    for client in staying:
        client.setblocking(False)
    while staying and place.is_time:
        for client in [*staying]:
            try:
                client.send(byte)
                gone = client.recv(65536) == b""
            except BlockingIOError:
                gone = False
            except OSError:
                gone = True
            if gone:
                staying.remove(client)
                client.close()
                last = time.monotonic()
        time.sleep(1)
    closed = place.size - len(staying)
    return f"{closed} of {place.size} were closed, the last after {last - began:.0f} s"
