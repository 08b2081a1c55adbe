"""What clients do to a server that is measured; with as little work of their own as can be."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from benchmarks.server import Server

_CHUNK = 2**18
"""Bytes that are sent and received at a time."""

_PAIRS = 4
"""Senders, each with a recipient of its own."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a message costs.

    @ivar elapsed: seconds.
    @ivar cpu: seconds of the server's CPU.
    """

    elapsed: float
    cpu: float


@contextmanager
def _measured(server: Server, messages: int) -> Iterator[list[Cost]]:
    """Measures what happens inside; then its cost is in the list."""
    costs: list[Cost] = []
    began, used = time.perf_counter(), server.cpu()
    yield costs
    elapsed, cpu = time.perf_counter() - began, server.cpu() - used
    costs.append(Cost(elapsed / messages, cpu / messages))


def _log_in(server: Server, name: str) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", server.port))
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client.sendall(f"{name}\n".encode())
    welcome = f"! welcome {name}\n".encode()
    assert client.recv(len(welcome), socket.MSG_WAITALL) == welcome
    return client


def flood(server: Server, lines: int) -> Cost:
    """Some clients send as fast as they can, each to one that reads; C{lines} each."""
    with ExitStack() as stack, selectors.DefaultSelector() as selector:
        to_send: dict[socket.socket, memoryview] = {}
        to_come: dict[socket.socket, int] = {}
        for number in range(_PAIRS):
            text = "x" * 40
            recipient = stack.enter_context(_log_in(server, f"to {number}"))
            sender = stack.enter_context(_log_in(server, f"me {number}"))
            to_send[sender] = memoryview(f"to {number}: {text}\n".encode() * lines)
            to_come[recipient] = len(f"from me {number}: {text}\n".encode()) * lines
            for client, event in (sender, selectors.EVENT_WRITE), (recipient, selectors.EVENT_READ):
                client.setblocking(False)
                selector.register(client, event)
        buffer = bytearray(_CHUNK)
        with _measured(server, _PAIRS * lines) as costs:
            while to_come:
                for key, _ in selector.select():
                    ready = key.fileobj
                    assert isinstance(ready, socket.socket)
                    if ready in to_send:
                        to_send[ready] = to_send[ready][ready.send(to_send[ready][:_CHUNK]) :]
                        over = not to_send[ready]
                    else:
                        to_come[ready] -= ready.recv_into(buffer)
                        over = not to_come[ready]
                    if over:
                        selector.unregister(ready)
                        to_come.pop(ready, None)
    return costs[0]


def converse(server: Server, rounds: int) -> Cost:
    """Two clients answer each other, with one line in flight."""
    with _log_in(server, "alice") as alice, _log_in(server, "bob") as bob:
        text = "x" * 40
        says = [(alice, f"bob: {text}\n".encode()), (bob, f"alice: {text}\n".encode())]
        hears = [(bob, f"from alice: {text}\n".encode()), (alice, f"from bob: {text}\n".encode())]
        with _measured(server, 2 * rounds) as costs:
            for _ in range(rounds):
                for (speaker, said), (hearer, heard) in zip(says, hears, strict=True):
                    speaker.sendall(said)
                    assert hearer.recv(_CHUNK) == heard
    return costs[0]
