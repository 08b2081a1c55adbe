"""The table of workloads."""

from __future__ import annotations

from achat_twisted.bench import crowds, floods, paced, talk
from achat_twisted.bench.stop import SENDERS, stop
from achat_twisted.bench.workload import Measure, Workload

_DELIVERIES = 2_000_000
"""The number of deliveries in a flood, about."""

_MESSAGES = 200_000
"""The number of lines said in conversations."""

_OFFERED = 20_000
"""Lines a second: a quarter of what a server on one core takes in conversations."""

_OFFERED_FOR = 5
"""Seconds for which they are offered, about."""

_STOPPED = 100_000
"""The number of lines sent before a stop."""

_RATE = Measure("rate", "deliveries/s", better="more")
_EACH = Measure("cpu_each", "CPU µs each", 1e6, 2)
_LOAD = Measure("generator", "load %", 100, is_compared=False)
_FLOOD = (_RATE, _EACH, _LOAD)
_LATENCIES = (
    Measure("p50", "p50 ms", 1e3, 2),
    Measure("p99", "p99 ms", 1e3, 2),
    Measure("max", "max ms", 1e3, 1, is_compared=False),
)

_ALL = (
    Workload(
        "pairs",
        "Half of the clients send, each to one of the other half.",
        peers=200,
        lines=lambda peers: _DELIVERIES // (peers // 2),
        run=floods.pairs,
        measures=_FLOOD,
        in_pairs=True,
    ),
    Workload(
        "mesh",
        "All clients send to all in turn, one recipient a line.",
        peers=100,
        lines=lambda peers: _DELIVERIES // peers,
        run=floods.mesh,
        measures=_FLOOD,
        is_for_tags=False,
    ),
    Workload(
        "fan",
        "One client sends, each line to all others.",
        peers=101,
        lines=lambda peers: _DELIVERIES // (peers - 1),
        run=floods.fan,
        measures=_FLOOD,
    ),
    Workload(
        "room",
        "One client says something in a room that all others are in.",
        peers=1_001,
        lines=lambda peers: _DELIVERIES // (peers - 1),
        run=floods.room,
        measures=_FLOOD,
        is_for_tags=False,
    ),
    Workload(
        "talk",
        "Two and two answer each other, with one line in flight.",
        peers=100,
        lines=lambda peers: _MESSAGES // peers,
        run=talk.talk,
        measures=(_RATE, _EACH, *_LATENCIES, _LOAD),
        in_pairs=True,
    ),
    Workload(
        "paced",
        "Half of the clients send at a fixed --rate, however late the lines arrive.",
        peers=100,
        lines=lambda peers: _OFFERED * _OFFERED_FOR // (peers // 2),
        run=paced.paced,
        measures=(
            *_LATENCIES,
            Measure("late", "late ms", 1e3, 2, is_compared=False),
            _EACH,
            _RATE,
            _LOAD,
        ),
        rate=_OFFERED,
        in_pairs=True,
    ),
    Workload(
        "idle",
        "All are logged in, and say nothing.",
        peers=10_000,
        lines=lambda _peers: 0,
        run=crowds.idle,
        measures=(
            Measure("memory_each", "KB each", 1e-3, 1),
            Measure("server", "CPU %", 100, 1, is_compared=False),
        ),
    ),
    Workload(
        "logins",
        "All log in, 200 at a time, and stay.",
        peers=10_000,
        lines=lambda _peers: 0,
        run=crowds.logins,
        measures=(Measure("rate", "logins/s", better="more"), _EACH, _LOAD),
    ),
    Workload(
        "stop",
        "Some send to all, who do not read before the server is stopped in the middle of it.",
        peers=10_000,
        lines=lambda peers: _STOPPED // min(SENDERS, peers),
        run=stop,
        measures=(
            Measure("seconds", "seconds", digits=2),
            Measure("lost", "lost", is_compared=False),
            Measure("taken", "taken in", better="more", is_compared=False),
            Measure("received", "received", better="more", is_compared=False),
        ),
        stops=True,
        is_for_tags=False,
    ),
)

WORKLOADS = {workload.name: workload for workload in _ALL}
"""The workloads by name, in the order in which they are run."""
