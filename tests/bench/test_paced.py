"""C{achat bench paced}: when lines are due, and when they are sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.bench.failure import Failed
from achat_twisted.bench.loop import PATIENCE, Loop
from achat_twisted.bench.paced import Timetable, offer


class FakeLoop(Loop):
    """Time goes by while it waits, and nothing else does.

    @ivar waited: how long it was asked to wait, each time.
    """

    def __init__(self, oversleeps: Sequence[float] = ()) -> None:
        """@param oversleeps: how much longer than it should it waits, at first."""
        super().__init__()
        self.waited: list[float] = []
        self._oversleeps = list(oversleeps)

    def clock(self) -> float:
        return self.now

    def turn(self, seconds: float) -> bool:
        self.waited.append(seconds)
        assert len(self.waited) < 1000, "it would go on for ever"
        self.now += max(0.0, seconds)
        if self._oversleeps:
            self.now += self._oversleeps.pop(0)
        return False


class OfferTests(SynchronousTestCase):
    """L{offer}."""

    def loop(self, oversleeps: Sequence[float] = ()) -> FakeLoop:
        loop = FakeLoop(oversleeps)
        self.addCleanup(loop.close)
        return loop

    def offer(self, loop: FakeLoop, lines: int) -> tuple[list[float], list[tuple[int, float]]]:
        """Two senders offer four lines a second: how late they were, and who sent when."""
        sent: list[tuple[int, float]] = []
        loop.pending = 1

        def send(number: int) -> Callable[[], None]:
            def send() -> None:
                sent.append((number, loop.now))
                if len(sent) == lines:
                    loop.pending = 0

            return send

        return offer(loop, [send(0), send(1)], Timetable(4, 2, loop.clock), lines), sent

    def test_in_time(self) -> None:
        """The senders take turns, evenly."""
        late, sent = self.offer(self.loop(), 5)
        self.assertEqual(sent, [(0, 0.0), (1, 0.25), (0, 0.5), (1, 0.75), (0, 1.0)])
        self.assertEqual(late, [0.0] * 5)

    def test_late(self) -> None:
        """When the load itself is late, all that was due is sent at once, and told to be late."""
        late, sent = self.offer(self.loop([0.5]), 5)
        self.assertEqual([when for _, when in sent], [0.0, 0.75, 0.75, 0.75, 1.0])
        self.assertEqual(late, [0.0, 0.5, 0.25, 0.0, 0.0])

    def test_reads_between(self) -> None:
        """However much is due, what has come is looked at now and then."""
        loop = self.loop([100.0])
        self.offer(loop, 200)
        self.assertGreater(len(loop.waited), 3)
        self.assertLess(len(loop.waited), 10)

    def test_gives_up(self) -> None:
        """If all is sent and nothing comes any more, the load does not wait for ever."""
        loop = self.loop()
        loop.pending = 1
        timetable = Timetable(4, 1, loop.clock)
        error = self.assertRaises(Failed, offer, loop, [lambda: None], timetable, 3)
        self.assertIn("nothing has come for 10 seconds", str(error))
        self.assertEqual(loop.now, 0.5 + PATIENCE)


class TimetableTests(SynchronousTestCase):
    """L{Timetable}."""

    def test_of_one_sender(self) -> None:
        """A line is due at the same time by its number among all and among its sender's."""
        timetable = Timetable(10, 3, lambda: 7.0)
        timetable.start()
        self.assertEqual(timetable.due(0), 7.0)
        for number in range(12):
            turn, sender = divmod(number, 3)
            self.assertEqual(timetable.due_from(sender, turn), timetable.due(number))
