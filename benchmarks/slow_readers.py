"""The cost of slow readers: the others' round trips, and the server's memory.

C{python -m benchmarks.slow_readers} starts a server of its own on loopback, and prints:

 - the 99th percentile of round trips between two clients, while a third one posts at a steady
   rate to a peer that reads, and to one that is stuck; in turns, so that both see the same machine;
 - what becomes of a stream that its reader takes at 50 MB/s: what arrives, what is refused, and
   how much memory the server has meanwhile.
"""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable
from functools import partial
from multiprocessing import Pipe
from statistics import median
from threading import Thread
from typing import Any

from benchmarks.clients import Client, beside
from benchmarks.server import MEGABYTE, resident, running
from tests import scratch

ROUNDS = 9
"""The number of times that each of the two is measured."""

SLICES = 20
"""The number of changes from one to the other in a round, so that both meet the same noise."""

TRIPS = 500
"""Round trips in a slice."""

RATE = 1_000
"""Lines a second that are posted meanwhile, one by one, of 1 KB each."""

SPEED = 50_000_000
"""Bytes a second that the slow reader of the stream takes."""

TEXT = "x" * 1000

GROWTH = 10.0
"""MB by which the server may grow after the first tenth of the stream, and still count as flat."""


def _read_all(port: int, name: str) -> None:
    client = Client(port, name)
    while client.socket.recv(2**20):
        pass


def _post_steadily(port: int, orders: Any) -> None:
    """Posts at L{RATE} to the name that came last in C{orders}.

    The server's answers are not read, as that would cost time on one side of the comparison
    alone; it is little enough for the kernel to hold.
    """
    poster = Client(port, "poster")
    recipient = orders.recv()
    due = time.monotonic()
    while True:
        if orders.poll(max(0.0, due - time.monotonic())):
            recipient = orders.recv()
        else:
            due += 1 / RATE
            poster.socket.sendall(f"{recipient}: {TEXT}\n".encode())


def _flood_stuck(port: int) -> Client:
    """A peer that does not read, and has been sent more than the kernel holds for it."""
    stuck, flooder = Client(port, "stuck"), Client(port, "flooder")
    for _ in range(6_000):
        flooder.say(f"stuck: {TEXT}")
    flooder.say("/sync")
    assert any(line.startswith("! kept") for line in flooder.hear_until("! synced"))
    return stuck


def _trips(alice: Client, bob: Client) -> list[float]:
    """The durations of some round trips, in microseconds."""
    took = []
    for number in range(TRIPS):
        began = time.perf_counter()
        alice.say(f"bob: {number}")
        bob.hear()
        bob.say(f"alice: {number}")
        alice.hear()
        took.append(1e6 * (time.perf_counter() - began))
    return took


def _p99(took: list[float]) -> float:
    return sorted(took)[len(took) * 99 // 100]


def measure_round_trips() -> bool:
    """Compare round trips beside a healthy and a stuck recipient of the same flood."""
    figures: list[tuple[float, float]] = []
    with running(scratch.TREE, "--mailbox-limit", "200000000") as server:
        orders, poster_orders = Pipe()
        stuck = _flood_stuck(server.address[1])
        alice, bob = Client(server.address[1], "alice"), Client(server.address[1], "bob")
        with (
            beside(_read_all, server.address[1], "healthy"),
            beside(_post_steadily, server.address[1], poster_orders),
        ):
            for _ in range(ROUNDS):
                took: dict[str, list[float]] = {"healthy": [], "stuck": []}
                for _ in range(SLICES):
                    for recipient, trips in took.items():
                        orders.send(recipient)
                        trips += _trips(alice, bob)
                figures.append((_p99(took["healthy"]), _p99(took["stuck"])))
                print("  p99 {:5.0f} µs healthy, {:5.0f} µs stuck".format(*figures[-1]), flush=True)
        stuck.socket.close()
    healthy = median(p99 for p99, _ in figures)
    with_stuck = median(p99 for _, p99 in figures)
    change = with_stuck / healthy - 1
    print(f"  medians {healthy:.0f} and {with_stuck:.0f} µs: {change:+.1%}")
    return change < 0.1


def _stream(port: int, count: int, told: Any) -> None:
    """Send numbered lines as fast as they are taken, and tell what became of them."""
    alice = Client(port, "alice")

    def send() -> None:
        for first in range(0, count, 100):
            numbers = range(first, min(first + 100, count))
            alice.socket.sendall("".join(f"sink: {n} {TEXT}\n" for n in numbers).encode())
        alice.say("/sync")

    Thread(target=send, daemon=True).start()
    outcomes: Counter[str] = Counter()
    for line in alice.hear_until("! synced"):
        _, word, *detail = line.split()
        outcomes[word] += int(detail[-1])
    told.send(outcomes)


def _read_slowly(sink: Client, count: int, memory: Callable[[], float]) -> list[float]:
    """Take C{count} numbered lines at L{SPEED}; the memory at each hundredth of them.

    @raise SystemExit: if a line is missing, doubled or out of order.
    """
    samples = []
    expected, taken, rest = 0, 0, b""
    began = time.monotonic()
    while expected < count:
        data = sink.socket.recv(2**18)
        taken += len(data)
        time.sleep(max(0.0, began + taken / SPEED - time.monotonic()))
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            if line.startswith(b"! "):
                continue
            if int(line.split(b" ", 3)[2]) != expected:
                raise SystemExit(f"not line {expected}: {line[:40]!r}")
            expected += 1
            if expected * 100 % count < 100:
                samples.append(memory())
        if not data:
            raise SystemExit(f"ended after {expected} lines")
    took = time.monotonic() - began
    print(f"  {expected} lines, {taken / MEGABYTE:.0f} MB in {took:.1f} s", end="")
    print(f": {taken / MEGABYTE / took:.1f} MB/s, whole and in order")
    return samples


def measure_stream(megabytes: int) -> bool:
    """Stream to a slow reader."""
    count = megabytes * MEGABYTE // len(TEXT)
    with running(scratch.TREE) as server:
        sink = Client(server.address[1], "sink")
        told, tell = Pipe()
        with beside(_stream, server.address[1], count, tell):
            samples = _read_slowly(sink, count, partial(resident, server))
            outcomes = told.recv()
    refused = outcomes["unknown"] + outcomes["full"]
    tenth, most = samples[len(samples) // 10], max(samples)
    print(f"  {outcomes['kept']} kept meanwhile, {refused} refused")
    print(
        f"  memory {tenth:.0f} MB after a tenth, {samples[-1]:.0f} MB at the end,"
        f" {most:.0f} MB at most"
    )
    return not refused and most - tenth < GROWTH


def main() -> None:
    parser = ArgumentParser(description="What slow readers cost.")
    parser.add_argument("--megabytes", type=int, default=1024, help="how much is streamed")
    megabytes = parser.parse_args().megabytes
    print(f"Round trips beside {RATE} lines/s to a healthy and to a stuck peer:")
    steady = measure_round_trips()
    print(f"{megabytes} MB to a client that reads {SPEED // MEGABYTE} MB/s:")
    flat = measure_stream(megabytes)
    print(f"p99 changes by less than a tenth: {'yes' if steady else 'NO'}")
    print(f"nothing refused, and memory flat: {'yes' if flat else 'NO'}")
    raise SystemExit(not (steady and flat))


if __name__ == "__main__":
    main()
