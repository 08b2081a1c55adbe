"""The outbox: a peer's queue."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.broker.outbox import Outbox
from achat_twisted.limits.limits import Limits
from achat_twisted.limits.memory import Pool


class OutboxTests(SynchronousTestCase):
    """L{Outbox}."""

    def setUp(self) -> None:
        self.lows = 0
        self.outbox = Outbox(1000, Pool(Limits()), self._on_low)
        self.written: list[bytes] = []
        self.room = True

    def _on_low(self) -> None:
        self.lows += 1

    def _write(self, batch: bytes) -> bool:
        self.written.append(batch)
        return self.room

    def _turn_ends(self) -> bool:
        self.outbox.seal()
        return self.outbox.release(self._write)

    def _fetch(self) -> bytes | None:
        return self.successResultOf(self.outbox.get())

    def test_one_batch_a_turn(self) -> None:
        """However many lines a turn brings, they are written once, when it has ended."""
        self.assertTrue(self.outbox.append(b"a\n"))
        self.assertFalse(self.outbox.append(b"b\n"))
        self.assertEqual(self.written, [])
        self.assertTrue(self._turn_ends())
        self.assertEqual(self.written, [b"a\nb\n"])

    def test_resize(self) -> None:
        """With another limit other sizes are high and low, and who gets low by that is told so."""
        self.outbox.append(b"x" * 300)
        self.outbox.resize(400)
        self.assertTrue(self.outbox.high)
        self.assertEqual(self.lows, 0)
        self.outbox.resize(2000)
        self.assertFalse(self.outbox.high)
        self.assertEqual(self.lows, 1)

    def test_empty_turn(self) -> None:
        """A turn without lines writes nothing, and wakes nobody."""
        batch = self.outbox.get()
        self.assertTrue(self._turn_ends())
        self.assertEqual(self.written, [])
        self.assertNoResult(batch)

    def test_no_room(self) -> None:
        """When there is no room for more, the loop is to wait for it, and gets what comes then."""
        self.room = False
        self.outbox.append(b"a\n")
        self.assertFalse(self._turn_ends())
        self.outbox.append(b"b\n")
        self.assertFalse(self._turn_ends())
        self.assertEqual(self.written, [b"a\n"])
        self.assertEqual([self._fetch(), self._fetch()], [b"", b"b\n"])

    def test_room_again(self) -> None:
        """As soon as the loop waits for more, lines are written at once again."""
        self.room = False
        self.outbox.append(b"a\n")
        self._turn_ends()
        self.assertEqual(self._fetch(), b"")
        waiting = self.outbox.get()
        self.outbox.append(b"b\n")
        self._turn_ends()
        self.assertEqual(self.written, [b"a\n", b"b\n"])
        self.assertEqual(self.successResultOf(waiting), b"")

    def test_end_comes_last(self) -> None:
        """The end marker stands behind all that was queued, and ends nothing before."""
        self.room = False
        self.outbox.append(b"a\n")
        self._turn_ends()
        self.outbox.append(b"b\n")
        self.outbox.end()
        self.assertFalse(self._turn_ends())
        self.assertEqual([self._fetch() for _ in range(3)], [b"", b"b\n", None])

    def test_end_behind_what_is_written(self) -> None:
        """With room, the last lines are written at once too, and the loop gets the end alone."""
        self.outbox.append(b"a\n")
        self.outbox.end()
        self.assertFalse(self._turn_ends())
        self.assertEqual((self.written, self._fetch()), ([b"a\n"], None))

    def test_sealed_waits_for_release(self) -> None:
        """What is sealed waits for its release, and what comes meanwhile, even the end, does not
        go with it.
        """
        self.outbox.append(b"a\n")
        self.outbox.seal()
        self.outbox.append(b"b\n")
        self.outbox.end()
        self.assertEqual(self.outbox.unfetched(), b"a\nb\n")
        self.assertTrue(self.outbox.release(self._write))
        self.assertEqual(self.written, [b"a\n"])
        self.assertNoResult(end := self.outbox.get())
        self._turn_ends()
        self.assertEqual(self.written, [b"a\n", b"b\n"])
        self.assertIsNone(self.successResultOf(end))

    def test_takes_lines_after_the_end(self) -> None:
        """An outbox takes lines as long as it exists; the writer sees none after the end."""
        self.outbox.end()
        self._turn_ends()
        self.outbox.append(b"late\n")
        self._turn_ends()
        self.assertIsNone(self._fetch())
        self.assertEqual((self.written, self.outbox.unfetched()), ([], b"late\n"))

    def test_shut(self) -> None:
        """A shut outbox gives nothing more, wakes who waits, and keeps what is left in order."""
        waiting = self.outbox.get()
        self.outbox.shut()
        self.assertIsNone(self.successResultOf(waiting))
        self.outbox.append(b"a\n")
        self.assertFalse(self._turn_ends())
        self.assertIsNone(self._fetch())
        self.assertEqual((self.written, self.outbox.unfetched()), ([], b"a\n"))

    def test_takes(self) -> None:
        """It takes what does not make it high."""
        self.outbox.append(b"x" * 400)
        self.assertTrue(self.outbox.takes(b"x" * 99))
        self.assertFalse(self.outbox.takes(b"x" * 100))

    def test_withdrawn(self) -> None:
        """A line that is withdrawn before its release is gone, and only that one."""
        line = b"".join([b"! a\n"])
        self.outbox.append(b"b\n")
        self.outbox.append(line)
        self.outbox.seal()
        self.outbox.append(bytes(bytearray(line)))
        self.outbox.withdraw([line])
        self._turn_ends()
        self.assertEqual(self.written, [b"b\n! a\n"])
        self.assertEqual(self.outbox.size, 6)

    def test_low_by_a_withdrawal(self) -> None:
        """It tells that it gets low also when that is because lines are withdrawn."""
        line = b"! synced\n"
        self.outbox.append(b"x" * 245)
        self.outbox.append(line)
        self.outbox.withdraw([line])
        self.assertEqual(self.lows, 1)

    def test_left_is_in_order(self) -> None:
        """What the writer has not fetched is left in the order in which it came."""
        self.room = False
        self.outbox.append(b"0\n")
        self._turn_ends()
        for line in (b"a\n", b"b\n"):
            self.outbox.append(line)
            self._turn_ends()
        self.outbox.append(b"c\n")
        self.assertEqual(self.outbox.unfetched(), b"a\nb\nc\n")

    def test_size_is_what_has_no_room_yet(self) -> None:
        """The size counts a line from its coming until the outlet has found room for it."""
        self.outbox.append(b"12345\n")
        self.assertEqual(self.outbox.size, 6)
        self._turn_ends()
        self.assertEqual((self.outbox.size, self.written), (6, [b"12345\n"]))
        self.outbox.written(6)
        self.assertEqual(self.outbox.size, 0)

    def test_water_marks(self) -> None:
        """It is high from half its limit on, low at a quarter, and tells once when it gets low."""
        self.outbox.append(b"x" * 499)
        self.assertFalse(self.outbox.high)
        self.outbox.append(b"x" * 2)
        self.assertTrue(self.outbox.high)
        self.outbox.written(250)
        self.assertEqual((self.outbox.high, self.outbox.low, self.lows), (False, False, 0))
        self.outbox.written(1)
        self.assertEqual((self.outbox.low, self.lows), (True, 1))
        self.outbox.written(250)
        self.assertEqual(self.lows, 1)
