"""The outbox: a peer's queue."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.outbox import Outbox


class OutboxTests(SynchronousTestCase):
    """L{Outbox}."""

    def setUp(self) -> None:
        self.lows = 0
        self.outbox = Outbox(1000, self._on_low)

    def _on_low(self) -> None:
        self.lows += 1

    def _turn_ends(self) -> None:
        self.outbox.seal()
        self.outbox.release()

    def test_one_batch_a_turn(self) -> None:
        """However many lines a turn brings, the writer is woken once, with all of them."""
        batch = self.outbox.get()
        self.assertTrue(self.outbox.append(b"a\n"))
        self.assertFalse(self.outbox.append(b"b\n"))
        self.assertNoResult(batch)
        self._turn_ends()
        self.assertEqual(self.successResultOf(batch), b"a\nb\n")

    def test_empty_turn(self) -> None:
        """A turn without lines wakes nobody."""
        batch = self.outbox.get()
        self._turn_ends()
        self.assertNoResult(batch)

    def test_end_comes_last(self) -> None:
        """The end marker stands behind all that was queued, and ends nothing before."""
        self.outbox.append(b"a\n")
        self._turn_ends()
        self.outbox.append(b"b\n")
        self.outbox.end()
        self._turn_ends()
        got = [self.successResultOf(self.outbox.get()) for _ in range(3)]
        self.assertEqual(got, [b"a\n", b"b\n", None])

    def test_sealed_waits_for_release(self) -> None:
        """What is sealed waits for its release, and what comes meanwhile, even the end, does not
        go with it.
        """
        self.outbox.append(b"a\n")
        self.outbox.seal()
        self.outbox.append(b"b\n")
        self.outbox.end()
        batch = self.outbox.get()
        self.assertNoResult(batch)
        self.assertEqual(self.outbox.unfetched(), b"a\nb\n")
        self.outbox.release()
        self.assertEqual(self.successResultOf(batch), b"a\n")
        self.assertNoResult(end := self.outbox.get())
        self._turn_ends()
        self.assertEqual(self.successResultOf(end), b"b\n")
        self.assertIsNone(self.successResultOf(self.outbox.get()))

    def test_takes_lines_after_the_end(self) -> None:
        """An outbox takes lines as long as it exists; the writer sees none after the end."""
        self.outbox.end()
        self._turn_ends()
        self.outbox.append(b"late\n")
        self._turn_ends()
        self.assertIsNone(self.successResultOf(self.outbox.get()))
        self.assertEqual(self.outbox.unfetched(), b"late\n")

    def test_shut(self) -> None:
        """A shut outbox gives nothing more, wakes who waits, and keeps what is left in order."""
        waiting = self.outbox.get()
        self.outbox.shut()
        self.assertIsNone(self.successResultOf(waiting))
        self.outbox.append(b"a\n")
        self._turn_ends()
        self.assertIsNone(self.successResultOf(self.outbox.get()))
        self.assertEqual(self.outbox.unfetched(), b"a\n")

    def test_withdrawn(self) -> None:
        """A line that is withdrawn before its release is gone, and only that one."""
        line = b"".join([b"! a\n"])
        self.outbox.append(b"b\n")
        self.outbox.append(line)
        self.outbox.seal()
        self.outbox.append(bytes(bytearray(line)))
        self.outbox.withdraw([line])
        self._turn_ends()
        self.assertEqual(self.successResultOf(self.outbox.get()), b"b\n! a\n")
        self.assertEqual(self.outbox.size, 6)

    def test_left_is_in_order(self) -> None:
        """What the writer has not fetched is left in the order in which it came."""
        for line in (b"a\n", b"b\n"):
            self.outbox.append(line)
            self._turn_ends()
        self.outbox.append(b"c\n")
        self.assertEqual(self.outbox.unfetched(), b"a\nb\nc\n")

    def test_size_is_what_has_no_room_yet(self) -> None:
        """The size counts a line from its coming until the outlet has found room for it."""
        self.outbox.append(b"12345\n")
        self._turn_ends()
        self.assertEqual(self.outbox.size, 6)
        self.successResultOf(self.outbox.get())
        self.assertEqual(self.outbox.size, 6)
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
