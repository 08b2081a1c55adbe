"""The short form of the soak, and the faults it would notice."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from twisted.internet import reactor
from twisted.trial.unittest import SynchronousTestCase

from tests.functional.processes import FunctionalTestCase
from tests.proof.checker import Verdict
from tests.soak.server import Look
from tests.soak.soak import Soak, judge


class SoakTests(FunctionalTestCase):
    """Each fault, twice; C{python -m tests.soak} goes on for as long as one likes."""

    timeout = 300

    async def test_all_is_where_it_began(self) -> None:
        """After all faults descriptors, timers, threads, memory and the ledger are as before."""
        soak = Soak(reactor, self.run_process, self.folder(), Random(0))
        outcome = await soak.run(0, lambda _: None)
        self.assertEqual(outcome.faults, [], outcome)
        self.assertGreater(outcome.verdict.delivered, 0)


class JudgeTests(SynchronousTestCase):
    """The faults that the soak notices."""

    look = Look(resident=10**8, descriptors=14, threads=2, objects=50_000, timers=1)
    verdict = Verdict(posted=10, delivered=10, repeated=0, missing=0, late=0)
    log = "stopped; accepted 10 + inherited 0 = delivered 10 + in flight 0"

    def test_nothing(self) -> None:
        """All as it was is nothing to notice; nor is memory that varies a little."""
        for last in (self.look, replace(self.look, resident=110 * 10**6, objects=52_000)):
            self.assertEqual(judge(self.look, last, self.verdict, self.log), [])

    def test_what_is_left(self) -> None:
        """A descriptor or a thread is one too many, two timers are, and much memory is."""
        for word, value in {
            "resident": 2 * 10**8,
            "descriptors": 15,
            "threads": 3,
            "objects": 100_000,
            "timers": 3,
        }.items():
            last = replace(self.look, **{word: value})
            (found,) = judge(self.look, last, self.verdict, self.log)
            self.assertIn(word, found)

    def test_lines_and_log(self) -> None:
        """A line too many or too few, a traceback, and an end without a balance."""
        for verdict in (replace(self.verdict, repeated=1), replace(self.verdict, missing=1)):
            (found,) = judge(self.look, self.look, verdict, self.log)
            self.assertIn("exactly once", found)
        (found,) = judge(self.look, self.look, self.verdict, f"Traceback\n{self.log}")
        self.assertIn("traceback", found)
        (found,) = judge(self.look, self.look, self.verdict, "the ledger does not balance")
        self.assertIn("ledger", found)
