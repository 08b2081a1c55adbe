"""Floods: everybody sends as fast as the server takes it, and everybody reads.

A flood is a fixed number of lines, measured from the first byte sent to the last one received.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence

from achat_twisted.bench.crowd import Crowd, names
from achat_twisted.bench.dialects import Dialect
from achat_twisted.bench.meter import measured
from achat_twisted.bench.peers import (
    AnyOrder,
    Block,
    Incoming,
    InOrder,
    Nothing,
    Outgoing,
    Peer,
    chunk,
)
from achat_twisted.bench.servers import Server
from achat_twisted.bench.workload import Figures, Load


def pairs(server: Server, dialect: Dialect, load: Load) -> Figures:
    """One half of the peers sends, each to one of the other half."""
    half = load.peers // 2
    senders, receivers = names(half, "s"), names(half, "r")
    piece = chunk(2 * half)
    with Crowd(server, dialect) as crowd:
        sending, receiving = crowd.log_in(senders), crowd.log_in(receivers)
        for sender, receiver, source, sink in zip(
            senders, receivers, sending, receiving, strict=True
        ):
            line = dialect.post(receiver, load.text)
            outgoing = Outgoing(source, Block(line, piece), load.lines * len(line))
            Peer(crowd.loop, source, Nothing(source, dialect), outgoing)
            line = dialect.delivery(sender, receiver, load.text)
            incoming = InOrder(sink, dialect, Block(line, piece), load.lines * len(line))
            Peer(crowd.loop, sink, incoming)
        with measured(server) as meter:
            crowd.loop.run()
    return meter.figures(half * load.lines)


def mesh(server: Server, dialect: Dialect, load: Load) -> Figures:
    """All peers send to all, one after the other, to themselves as well."""
    everybody = names(load.peers, "m")
    posts = [dialect.post(name, load.text) for name in everybody]
    step = len(posts[0])
    block = Block(b"".join(posts), chunk(load.peers))
    with Crowd(server, dialect) as crowd:
        for number, client in enumerate(crowd.log_in(everybody)):
            start = (number + 1) % load.peers * step
            outgoing = Outgoing(client, block, load.lines * step, start)
            incoming = _from_all(client, dialect, load, everybody, everybody[number], block.chunk)
            Peer(crowd.loop, client, incoming, outgoing)
        with measured(server) as meter:
            crowd.loop.run()
    return meter.figures(load.peers * load.lines)


def _from_all(
    client: socket.socket,
    dialect: Dialect,
    load: Load,
    senders: Sequence[str],
    name: str,
    piece: int,
) -> Incoming:
    """The lines that one peer of a mesh hears: as many as it sends, wherever each sender begins."""
    line = dialect.delivery(senders[0], name, load.text)
    size = load.lines * len(line)
    if line == dialect.delivery(senders[1], name, load.text):
        return InOrder(client, dialect, Block(line, piece), size)
    return AnyOrder(client, dialect, line, size, piece)


def fan(server: Server, dialect: Dialect, load: Load) -> Figures:
    """One peer sends to all others at once."""
    return _to_all(server, dialect, load, is_one_of_them=False)


def room(server: Server, dialect: Dialect, load: Load) -> Figures:
    """One peer says something in a room that all others are in."""
    return _to_all(server, dialect.with_rooms(), load, is_one_of_them=True)


def _to_all(server: Server, dialect: Dialect, load: Load, *, is_one_of_them: bool) -> Figures:
    """@param is_one_of_them: true if the one that sends must be in their group."""
    (sender,), receivers, (group,) = names(1, "s"), names(load.peers - 1, "r"), names(1, "g")
    piece = chunk(load.peers)
    post = dialect.post_all(receivers, group, load.text)
    delivery = dialect.delivery(sender, group, load.text)
    heard = Block(delivery, piece)
    with Crowd(server, dialect) as crowd:
        (source,) = crowd.log_in([sender], group if is_one_of_them else "")
        sinks = crowd.log_in(receivers, group)
        for sink in sinks:
            incoming = InOrder(sink, dialect, heard, load.lines * len(delivery))
            Peer(crowd.loop, sink, incoming)
        outgoing = Outgoing(source, Block(post, piece), load.lines * len(post))
        Peer(crowd.loop, source, Nothing(source, dialect), outgoing)
        with measured(server) as meter:
            crowd.loop.run()
    return meter.figures(len(receivers) * load.lines)
