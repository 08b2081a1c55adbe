"""The commands, row by row."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from achat_twisted import wire
from achat_twisted.limits.limits import Limits
from achat_twisted.reader import commands
from tests.house import House


class CommandTests(SynchronousTestCase):
    """The answers that a client gets."""

    def setUp(self) -> None:
        self.house = House()
        self.alice = self.house.comes("alice")

    def _answers(self, line: str) -> list[str]:
        before = len(self.alice.link.lines())
        command = wire.parse_line(line)
        assert isinstance(command, wire.Command)
        self.alice.session.taken += 1
        commands.run(self.house.broker, self.alice.session, command)
        self.house.turn()
        return self.alice.link.lines()[before:]

    def test_ping(self) -> None:
        """Ping is answered with pong."""
        self.assertEqual(self._answers("/ping"), ["! pong"])

    def test_who(self) -> None:
        """C{/who} lists the names that are here."""
        self.house.comes("bob")
        self.assertEqual(self._answers("/who"), ["! who alice, bob"])

    def test_who_after_others_have_come_and_gone(self) -> None:
        """C{/who} lists all but those whose connection is lost and those who leave."""
        self._answers("/who")
        bob, carol, dora = (self.house.comes(name) for name in ("bob", "carol", "dora"))
        self.assertEqual(self._answers("/who"), ["! who alice, bob, carol, dora"])
        bob.session.connection_lost()
        self.assertEqual(self._answers("/who"), ["! who alice, carol, dora"])
        carol.session.drain()
        self.assertEqual(self._answers("/who"), ["! who alice, dora"])
        dora.loses_connection()
        self.assertEqual(self._answers("/who"), ["! who alice"])
        self.house.comes("bob")
        self.house.broker.kick("bob")
        self.assertEqual(self._answers("/who"), ["! who alice"])

    def test_who_while_nobody_reads(self) -> None:
        """C{/who} is refused in a sentence while its answer has no room, and soon answered."""
        house = self.house = House(limits=Limits(outbox_total=2000))
        guests = [house.comes(f"{number:060}", blocked=True) for number in range(10)]
        self.alice = house.comes("alice")
        with self.assertRaisesRegex(wire.BadLine, "/who is not answered just now, as too much"):
            for guest in guests:
                commands.run(house.broker, guest.session, wire.Command("who", ""))
                house.turn()
        self.assertLess(house.broker.pool.size, 2000)
        for guest in guests:
            guest.link.unblock()
        house.clock.advance(1)
        self.assertEqual(len(self._answers("/who")), 1)

    def test_lost_connection(self) -> None:
        """Nothing that a client has asked for is looked at when its connection is lost."""
        self.alice.session.connection_lost()
        self.assertEqual(self._answers("/no such command"), [])
        self.assertEqual(self._answers("/quit"), [])
        self.assertFalse(self.alice.source.stopped)
        before = self.alice.session.outbox.size
        self.alice.session.tell(wire.pong())
        self.assertEqual(self.alice.session.outbox.size, before)

    def test_sync(self) -> None:
        """Sync says how many lines are taken in, itself included, and gives the token back."""
        self.assertEqual(self._answers("/sync"), ["! synced 1"])
        self.assertEqual(self._answers("/sync a b"), ["! synced 2 a b"])

    def test_sync_comes_after_what_it_covers(self) -> None:
        """The fate of earlier lines is told before sync is answered."""
        self.alice.says("nobody: hi")
        self.assertEqual(self._answers("/sync"), ["! unknown nobody 1", "! synced 2"])

    def test_quit(self) -> None:
        """Quit ends the session behind what is queued for it."""
        self.alice.says("alice: hi")
        self.assertEqual(self._answers("/quit"), ["from alice: hi", "! bye 2"])
        self.assertTrue(self.alice.source.stopped)

    def test_stats(self) -> None:
        """Stats tells the balance, with what is known to have arrived by now."""
        self.alice.says("alice, nobody: hi")
        self.house.turn()
        self.house.clock.advance(1)
        self.alice.says("alice: hi")
        self.assertEqual(
            self._answers("/stats")[-1],
            "! stats accepted 3 + inherited 0 = delivered 1 + kept 0 + refused 1 (unknown 1)"
            " + expired 0 + in flight 1",
        )

    def test_stats_from_afar(self) -> None:
        """A client on another machine is not told how much is going on here."""
        self.alice.session.local = False
        error = self.assertRaises(wire.BadLine, self._answers, "/stats")
        self.assertEqual(
            error.notice.detail, "/stats is answered on this server's own machine only"
        )

    def test_help(self) -> None:
        """Help has a line for posting and one for each command there is."""
        answers = self._answers("/help")
        self.assertEqual(
            [answer.split()[2] for answer in answers],
            ["NAME,", *(f"/{word}" for word in commands.COMMANDS)],
        )

    def test_unknown_command(self) -> None:
        """A command that does not exist is refused, with a hint."""
        error = self.assertRaises(wire.BadLine, self._answers, "/dance")
        self.assertEqual(error.notice.detail, "no command /dance; /help lists them")
