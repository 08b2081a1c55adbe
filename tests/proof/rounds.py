"""The rounds: a flood, an end of the server at a random moment, and a new server."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.defer import ensureDeferred, gatherResults
from twisted.internet.task import deferLater

from tests.proof.book import Book
from tests.proof.checker import Verdict, total
from tests.proof.peers import Peer
from tests.proof.servers import Ending, Server

_FLOOD = 0.3
"""Seconds that a flood lasts at most, when all are in."""

_AWAY = 0.1
"""The chance that a peer stays away for a round, and for the next one again."""

_DOZING = 0.3
"""The chance that a peer reads nothing for a while in a round."""

_DOZE = 0.4
"""Seconds that such a while lasts at most."""

_STUCK = 0.1
"""The chance that the listener reads nothing until the server is gone."""

_FOREVER = 3600.0
"""Seconds that are longer than any round."""

_QUIET = 5.0
"""Seconds without a line after which no more is expected."""

_LOOK = 0.01
"""Seconds between two looks at what is waited for."""


@dataclass(frozen=True, slots=True)
class Figures:
    """The results of a proof."""

    rounds: int
    verdict: Verdict
    posted_again: int
    told: Counter[str]
    longest_end: float
    cut: int

    def __str__(self) -> str:
        refused = self.told["unknown"] + self.told["full"]
        return (
            f"{self.rounds} rounds: {self.verdict}; {self.told['kept']} kept, {refused} refused,"
            f" {self.posted_again} sent again; longest end {self.longest_end:.1f} s,"
            f" {self.cut} beyond the grace period"
        )


class Proof:
    """A mesh of peers, and the server that ends under it again and again.

    All flood all but the last, who only listens. So nothing that it is sent depends on a C{! bye}
    of its own, and it can be as slow as it likes.
    """

    def __init__(self, reactor: Any, server: Server, size: int, random: Random) -> None:
        self._reactor = reactor
        self._server = server
        self._random = random
        names = [f"peer{number}" for number in range(size)]
        self._peers = [
            Peer(reactor, name, Book([other for other in names if other != name], random))
            for name in names
        ]
        self._listener = self._peers[-1]
        self._rounds = 0
        self._longest_end = 0.0

    async def run(self, rounds: int, end: Ending, report: Callable[[Figures], None]) -> Figures:
        """@param report: is told the figures after each round.
        @return: the figures at the end, when everything that was posted should have come.
        """
        await self._server.start()
        address = IPv4Address("TCP", "127.0.0.1", self._server.port)
        lives = [ensureDeferred(peer.live(address)) for peer in self._peers]
        try:
            await self._introduce_all()
            for _ in range(rounds):
                await self._round(end)
                report(self.figures())
            await self._wait_for_the_rest()
        finally:
            for peer in self._peers:
                peer.retire()
        await self._server.stop()
        await gatherResults(lives)
        return self.figures()

    async def _introduce_all(self) -> None:
        """Let each be known to the server before anybody posts to it: that begins with the next."""
        await self._all_in()
        await self._server.stop()
        for peer in self._peers:
            peer.book.closed = peer is self._listener
        await self._server.start()

    async def _all_in(self) -> None:
        while not all(peer.here or peer.away for peer in self._peers):
            await deferLater(self._reactor, _LOOK)

    async def _round(self, end: Ending) -> None:
        await self._all_in()
        self._mix_up()
        await deferLater(self._reactor, self._random.uniform(0, _FLOOD))
        began = self._reactor.seconds()
        await end(self._server)
        self._longest_end = max(self._longest_end, self._reactor.seconds() - began)
        self._listener.wake()
        self._rounds += 1
        await self._server.start()

    def _mix_up(self) -> None:
        """Some read nothing for a while, some leave, some return."""
        for peer in self._peers:
            chance = self._random.random()
            if peer.away:
                peer.away = chance < _AWAY
            elif chance < _AWAY:
                peer.leave()
            elif chance < _AWAY + _DOZING:
                peer.doze(self._random.uniform(0, _DOZE))
        if self._random.random() < _STUCK:
            self._listener.doze(_FOREVER)

    async def _wait_for_the_rest(self) -> None:
        """Lets all return, posts nothing new, and waits for the lines that are on their way."""
        for peer in self._peers:
            peer.away = False
            peer.book.closed = True
        seen, since = -1, self._reactor.seconds()
        while self._reactor.seconds() - since < _QUIET:
            verdict = self.figures().verdict
            if not verdict.missing:
                return
            if verdict.delivered + verdict.repeated > seen:
                seen, since = verdict.delivered + verdict.repeated, self._reactor.seconds()
            await deferLater(self._reactor, _LOOK)

    def figures(self) -> Figures:
        return Figures(
            rounds=self._rounds,
            verdict=total(peer.inbox.judge(self._posted_to(peer)) for peer in self._peers),
            posted_again=sum(peer.book.posted_again for peer in self._peers),
            told=sum((peer.book.told for peer in self._peers), Counter()),
            longest_end=self._longest_end,
            cut=self._server.cut,
        )

    def _posted_to(self, recipient: Peer) -> dict[str, int]:
        return {
            peer.name: peer.book.posted[recipient.name]
            for peer in self._peers
            if peer is not recipient
        }
