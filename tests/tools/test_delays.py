"""How who guesses is slowed down."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.tools.delays import FORGET, HOSTS, Delays


class DelaysTests(SynchronousTestCase):
    """L{Delays}."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.delays = Delays(self.clock)

    def test_growth(self) -> None:
        """With each wrong secret the next login waits longer, up to a bound."""
        waits = []
        for _ in range(7):
            waits.append(self.delays.wait("host"))
            self.delays.wrong("host")
        self.assertEqual(waits, [0, 1, 2, 4, 8, 10, 10])

    def test_others(self) -> None:
        """Nobody else waits."""
        self.delays.wrong("host")
        self.assertEqual(self.delays.wait("other"), 0)

    def test_forgotten(self) -> None:
        """Who has not guessed for long is as good as new."""
        for _ in range(5):
            self.delays.wrong("host")
        self.clock.advance(FORGET - 1)
        self.assertEqual(self.delays.wait("host"), 10)
        self.clock.advance(1)
        self.assertEqual(self.delays.wait("host"), 0)
        self.delays.wrong("host")
        self.assertEqual(self.delays.wait("host"), 1)

    def test_bound(self) -> None:
        """However many guess, no more are remembered than may be: those who guessed last."""
        self.delays.wrong("first")
        self.delays.wrong("second")
        self.delays.wrong("first")
        for number in range(HOSTS - 1):
            self.delays.wrong(str(number))
        self.assertEqual(len(self.delays), HOSTS)
        self.assertEqual([self.delays.wait(host) for host in ("first", "second")], [2, 0])
