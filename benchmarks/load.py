"""The cost of a message to an achat, by the loads of C{achat bench}."""

from __future__ import annotations

from dataclasses import dataclass

from achat_twisted.bench.dialects import Achat
from achat_twisted.bench.floods import pairs
from achat_twisted.bench.servers import Server
from achat_twisted.bench.talk import talk
from achat_twisted.bench.workload import Figures, Load

_TEXT = "x" * 40


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of a message.

    @ivar elapsed: seconds.
    @ivar cpu: seconds of the server's CPU.
    """

    elapsed: float
    cpu: float


def flood(server: Server, lines: int) -> Cost:
    """Four clients send as fast as they can, each to one that reads; C{lines} each."""
    return _cost(pairs(server, Achat(), Load(8, lines, _TEXT)))


def converse(server: Server, rounds: int) -> Cost:
    """Two clients answer each other, with one line in flight."""
    return _cost(talk(server, Achat(), Load(2, rounds, _TEXT)))


def _cost(figures: Figures) -> Cost:
    rate, cpu = figures["rate"], figures["cpu_each"]
    assert rate is not None and cpu is not None
    return Cost(1 / rate, cpu)
