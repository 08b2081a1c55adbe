"""The rounds of C{resumes}: two programs and their server, each killed again and again."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from twisted.internet.task import deferLater

from tests.functional.certificates import write_certificate
from tests.functional.processes import TWISTD, Process
from tests.proof.checker import Inbox, Verdict, total
from tests.proof.programs import Program, client
from tests.proof.proxy import Proxy
from tests.proof.servers import Server

CLAIM = "through SIGKILL of all, with --durable, each line comes exactly once from file to file"

_BACKLOG = 2000
"""Questions that wait for their answers at least, while the flood lasts."""

_REFUSED = 50
"""One of so many lines is for a name that nobody has."""

_PADDING = 200
"""Bytes by which a line may be longer than it must be."""

_FLOOD = 0.3
"""Seconds that a round lasts at most, when lines come."""

_EARLY = 0.3
"""The chance that a round does not wait until lines come."""

_GAP = 0.05
"""Seconds between two kills of a round, at most."""

_LATEST = 60.0
"""Seconds after which lines that are expected will not come any more."""

_LOOK = 0.02
"""Seconds between two looks at what is waited for."""


@dataclass(frozen=True, slots=True)
class Figures:
    """The results.

    @ivar kills: by the name of the victim.
    @ivar questions: the verdict on lines from the asker's file to the worker's.
    @ivar answers: the verdict on lines from the worker's file to the asker's.
    @ivar refusals: the verdict on lines for nobody.
    @ivar unsettled: lines whose fate their sender does not know.
    """

    rounds: int
    kills: dict[str, int]
    questions: Verdict
    answers: Verdict
    refusals: Verdict
    unsettled: int

    @property
    def holds(self) -> bool:
        verdict = total([self.questions, self.answers, self.refusals])
        return verdict.exactly_once and not self.unsettled

    def __str__(self) -> str:
        kills = ", ".join(f"{name} {count}" for name, count in self.kills.items())
        return (
            f"{self.rounds} rounds, killed: {kills}; questions: {self.questions};"
            f" answers: {self.answers}; refusals: {self.refusals}; {self.unsettled} unsettled"
        )


class Resumes:
    """One program asks, the other answers; both keep what they know in files of their own.

    The worker's answer is in the transaction of its work. So a question that is worked off twice,
    or an answer that is said twice, is seen in the asker's file too.
    """

    def __init__(
        self,
        reactor: Any,
        run: Callable[..., Process],
        folder: Path,
        random: Random,
        *,
        tls: bool = False,
        haproxy: bool = False,
    ) -> None:
        """@param run: starts a process with the arguments that it is called with.
        @param tls: whether the clients talk through TLS.
        @param haproxy: whether they talk through a proxy, which is killed as well.
        """
        certificate = folder / "localhost.pem" if tls else None
        if certificate is not None:
            write_certificate(certificate)
        code = client(certificate)
        self._reactor = reactor
        self._random = random
        self._run = run
        self._folder = folder
        self._haproxy = haproxy
        self._server = Server(
            partial(run, *TWISTD),
            *("--durable", "--mailbox", f"sqlite:{folder / 'mail'}", "--outbox-limit", "65536"),
            *("--rate", "0"),
            certificate=certificate,
        )
        self._asker = Program(run, code, folder / "asker", "asker")
        self._worker = Program(run, code, folder / "worker", "worker")
        self._rounds = 0
        self._victims: list[Server | Proxy | Program] = [self._server, self._asker, self._worker]
        self._inboxes = {program: Inbox() for program in (self._asker, self._worker)}
        self._read = dict.fromkeys(self._inboxes, 0)
        self._asked = self._for_nobody = 0

    async def run(self, rounds: int, report: Callable[[Figures], None]) -> Figures:
        """@param report: is told the figures after each round.
        @return: the figures at the end, when everything that was posted should have come.
        """
        await self._start()
        await self._until(lambda: all(program.is_known for program in self._inboxes))
        for _ in range(rounds):
            await self._round()
            report(self.figures())
        await self._until(lambda: self.figures().holds)
        await self._server.stop()
        figures = self.figures()
        for victim in self._victims[1:]:
            await victim.kill()
        return figures

    async def _start(self) -> None:
        await self._server.start()
        port = self._server.port
        if self._haproxy:
            proxy = Proxy(self._run, self._folder, port)
            self._victims.append(proxy)
            await proxy.start()
            port = proxy.port
        for program in self._inboxes:
            program.port = port
            await program.start()

    async def _round(self) -> None:
        self._post()
        before = self._take_in(self._asker)
        if self._random.random() > _EARLY:
            await self._until(lambda: self._take_in(self._asker) > before)
        await deferLater(self._reactor, self._random.uniform(0, _FLOOD))
        victims = self._random.sample(self._victims, self._random.randint(1, len(self._victims)))
        for victim in victims:
            await victim.kill()
            await deferLater(self._reactor, self._random.uniform(0, _GAP))
        self._random.shuffle(victims)
        for victim in victims:
            await victim.start()
        self._rounds += 1

    def _post(self) -> None:
        """Give the asker more to ask, if it has not enough to go on with."""
        lines: list[str] = []
        while self._asked - self._take_in(self._asker) < _BACKLOG:
            padding = "x" * self._random.randrange(_PADDING)
            if self._random.randrange(_REFUSED) == 0:
                lines.append(f"nobody: {self._for_nobody} {padding}")
                self._for_nobody += 1
            lines.append(f"worker: do {self._asked} {padding}")
            self._asked += 1
        self._asker.post(lines)

    def _take_in(self, program: Program) -> int:
        """Look at what has come into a program's file, and tell how much has ever come."""
        for sender, text in program.done(self._read[program]):
            self._read[program] += 1
            self._inboxes[program].arrive(sender, int(text.split()[1]))
        return self._read[program]

    async def _until(self, condition: Callable[[], bool]) -> None:
        """Wait until it holds, or there is no more hope of that."""
        latest = self._reactor.seconds() + _LATEST
        while not condition() and self._reactor.seconds() < latest:
            await deferLater(self._reactor, _LOOK)

    def figures(self) -> Figures:
        for program in self._inboxes:
            self._take_in(program)
        refusals = Inbox()
        for text, why in self._asker.refused() + self._worker.refused():
            name, number = re.findall(r"(\S+) \D*(\d+)", text)[0]
            refusals.arrive(f"{name} {why}", int(number))
        return Figures(
            rounds=self._rounds,
            kills={victim.name: victim.kills for victim in self._victims},
            questions=self._inboxes[self._worker].judge({"asker": self._asked}),
            answers=self._inboxes[self._asker].judge({"worker": self._asked}),
            refusals=refusals.judge({"nobody: unknown nobody": self._for_nobody}),
            unsettled=self._asker.unsettled + self._worker.unsettled,
        )
