"""The table of workloads."""

from __future__ import annotations

from achat_twisted.bench import crowds, floods, talk
from achat_twisted.bench.workload import Measure, Workload

_DELIVERIES = 2_000_000
_MESSAGES = 200_000

_LOAD = Measure("generator", "load %", 100)
_EACH = Measure("cpu_each", "CPU µs each", 1e6, 2, True)
_RATE = Measure("rate", "deliveries/s", 1, 0, True)
_FLOOD = (_RATE, _EACH, _LOAD)

WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload(
            "pairs",
            "Half of the peers send, each to one of the other half.",
            200,
            lambda peers: _DELIVERIES // (peers // 2),
            floods.pairs,
            _FLOOD,
        ),
        Workload(
            "mesh",
            "All peers send to all, in turn.",
            100,
            lambda peers: _DELIVERIES // peers,
            floods.mesh,
            _FLOOD,
        ),
        Workload(
            "fan",
            "One peer sends each line to all others.",
            101,
            lambda peers: _DELIVERIES // (peers - 1),
            floods.fan,
            _FLOOD,
        ),
        Workload(
            "talk",
            "Two and two answer each other, with one line in flight.",
            100,
            lambda peers: _MESSAGES // peers,
            talk.talk,
            (
                _RATE,
                _EACH,
                Measure("p50", "p50 ms", 1e3, 2, True),
                Measure("p99", "p99 ms", 1e3, 2, True),
                Measure("max", "max ms", 1e3, 1),
                _LOAD,
            ),
        ),
        Workload(
            "idle",
            "All are logged in, and say nothing.",
            10_000,
            lambda _: 0,
            crowds.idle,
            (
                Measure("memory_each", "KB each", 1e-3, 1, True),
                Measure("server", "CPU %", 100, 1),
                _LOAD,
            ),
        ),
        Workload(
            "logins",
            "All log in, 200 at a time, and stay.",
            10_000,
            lambda _: 0,
            crowds.logins,
            (Measure("rate", "logins/s", 1, 0, True), _EACH, _LOAD),
        ),
    )
}
"""By name, in the order in which they are run."""
