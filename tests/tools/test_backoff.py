"""Delays for those who try again and again."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.tools.backoff import FIRST, KEYS, Backoff


class GuessTests(SynchronousTestCase):
    """L{Backoff} that forgets after a while, as for a host that guesses secrets."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.backoff = Backoff(self.clock, longest=10, forget=600)

    def test_growth(self) -> None:
        """With each try the next one waits longer, up to a bound."""
        waits = []
        for _ in range(7):
            waits.append(self.backoff.wait("host"))
            self.backoff.tried("host")
        self.assertEqual(waits, [0, 1, 2, 4, 8, 10, 10])

    def test_others(self) -> None:
        """Nobody else waits."""
        self.backoff.tried("host")
        self.assertEqual(self.backoff.wait("other"), 0)

    def test_forgotten(self) -> None:
        """A key that was not tried for a long time is as good as new."""
        for _ in range(5):
            self.backoff.tried("host")
        self.clock.advance(599)
        self.assertEqual(self.backoff.wait("host"), 10)
        self.clock.advance(1)
        self.assertEqual(self.backoff.wait("host"), 0)
        self.backoff.tried("host")
        self.assertEqual(self.backoff.wait("host"), 1)

    def test_bound(self) -> None:
        """However many keys there are, no more are remembered than may be: those tried last."""
        self.backoff.tried("first")
        self.backoff.tried("second")
        self.backoff.tried("first")
        for number in range(KEYS - 1):
            self.backoff.tried(str(number))
        self.assertEqual(len(self.backoff), KEYS)
        self.assertEqual([self.backoff.wait(host) for host in ("first", "second")], [2, 0])


class FightTests(SynchronousTestCase):
    """L{Backoff} that forgets by itself, as for a name that is fought over."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.backoff = Backoff(self.clock, longest=60)

    def _fights(self, name: str) -> float:
        """Takes a name over as soon as possible, and returns the seconds that it took."""
        began = self.clock.seconds()
        while self.backoff.lasts(name):
            self.clock.advance(0.5)
        self.backoff.tried(name)
        return self.clock.seconds() - began

    def test_first(self) -> None:
        """The first takeover of a name is free."""
        self.assertFalse(self.backoff.lasts("bob"))

    def test_a_fight_slows_down(self) -> None:
        """Each takeover in a fight takes twice as long as the one before, up to a minute."""
        waits = [self._fights("bob") for _ in range(10)]
        self.assertEqual(waits, [0, FIRST, 2, 4, 8, 16, 32, 60, 60, 60])

    def test_a_fight_that_is_over_is_forgotten(self) -> None:
        """After some peace a takeover is as quick as at first."""
        for _ in range(5):
            self._fights("bob")
        self.clock.advance(32)
        self.assertEqual([self._fights("bob"), self._fights("bob")], [0, FIRST])

    def test_names_are_apart(self) -> None:
        """A fight over one name does not delay another."""
        self._fights("bob")
        self.assertEqual(self._fights("carol"), 0)
