"""Audiences: new lines of a row, told to those who follow it, some at a time."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.broker.audience import Audience, Chunk
from achat_twisted.mailbox.shared import SharedRow
from tests.house import Guest, House, steps


class FakeFollower:
    """Remembers what it was offered."""

    def __init__(self, audience: Audience) -> None:
        self.offered: list[tuple[int, int]] = []
        audience.followers[self] = None

    def offer(self, chunk: Chunk) -> None:
        self.offered.append((chunk.first, chunk.end))

    def give_up(self) -> None:
        raise NotImplementedError


class BrokenFollower(FakeFollower):
    """Cannot be told of anything.

    @ivar is_given_up: true if its session was ended for that.
    """

    is_given_up = False

    def offer(self, chunk: Chunk) -> None:
        raise ZeroDivisionError

    def give_up(self) -> None:
        self.is_given_up = True


class ChunkTests(SynchronousTestCase):
    """L{Chunk}."""

    def setUp(self) -> None:
        lines = [("a", b"from a #r: 1\n"), ("b", b"from b #r: 2\n"), ("b", b"from b #r: 3\n")]
        self.chunk = Chunk(7, [*lines, ("a", b"from a #r: 4\n")])

    def test_spans(self) -> None:
        """The lines of others stand in runs, each with its place and its number of lines."""
        self.assertEqual(
            self.chunk.spans_without("b"), [(7, 1, b"from a #r: 1\n"), (10, 1, b"from a #r: 4\n")]
        )
        self.assertEqual(self.chunk.spans_without("a"), [(8, 2, b"from b #r: 2\nfrom b #r: 3\n")])

    def test_since(self) -> None:
        """The rest of a chunk has the places and the numbers that it had."""
        rest = self.chunk.since(9)
        self.assertEqual((rest.first, rest.end), (9, 11))
        self.assertEqual(rest.numbered, b"from b #r 9: 3\nfrom a #r 10: 4\n")

    def test_rendered_once(self) -> None:
        """All who hear lines with their numbers get the same bytes."""
        self.assertIs(self.chunk.numbered, self.chunk.numbered)


class AudienceTests(SynchronousTestCase):
    """L{Audience}, alone and at the ends of turns."""

    def setUp(self) -> None:
        self.row = SharedRow("#r")
        self.audience = Audience(self.row)

    def says(self) -> None:
        self.row.append(2)
        self.audience.post("a", b"x\n")

    def test_rounds(self) -> None:
        """Lines that come during a round are told in the next one, and all hear all, in order."""
        followers = [FakeFollower(self.audience) for _ in range(5)]
        self.says()
        self.assertEqual(self.audience.tell(2), 2)
        self.says()
        self.says()
        self.assertFalse(self.audience.is_told)
        self.assertEqual(self.audience.tell(2), 2)
        self.assertEqual(sum(len(each.offered) for each in followers), 4)
        self.assertEqual(self.audience.tell(100), 6)
        self.assertTrue(self.audience.is_told)
        self.assertEqual([each.offered for each in followers], [[(1, 2), (2, 4)]] * 5)

    def test_bug(self) -> None:
        """A bug that keeps one from being told costs that one alone."""
        before, broken, behind = (
            kind(self.audience) for kind in (FakeFollower, BrokenFollower, FakeFollower)
        )
        self.says()
        self.assertEqual(self.audience.tell(100), 3)
        self.assertEqual([each.offered for each in (before, behind)], [[(1, 2)]] * 2)
        assert isinstance(broken, BrokenFollower)
        self.assertTrue(broken.is_given_up)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_gone(self) -> None:
        """One that has left during a round hears nothing more."""
        followers = [FakeFollower(self.audience) for _ in range(4)]
        self.says()
        self.audience.tell(2)
        for each in followers:
            self.audience.followers.pop(each)
        self.audience.tell(100)
        self.assertEqual(sum(len(each.offered) for each in followers), 2)
        self.assertTrue(self.audience.is_told)

    def test_slices(self) -> None:
        """No turn tells more than some hundred, and a small room does not wait for a large one."""
        house = House()
        house.broker.room_commands.let_anyone_make(True)
        large, small = self._room(house, "#large", 1200), self._room(house, "#small", 20)
        large[0].says("#large: hi")
        small[0].says("#small: hi")
        heard: list[tuple[int, int]] = house.each_turn(
            lambda: (
                sum(len(each.link.messages()) for each in large),
                sum(len(each.link.messages()) for each in small),
            )
        )
        told = steps([of_large + of_small for of_large, of_small in heard])
        self.assertLessEqual(max(told), 150)
        self.assertEqual(heard[-1], (1199, 19))
        self.assertLess(next(of_large for of_large, of_small in heard if of_small), 150)
        self.assertFalse(house.broker.balance().missing)

    def _room(self, house: House, name: str, count: int) -> list[Guest]:
        guests = [house.comes(f"{name[1:]} {number}") for number in range(count)]
        for guest in guests:
            house.broker.room_commands.join(guest.session, name)
        house.turn()
        return guests
