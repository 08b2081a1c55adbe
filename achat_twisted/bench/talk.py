"""Conversations: clients answer each other in pairs, and the time of each line is measured."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Sequence

from achat_twisted.bench.crowd import Crowd, names
from achat_twisted.bench.dialects import Dialect
from achat_twisted.bench.failure import Failed
from achat_twisted.bench.loop import IN
from achat_twisted.bench.meter import measured
from achat_twisted.bench.peers import Block, InOrder
from achat_twisted.bench.servers import Server
from achat_twisted.bench.workload import Figures, Load


def talk(server: Server, dialect: Dialect, load: Load) -> Figures:
    """Clients answer each other in pairs, with one line in flight."""
    half = load.peers // 2
    ones, others = names(half, "o"), names(half, "t")
    with Crowd(server, dialect) as crowd:
        clients = zip(crowd.log_in(ones), crowd.log_in(others), strict=True)
        talk = _Talk(crowd, 2 * half * load.lines)
        starters = []
        for one, other, (here, there) in zip(ones, others, clients, strict=True):
            starter = _Speaker(talk, here, dialect, one, other, load.text)
            answerer = _Speaker(talk, there, dialect, other, one, load.text)
            starter.partner, answerer.partner = answerer, starter
            starters.append(starter)
        crowd.loop.pending = half
        with measured(server) as meter:
            for starter in starters:
                starter.speak()
            crowd.loop.run()
    return {**meter.figures(len(talk.took)), **latencies(talk.took)}


def latencies(took: Sequence[float]) -> Figures:
    """The distribution of some times: the median, the 99th percentile, and the worst.

    The first tenth does not count. All conversations begin at once, and with 2,000 clients this
    burst was the slowest hundredth of all lines, where a server is to show how it does in the long
    run.
    """
    took = sorted(took[len(took) // 10 :])
    return {"p50": took[len(took) // 2], "p99": took[len(took) * 99 // 100], "max": took[-1]}


class _Talk:
    """The state that the conversations share.

    @ivar loop: the loop on which everybody waits.
    @ivar left: how many lines are still to be said.
    @ivar took: how long each took, from before it was sent to when the kernel said that it is
        there, in seconds.
    """

    def __init__(self, crowd: Crowd, lines: int) -> None:
        self.loop = crowd.loop
        self.left = lines
        self.took: list[float] = []


class _Speaker:
    """One of two.

    @ivar partner: the other.
    @ivar since: when a line was last sent to this one.
    """

    partner: _Speaker

    def __init__(
        self,
        talk: _Talk,
        client: socket.socket,
        dialect: Dialect,
        name: str,
        partner: str,
        text: str,
    ) -> None:
        self.since = 0.0
        self._talk = talk
        self._send = client.send
        self._line = dialect.post(partner, text)
        line = dialect.delivery(partner, name, text)
        self._incoming = InOrder(client, dialect, Block(line, len(line)), sys.maxsize)
        talk.loop.watch(client.fileno(), IN, self._ready)

    def speak(self) -> None:
        """Send a line, if any is left."""
        talk = self._talk
        if not talk.left:
            talk.loop.pending -= 1
            return
        talk.left -= 1
        self.partner.since = time.perf_counter()
        self._send(self._line)

    def _ready(self, _events: int) -> None:
        try:
            if self._incoming.take() and self._incoming.is_whole:
                self._talk.took.append(self._talk.loop.now - self.since)
                self.speak()
        except OSError as error:
            raise Failed(f"a connection broke: {error.strerror}") from None
