"""The network: wires, and their faults."""

from __future__ import annotations

import math
from functools import partial
from random import Random

from twisted.internet.task import Clock

from tests.simulation.kernel import Endpoint, Packet, Weather

TICK = 1 / 1024
"""Seconds that everything takes a multiple of, so that things happen at the same moment."""

_CONNECTION = TICK / 1024
"""The difference between the moments of two connections' clients.

Rooms of the server may do the same for many connections in any order; nothing a client does may
depend on that order, or a seed would not always lead to the same schedule.
"""


def draw_weather(rng: Random) -> Weather:
    """Anything from a good line to a bad one."""
    return Weather(
        latency=rng.choice([1, 5, 50, 300]),
        segment=rng.choice([40, 300, 1400]),
        send_space=rng.choice([100, 1000, 16000]),
        receive_space=rng.choice([50, 500, 8000]),
    )


class Wire:
    """The path between two machines. A packet overtakes none of its own direction."""

    def __init__(self, clock: Clock, rng: Random, weather: Weather, number: int) -> None:
        """@param number: the connection's; no two have the same."""
        self._clock = clock
        self._rng = rng
        self._latency = weather.latency
        self._silent = False
        self._latest = {0.0: 0.0, number * _CONNECTION: 0.0}
        to_server = partial(self._send, 0.0)
        to_client = partial(self._send, number * _CONNECTION)
        self.client = Endpoint(number, weather, to_server, self._toss)
        self.server = Endpoint(number, weather, to_client, self._toss)
        self.client.peer, self.server.peer = self.server, self.client

    def silence(self) -> None:
        """From now on packets vanish, those under way too, and neither end gets to know."""
        self._silent = True

    def cut(self) -> None:
        """Packets vanish, and both ends get to know."""
        self._silent = True
        for end in (self.client, self.server):
            end.fall()

    def _send(self, offset: float, packet: Packet) -> None:
        """Send a packet that arrives so much behind a tick."""
        now = self._clock.seconds()
        arrival = now + self._rng.randint(1, self._latency) * TICK
        arrival = max(self._latest[offset], math.ceil(arrival / TICK) * TICK + offset)
        self._latest[offset] = arrival
        self._clock.callLater(arrival - now, self._arrive, packet)

    def _arrive(self, packet: Packet) -> None:
        if not self._silent:
            packet()

    def _toss(self) -> bool:
        return self._rng.random() < 0.5
