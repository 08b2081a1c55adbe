"""The short forms of the proofs."""

from __future__ import annotations

from random import Random

from twisted.internet import reactor

from tests.functional.processes import FunctionalTestCase
from tests.proof.claims import CLAIMS
from tests.proof.resumes import Resumes
from tests.proof.rounds import Proof
from tests.proof.servers import Server


class ProofTests(FunctionalTestCase):
    """A few rounds of each kind; C{python -m tests.proof} has more."""

    async def _prove(self, word: str) -> None:
        claim = CLAIMS[word]
        server = Server(self.run_twistd, *claim.options(self.folder()))
        proof = Proof(reactor, server, 4, Random(0))
        figures = await proof.run(5, claim.end, lambda _: None)
        self.assertTrue(claim.holds(figures.verdict), figures)

    async def test_stops(self) -> None:
        """Through ordered stops under a flood each line comes exactly once, in order."""
        await self._prove("stops")

    async def test_cuts(self) -> None:
        """Through stops that wait for nobody each line comes at least once, in order."""
        await self._prove("cuts")

    async def test_kills(self) -> None:
        """Through SIGKILL, with --durable, each line comes at least once, in order."""
        await self._prove("kills")


class ResumesTests(FunctionalTestCase):
    """A few rounds with programs that have files, as C{docs/lossless.md} prints them."""

    async def _prove(self, *, tls: bool) -> None:
        rounds = Resumes(reactor, self.run_process, self.folder(), Random(0), tls=tls)
        figures = await rounds.run(5, lambda _: None)
        self.assertTrue(figures.holds, figures)

    async def test_resumes(self) -> None:
        """Through SIGKILL of server and clients each line comes exactly once, in order."""
        await self._prove(tls=False)

    async def test_tls(self) -> None:
        """Through TLS, where nothing is known of what has arrived, it is the same."""
        await self._prove(tls=True)
