"""The stop: a flood, SIGTERM in the middle of it, and what has arrived at the end."""

from __future__ import annotations

import os
import select
import signal
import socket
import time

from achat_twisted.bench.crowd import Crowd, names
from achat_twisted.bench.dialects import Dialect
from achat_twisted.bench.failure import Failed
from achat_twisted.bench.loop import IN, OUT, WOULD_BLOCK, Loop
from achat_twisted.bench.peers import Block, Outgoing, chunk
from achat_twisted.bench.servers import Server
from achat_twisted.bench.workload import Figures, Load

SENDERS = 100
"""The number of clients that send, at most."""


def stop(server: Server, dialect: Dialect, load: Load) -> Figures:
    """Some send to all, and none read; at once the server is stopped, and all read to the end.

    A server says itself at the end of each session what it has taken in. One that does not is taken
    to have taken in what was sent: its clients know no better.
    """
    assert server.pid is not None
    everybody = names(load.peers, "e")
    posts = [dialect.post(name, load.text) for name in everybody]
    step = len(posts[0])
    block = Block(b"".join(posts), chunk(SENDERS))
    with Crowd(server, dialect) as crowd:
        clients = crowd.log_in(everybody)
        senders = clients[:SENDERS]
        for number, client in enumerate(senders):
            # Each goes on where the one before it ends, so that all get the same number of lines.
            start = number * load.lines % load.peers * step
            _send(crowd.loop, client, Outgoing(client, block, load.lines * step, start))
        crowd.loop.run()
        began = time.perf_counter()
        ended = _watch_end(crowd.loop, server.pid)
        os.kill(server.pid, signal.SIGTERM)
        heard = [_read_to_the_end(crowd.loop, client) for client in clients]
        crowd.loop.run()
    received = sum(dialect.count(b"".join(chunks), load.text) for chunks in heard)
    said = [dialect.taken_in(b"".join(chunks)) for chunks in heard[: len(senders)]]
    known = [number for number in said if number is not None]
    taken = sum(known) if len(known) == len(said) else len(senders) * load.lines
    return {
        "seconds": ended[0] - began,
        "taken": taken,
        "received": received,
        "lost": taken - received,
    }


def _send(loop: Loop, client: socket.socket, outgoing: Outgoing) -> None:
    """Have something sent, and nothing read meanwhile."""

    def ready(_events: int) -> None:
        try:
            if outgoing.go_on():
                loop.forget(client.fileno())
                loop.pending -= 1
        except OSError as error:
            raise Failed(f"a connection broke: {error.strerror}") from None

    loop.pending += 1
    loop.watch(client.fileno(), OUT, ready)


def _read_to_the_end(loop: Loop, client: socket.socket) -> list[bytes]:
    """Have all read that comes, to the end of the connection, however it ends."""
    heard: list[bytes] = []

    def ready(_events: int) -> None:
        try:
            data = client.recv(2**16)
        except WOULD_BLOCK:
            return
        except OSError:
            data = b""
        if data:
            heard.append(data)
        else:
            loop.forget(client.fileno())
            client.close()  # as the server waits for that
            loop.pending -= 1

    loop.pending += 1
    loop.watch(client.fileno(), IN, ready)
    return heard


def _watch_end(loop: Loop, pid: int) -> list[float]:
    """The time at which a process has ended; empty as long as it runs."""
    ended: list[float] = []
    fd = os.pidfd_open(pid)

    def ready(_events: int) -> None:
        ended.append(loop.now)
        loop.forget(fd)
        os.close(fd)
        loop.pending -= 1

    loop.pending += 1
    loop.watch(fd, select.EPOLLIN, ready)
    return ended
