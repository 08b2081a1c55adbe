"""The outbox: a peer's queue."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.broker.outbox import Outbox
from achat_twisted.limits.limits import Limits
from achat_twisted.limits.memory import Pool


class OutboxTests(SynchronousTestCase):
    """L{Outbox}."""

    def setUp(self) -> None:
        self.outbox = Outbox(1000, Pool(Limits()))

    def _turn_ends(self) -> bytes:
        self.outbox.seal()
        return self.outbox.release()

    def test_one_batch_a_turn(self) -> None:
        """However many lines a turn brings, they are one batch, when it has ended."""
        self.assertTrue(self.outbox.append(b"a\n"))
        self.assertFalse(self.outbox.append(b"b\n"))
        self.assertEqual(self.outbox.release(), b"")
        self.assertEqual(self._turn_ends(), b"a\nb\n")

    def test_resize(self) -> None:
        """With another limit other sizes are high and low, and it says if that makes it low."""
        self.outbox.append(b"x" * 300)
        self.assertFalse(self.outbox.resize(400))
        self.assertTrue(self.outbox.high)
        self.assertTrue(self.outbox.resize(2000))
        self.assertFalse(self.outbox.high)
        self.assertFalse(self.outbox.resize(3000))

    def test_empty_turn(self) -> None:
        """A turn without lines releases nothing."""
        self.assertEqual(self._turn_ends(), b"")
        self.assertFalse(self.outbox.has_waiting)

    def test_no_room(self) -> None:
        """Batches for which there is no room wait one behind the other."""
        for batch in (b"a\n", b"b\n"):
            self.outbox.put(batch)
        for batch in (b"a\n", b"b\n"):
            self.assertEqual(self.successResultOf(self.outbox.get()), batch)
        self.assertFalse(self.outbox.has_waiting)

    def test_end_comes_last(self) -> None:
        """The end marker goes with the lines of its turn, and ends nothing before."""
        self.outbox.append(b"a\n")
        self._turn_ends()
        self.outbox.append(b"b\n")
        self.outbox.end()
        self.assertFalse(self.outbox.has_ended)
        self.assertEqual(self._turn_ends(), b"b\n")
        self.assertTrue(self.outbox.has_ended)

    def test_end_alone(self) -> None:
        """It needs no lines to go with."""
        self.outbox.end()
        self.assertEqual(self._turn_ends(), b"")
        self.assertTrue(self.outbox.has_ended)

    def test_sealed_waits_for_release(self) -> None:
        """Sealed lines wait for their release, and nothing that comes meanwhile goes with them, not
        even the end.
        """
        self.outbox.append(b"a\n")
        self.outbox.seal()
        self.outbox.append(b"b\n")
        self.outbox.end()
        self.assertEqual(self.outbox.left(), b"a\nb\n")
        self.assertEqual(self.outbox.release(), b"a\n")
        self.assertFalse(self.outbox.has_ended)
        self.assertEqual(self._turn_ends(), b"b\n")
        self.assertTrue(self.outbox.has_ended)

    def test_takes_lines_after_the_end(self) -> None:
        """An outbox takes lines as long as it exists; the writer sees none after the end."""
        self.outbox.end()
        self._turn_ends()
        self.outbox.append(b"late\n")
        self.assertEqual(self._turn_ends(), b"")
        self.assertEqual(self.outbox.left(), b"late\n")

    def test_forgotten(self) -> None:
        """It holds and counts nothing any more when it has been forgotten."""
        self.outbox.put(b"a\n")
        self.outbox.append(b"b\n")
        self.outbox.seal()
        self.outbox.append(b"c\n")
        self.outbox.forget()
        self.assertEqual((self.outbox.left(), self.outbox.size, self.outbox.pool.size), (b"", 0, 0))

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
        self.assertEqual(self._turn_ends(), b"b\n! a\n")
        self.assertEqual(self.outbox.size, 6)

    def test_low_by_a_withdrawal(self) -> None:
        """It says that it is low also when that is because lines are withdrawn."""
        line = b"! synced\n"
        self.outbox.append(b"x" * 245)
        self.outbox.append(line)
        self.assertTrue(self.outbox.withdraw([line]))

    def test_left_is_in_order(self) -> None:
        """Lines that the writer has not taken are left in the order in which they came."""
        self.outbox.put(b"a\n")
        self.outbox.append(b"b\n")
        self.outbox.seal()
        self.outbox.append(b"c\n")
        self.assertEqual(self.outbox.left(), b"a\nb\nc\n")

    def test_size_is_what_has_no_room_yet(self) -> None:
        """The size counts a line from its coming until the outlet has found room for it."""
        self.outbox.append(b"12345\n")
        self.assertEqual(self.outbox.size, 6)
        self._turn_ends()
        self.assertEqual(self.outbox.size, 6)
        self.outbox.written(6)
        self.assertEqual(self.outbox.size, 0)

    def test_water_marks(self) -> None:
        """It is high from half its limit on, low at a quarter, and says once that it is low."""
        self.outbox.append(b"x" * 499)
        self.assertFalse(self.outbox.high)
        self.outbox.append(b"x" * 2)
        self.assertTrue(self.outbox.high)
        self.assertFalse(self.outbox.written(250))
        self.assertEqual((self.outbox.high, self.outbox.low), (False, False))
        self.assertTrue(self.outbox.written(1))
        self.assertTrue(self.outbox.low)
        self.assertFalse(self.outbox.written(250))
