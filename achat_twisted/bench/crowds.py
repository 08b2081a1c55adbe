"""Crowds: many clients that come, and many that are just there."""

from __future__ import annotations

from achat_twisted.bench.crowd import Crowd, names
from achat_twisted.bench.dialects import Dialect
from achat_twisted.bench.meter import measured
from achat_twisted.bench.peers import Nothing, Peer
from achat_twisted.bench.servers import Server
from achat_twisted.bench.workload import Figures, Load

SETTLE = 3.0
"""Seconds that a server has to become quiet."""

IDLE = 3.0
"""Seconds for which nothing happens."""


def idle(server: Server, dialect: Dialect, load: Load) -> Figures:
    """All are logged in, and say nothing: the memory and CPU that this costs."""
    before = server.memory()
    with Crowd(server, dialect) as crowd:
        for client in crowd.log_in(names(load.peers, "i")):
            Peer(crowd.loop, client, Nothing(client, dialect))
        crowd.loop.run_for(SETTLE)
        with measured(server) as meter:
            crowd.loop.run_for(IDLE)
        after = server.memory()
    each = None if before is None or after is None else (after - before) / load.peers
    return {**meter.figures(load.peers), "memory_each": each}


def logins(server: Server, dialect: Dialect, load: Load) -> Figures:
    """All log in, some at a time, and stay."""
    everybody = names(load.peers, "n")
    with Crowd(server, dialect) as crowd, measured(server) as meter:
        crowd.log_in(everybody)
    return meter.figures(load.peers)
