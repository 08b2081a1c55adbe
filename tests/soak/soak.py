"""A soak: peers whose every line is counted, faults without end, and a look at what is left."""

from __future__ import annotations

import json
import re
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from random import Random
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.defer import ensureDeferred, gatherResults
from twisted.internet.task import deferLater

from tests.attacks.ordeal import Run
from tests.functional.chatting import Chat
from tests.proof.book import Book
from tests.proof.checker import Verdict, total
from tests.proof.peers import Peer
from tests.scratch import TREE
from tests.soak.faults import FAULTS, Fault, Scene
from tests.soak.operators import Desk, is_ready, operators
from tests.soak.server import Look

_PEERS = 5

_TOGETHER = 3
"""The greatest number of faults at a time."""

_TALK = 0.5
"""Seconds for which the peers post before they fall silent, between faults."""

_LOOK = 0.02
"""Seconds between two looks at what is waited for."""

_QUIET = 20.0
"""Seconds without a line after which no more is expected."""

_SETTLING = 30.0
"""Seconds in which timers and descriptors must be where they were when all have gone."""

_GROWTH = 1.25
"""By how much memory and objects may exceed those after the warm-up."""

_SLACK = 64 * 2**20
"""Bytes by which memory may vary besides, with names that are remembered and buffers that grew."""

_NAMES = 20_000
"""Objects for names that crowds have come by, and that are still remembered."""

_LEDGER = re.compile(r"stopped; accepted .* flight 0$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The results of a soak.

    @ivar first: the server when it had been warmed up, and all had gone.
    @ivar last: the same at the end.
    """

    rounds: int
    verdict: Verdict
    first: Look
    last: Look
    faults: list[str]

    def __str__(self) -> str:
        rows = [
            f"  {field.name:12}{getattr(self.first, field.name):>14,}"
            f"{getattr(self.last, field.name):>14,}"
            for field in fields(Look)
        ]
        return "\n".join(
            [
                f"{self.rounds} rounds: {self.verdict}",
                f"  {'':12}{'warmed up':>14}{'at the end':>14}",
                *rows,
                *(f"  {fault}" for fault in self.faults or ["all is where it began"]),
            ]
        )


def judge(first: Look, last: Look, verdict: Verdict, log: str) -> list[str]:
    """The faults that were found, in sentences.

    @param log: all that the server has logged, to its end.
    """
    bounds = {
        "resident": first.resident * _GROWTH + _SLACK,
        "descriptors": first.descriptors,
        "threads": first.threads,
        "objects": first.objects * _GROWTH + _NAMES,
        # The minute in which connections are counted by host may not be over.
        "timers": first.timers + 1,
    }
    found = [
        f"{word}: {getattr(last, word):,}, where {bound:,.0f} is the most"
        for word, bound in bounds.items()
        if getattr(last, word) > bound
    ]
    if not verdict.exactly_once:
        found.append("not every line has come exactly once, in order")
    if "Traceback" in log:
        found.append(f"a traceback: {log[log.index('Traceback') :][:2000]}")
    if not _LEDGER.search(log):
        found.append("the ledger does not balance")
    return found


class Soak:
    """A server, its peers, and rounds of faults.

    A round is some faults at once, while all peers talk. After the rounds of the warm-up, and
    again at the end, all go, and the server is looked at: by then only what grows without end can
    have made a difference.
    """

    def __init__(
        self,
        reactor: Any,
        run: Run,
        folder: Path,
        random: Random,
        faults: Sequence[Fault] = FAULTS,
    ) -> None:
        """@param run: starts a process, watched by C{process}.
        @param folder: where the server has its files.
        """
        self._reactor = reactor
        self._run = run
        self._random = random
        self._desk = Desk(folder)
        self._server = Chat()
        self._faults = [*faults, *operators(self._desk, self._server)]
        names = [f"peer{number}" for number in range(_PEERS)]
        self._desk.lay_out(names)
        self._peers = [
            Peer(reactor, name, Book([other for other in names if other != name], random), name)
            for name in names
        ]
        self._rounds = 0

    async def run(self, seconds: float, report: Callable[[str], None]) -> Outcome:
        """@param seconds: for the rounds; each of them is always done to its end.
        @param report: is told now and then how far it is.
        """
        command = (sys.executable, "-m", "tests.soak.server", *self._desk.options())
        self._run(*command, process=self._server, folder=TREE)
        await self._server.told.until(is_ready)
        self._server.output.whole = self._server.told.whole
        try:
            await self._soak(len(self._faults), seconds / 3, report)
            first = await self._look()
            report(f"warmed up: {first}")
            await self._soak(len(self._faults), seconds * 2 / 3, report)
            last = await self._look()
        finally:
            for peer in self._peers:
                peer.retire()
        self._server.send(signal.SIGTERM)
        await self._server.ended
        verdict = self._verdict()
        faults = judge(first, last, verdict, self._server.told.whole)
        return Outcome(self._rounds, verdict, first, last, faults)

    async def _soak(self, least: int, seconds: float, report: Callable[[str], None]) -> None:
        """Rounds for so many seconds, at least one for each fault; then all leave."""
        began = self._reactor.seconds()
        for peer in self._peers:
            peer.away = False
        address = IPv4Address("TCP", "127.0.0.1", self._server.port())
        lives = [ensureDeferred(peer.live(address)) for peer in self._peers]
        await self._until(lambda: all(peer.here for peer in self._peers))
        scene = Scene(self._reactor, self._run, self._random, self._server, self._peers)
        deck: list[Fault] = []
        done = 0
        while done < least or self._reactor.seconds() - began < seconds:
            deck = deck or self._random.sample(self._faults, len(self._faults))
            # Together, as one alone may well be borne where several are not.
            together, deck = deck[:_TOGETHER], deck[_TOGETHER:]
            await gatherResults([ensureDeferred(fault(scene)) for fault in together])
            done += len(together)
            self._rounds += 1
            await self._talk()
            if self._rounds % 20 == 0:
                report(f"{self._rounds} rounds: {self._verdict()}")
        await self._rest()
        for peer in self._peers:
            peer.leave()
            peer.retire()
        await gatherResults(lives)

    async def _talk(self) -> None:
        for peer in self._peers:
            peer.book.closed = False
            peer.post()
        await deferLater(self._reactor, _TALK)
        for peer in self._peers:
            peer.book.closed = True

    async def _rest(self) -> None:
        """Wait until all that was posted has come."""
        seen, since = -1, self._reactor.seconds()
        while (verdict := self._verdict()).missing:
            if verdict.delivered > seen:
                seen, since = verdict.delivered, self._reactor.seconds()
            if self._reactor.seconds() - since > _QUIET:
                return
            await deferLater(self._reactor, _LOOK)

    async def _look(self) -> Look:
        """Look until nothing gets less any more."""
        look = await self._ask()
        until = self._reactor.seconds() + _SETTLING
        while self._reactor.seconds() < until:
            await deferLater(self._reactor, 2.5)
            before, look = look, await self._ask()
            if look.timers >= before.timers and look.descriptors >= before.descriptors:
                break
        return look

    async def _ask(self) -> Look:
        self._server.shown.turn_page()
        self._server.types("how are you?")
        return Look(**json.loads(await self._server.shown.contains("\n")))

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            await deferLater(self._reactor, _LOOK)

    def _verdict(self) -> Verdict:
        return total(
            peer.inbox.judge(
                {
                    other.name: other.book.posted[peer.name]
                    for other in self._peers
                    if other is not peer
                }
            )
            for peer in self._peers
        )
