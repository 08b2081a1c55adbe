"""The client that C{docs/lossless.md} prints, and what it does when numbers do not fit."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial

from twisted.internet import reactor
from twisted.internet.task import deferLater

from tests.functional.processes import TWISTD, FunctionalTestCase
from tests.proof.programs import Program, client
from tests.proof.servers import Server

_LOOK = 0.02
"""Seconds between two looks at a file."""


class LosslessTests(FunctionalTestCase):
    """One program asks, another one answers; their files are all that they know."""

    async def _begin(self, *options: str) -> None:
        self.place = self.folder()
        options = options or ("--durable", "--mailbox", f"sqlite:{self.place / 'mail'}")
        self.server = Server(partial(self.run_process, *TWISTD), *options)
        await self.server.start()
        self.asker, self.worker = self._program("asker"), self._program("worker")
        for program in (self.asker, self.worker):
            await program.start()
            await self._until(partial(getattr, program, "is_known"))

    def _program(self, name: str) -> Program:
        program = Program(self.run_process, client(silence=0.2), self.place / name, name)
        program.port = self.server.port
        return program

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            await deferLater(reactor, _LOOK)

    async def _ask(self, *words: str) -> None:
        """Ask, and wait for the answers."""
        expected = len(self.asker.done(0)) + len(words)
        self.asker.post([f"worker: do {word}" for word in words])
        await self._until(lambda: len(self.asker.done(0)) >= expected)
        await self._until(lambda: not self.asker.unsettled and not self.worker.unsettled)

    def _is_answered(self, word: str) -> bool:
        return ("worker", f"did {word}") in self.asker.done(0)

    def _assert_answers(self, *words: str) -> None:
        self.assertEqual(self.worker.done(0), [("asker", f"do {word}") for word in words])
        self.assertEqual(self.asker.done(0), [("worker", f"did {word}") for word in words])

    async def test_kills(self) -> None:
        """Each question is worked off once, and each answer comes once, through kills of all."""
        await self._begin()
        await self._ask("1", "2")
        for victim in (self.worker, self.server, self.asker):
            self.asker.post([f"worker: do {victim.name}"])
            await victim.kill()
            await victim.start()
            await self._until(partial(self._is_answered, victim.name))
        await self._ask("3")
        self._assert_answers("1", "2", "worker", "server", "asker", "3")

    async def test_refusals(self) -> None:
        """Lines that are refused are written down with the reason, each in its place."""
        await self._begin()
        await self.worker.kill()  # so that copies are kept, which is no refusal
        self.asker.post(["nobody: 1", "worker: 2", "hello?", "nobody, a b 7 8-9: 3", "x" * 9000])
        await self._until(lambda: not self.asker.unsettled)
        self.assertEqual(
            self.asker.refused(),
            [
                ("nobody: 1", "unknown nobody"),
                ("hello?", "bad-line 3 no recipient; post with NAME: text"),
                ("nobody, a b 7 8-9: 3", "unknown a b 7 8-9"),
                ("nobody, a b 7 8-9: 3", "unknown nobody"),
                ("x" * 9000, "too-long 5 8192"),
            ],
        )
        await self.worker.start()
        await self._ask("4")
        self.assertEqual(self.worker.done(0), [("asker", "2"), ("asker", "do 4")])

    async def test_other_era(self) -> None:
        """A server that knows nothing from before is told what is new, and nothing is skipped."""
        await self._begin("--mailbox", "memory")
        await self._ask("1", "2", "3")
        await self.server.kill()
        self.asker.post(["worker: do 4"])
        await self.server.start()
        await self._ask("5")
        self._assert_answers("1", "2", "3", "4", "5")

    async def test_older_copy(self) -> None:
        """A file that knows fewer lines than the server gets a new tag; its next lines count."""
        await self._begin()
        await self._ask("1")
        await self.asker.kill()
        older = self.place / "older"
        shutil.copy(self.place / "asker", older)
        await self.asker.start()
        await self._ask("2", "3")
        await self.asker.kill()
        shutil.copy(older, self.place / "asker")
        await self.asker.start()
        await self._ask("4")
        self.assertEqual(
            self.worker.done(0), [("asker", f"do {number}") for number in (1, 2, 3, 4)]
        )
