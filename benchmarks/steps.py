"""The steps in which a line's microseconds go: C{python -m benchmarks.steps}.

Strategy: the server's own parts stand on a socket that takes all and never says no, so that each
step can be timed by itself; the kernel's two are timed on a real connection. Of many runs the least
counts. So the sum is what a line costs when nothing gets in its way: in a server under load come
the poller, the reactor, and what the processor's caches lose from line to line.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from functools import partial
from math import inf
from time import perf_counter
from typing import Any, cast

from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock

from achat_twisted import wire
from achat_twisted.broker.broker import Broker
from achat_twisted.limits.admission import Admission
from achat_twisted.limits.limits import Limits
from achat_twisted.mailbox.memory import MemoryMailbox
from achat_twisted.net.transport import ServerTransport
from achat_twisted.reader.factory import ChatFactory
from achat_twisted.reader.terms import Terms
from achat_twisted.wire.framing import LineSplitter

LINE = b"bob: " + b"x" * 40 + b"\n"
MANY = 2**17 // len(LINE)

_RUNS = 3_000


class _Socket:
    """As much of a socket as is written to."""

    family = socket.AF_UNSPEC

    def fileno(self) -> int:
        return -1

    def setblocking(self, _blocking: bool) -> None: ...

    def getsockname(self) -> tuple[str, int]:
        return ("127.0.0.1", 1)

    def send(self, data: bytes) -> int:
        return len(data)


class _Transport(ServerTransport):
    """A transport that is read by hand, and whose peer acknowledges everything at once."""

    def getPeer(self) -> IPv4Address:
        return IPv4Address("TCP", "127.0.0.1", 1)

    def startReading(self) -> None: ...

    def stopReading(self) -> None: ...

    def _look(self) -> int:
        return 0


class House:
    """Alice and Bob, who are logged in."""

    def __init__(self) -> None:
        clock = Clock()
        self._turns: list[Callable[[], None]] = []
        self.broker = Broker(clock, MemoryMailbox(clock), soon=self._turns.append)
        self.broker.startService()
        self._factory = ChatFactory(
            self.broker,
            clock,
            Terms(),
            Admission(clock, Limits()),
        )
        self.alice, self.bob = self._log_in("alice"), self._log_in("bob")

    def _log_in(self, name: str) -> _Transport:
        reader = self._factory.buildProtocol(None)
        assert reader is not None
        nobody = cast(Any, None)
        transport = _Transport(
            nobody, cast(Any, _Socket()), reader, ("127.0.0.1", 1), nobody, 0, nobody
        )
        reader.makeConnection(transport)
        transport.take_in(f"{name}\n".encode())
        self.end_turn()
        return transport

    def end_turn(self) -> None:
        for turn in self._turns:
            turn()
        self._turns.clear()


def least(*steps: Callable[[], object]) -> list[float]:
    """The microseconds that each step takes at least, when they are taken in turns."""
    took = [inf] * len(steps)
    for _ in range(_RUNS):
        for number, step in enumerate(steps):
            began = perf_counter()
            step()
            took[number] = min(took[number], perf_counter() - began)
    return [1e6 * seconds for seconds in took]


def kernel(data: bytes) -> tuple[float, float]:
    """The microseconds to receive and to send C{data} over loopback, when it is answered."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        here = socket.create_connection(server.getsockname())
        there, _ = server.accept()
    with here, there:
        for end in (here, there):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        there.sendall(data)
        received, sent, _, _ = least(
            partial(here.recv, len(data), socket.MSG_WAITALL),
            partial(here.sendall, data),
            partial(there.recv, len(data), socket.MSG_WAITALL),
            partial(there.sendall, data),
        )
    return received, sent


def _parse_alone(data: bytes) -> wire.Post | None:
    return wire.parse_alone(data, wire.MAX_LINE)


def _parse_run(data: bytes) -> wire.Post | None:
    (block,) = LineSplitter(wire.MAX_LINE).feed(data)
    assert isinstance(block, str)
    return wire.parse_run(block)


def steps(count: int) -> dict[str, float]:
    """The steps of C{count} lines that come together, with the microseconds of each."""
    data = LINE * count
    house = House()
    parse = _parse_alone if count == 1 else _parse_run
    post = parse(data)
    assert post is not None
    received, sent = kernel(data)
    (parsed,) = least(partial(parse, data))
    (rendered,) = least(partial(wire.render_post, "alice", post.text))
    taken_in, ended = least(partial(house.alice.take_in, data), house.end_turn)
    return {
        "recv(2)": received,
        "cut into lines, checked, parsed: framing, wire": parsed,
        "rendered: wire.render_post": rendered,
        "routed, counted, queued: reader, broker, session, outbox": taken_in - parsed - rendered,
        "the turn's end: turns, outbox, writer, link, transport": ended,
        "send(2)": sent,
    }


def main() -> None:
    alone, together = steps(1), steps(MANY)
    print(f"{'µs for a line of 40 bytes':58} {'alone':>7}  {f'of {MANY:,}':>8}")
    for step, took in alone.items():
        print(f"{step:58} {took:7.2f}  {together[step] / MANY:8.3f}")
    print(f"{'':58} {sum(alone.values()):7.2f}  {sum(together.values()) / MANY:8.3f}")


if __name__ == "__main__":
    main()
