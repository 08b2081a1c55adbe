"""A server that remembers no names, in the first moments after its start."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.login.gate import OpenGate
from achat_twisted.login.newcomers import DURATION, NAMES, Newcomers
from tests.house import House


class FussyGate(OpenGate):
    """A gate that knows Bob."""

    def knows(self, name: str) -> bool:
        return name == "bob"


class NewcomersTests(SynchronousTestCase):
    """L{Newcomers}."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.newcomers = Newcomers(self.clock, FussyGate())

    def _expected(self) -> list[bool]:
        return [self.newcomers.expects(name) for name in ("bob", "carol")]

    def test_for_a_moment(self) -> None:
        """At first anybody is expected; later only those whom the gate knows."""
        self.assertEqual(self._expected(), [True, True])
        self.clock.advance(DURATION - 0.1)
        self.assertEqual(self._expected(), [True, True])
        self.clock.advance(0.1)
        self.assertEqual(self._expected(), [True, False])

    def test_bounded(self) -> None:
        """Nobody can have a new server remember names without end."""
        for number in range(NAMES):
            self.assertTrue(self.newcomers.expects(f"name {number}"))
        self.assertEqual(self._expected(), [True, False])

    def test_no_name(self) -> None:
        """A name that nobody can have is not expected, and takes nothing from others."""
        for name in ("!x", "a#b", "bob\ufe0f", "\u3164", "Jose\u0301", 1000 * "x"):
            self.assertFalse(self.newcomers.expects(name), name)
        for number in range(NAMES):
            self.assertTrue(self.newcomers.expects(f"name {number}"))

    def test_restart(self) -> None:
        """A name that comes back just after a line for it finds that line."""
        house = House(expects=self.newcomers.expects)
        alice = house.comes("alice")
        alice.says("carol: hi")
        house.turn()
        self.clock.advance(DURATION)
        alice.says("carol, dave: hi again")
        house.turn()
        self.assertEqual(
            alice.link.lines()[1:], ["! kept carol 1", "! kept carol 1", "! unknown dave 1"]
        )
        carol = house.comes("carol")
        self.assertEqual(carol.link.messages(), ["from alice: hi", "from alice: hi again"])
