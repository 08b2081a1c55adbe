"""Truces: clients that fight over a name."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.tools.truce import FIRST, LONGEST, Truces


class TruceTests(SynchronousTestCase):
    """L{Truces}."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.truces = Truces(self.clock)

    def _fights(self, name: str) -> float:
        """Take a name over as soon as possible; how long that took, in seconds."""
        began = self.clock.seconds()
        while self.truces.holds(name):
            self.clock.advance(0.5)
        self.truces.taken_over(name)
        return self.clock.seconds() - began

    def test_who_comes_again_is_let_in(self) -> None:
        """The first takeover of a name is free."""
        self.assertFalse(self.truces.holds("bob"))

    def test_a_fight_slows_down(self) -> None:
        """Each takeover in a fight takes twice as long as the one before, up to a minute."""
        waits = [self._fights("bob") for _ in range(10)]
        self.assertEqual(waits, [0, FIRST, 2, 4, 8, 16, 32, LONGEST, LONGEST, LONGEST])

    def test_a_fight_that_is_over_is_forgotten(self) -> None:
        """After some peace a takeover is as quick as ever."""
        for _ in range(5):
            self._fights("bob")
        self.clock.advance(32)
        self.assertEqual([self._fights("bob"), self._fights("bob")], [0, FIRST])

    def test_names_are_apart(self) -> None:
        """A fight over one name is none over another."""
        self._fights("bob")
        self.assertEqual(self._fights("carol"), 0)

    def test_old_truces_are_thrown_away(self) -> None:
        """However many names are taken over, only the recent ones are remembered."""
        for number in range(5000):
            self.truces.taken_over(f"name {number}")
            self.clock.advance(1)
        self.assertLess(len(self.truces), 1100)
