"""Schedules of clients that resume; C{python -m tests.resuming} runs more of them."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.resuming.__main__ import repeat
from tests.resuming.model import Mode
from tests.resuming.rooms import RoomWorld
from tests.resuming.world import World

SCHEDULES = 100
"""Those of every test run, for each mode."""


class ScheduleTests(SynchronousTestCase):
    """Clients with a file and without, against a server whatever befalls it.

    All that its clients hear is what the model of the wire says, too.
    """

    def holds(self, mode: Mode) -> None:
        for seed in range(SCHEDULES):
            self.assertEqual(World(seed, mode).run(), [], repeat(seed, mode))

    def test_in_memory(self) -> None:
        """While the server lives, each line comes once and each refusal is told."""
        self.holds(Mode.MEMORY)

    def test_in_a_file(self) -> None:
        """The promises hold from one ordered stop to the next start, and beyond."""
        self.holds(Mode.SQLITE)

    def test_durable(self) -> None:
        """The promises hold whatever is killed, from file to file."""
        self.holds(Mode.DURABLE)

    def test_same_seed_same_schedule(self) -> None:
        """A seed always leads to the same events."""
        one, other = World(SCHEDULES, Mode.DURABLE), World(SCHEDULES, Mode.DURABLE)
        one.run()
        other.run()
        self.assertEqual(_without_eras(one.trace), _without_eras(other.trace))


class RoomScheduleTests(SynchronousTestCase):
    """The same with rooms, and with several devices of a name."""

    def holds(self, mode: Mode) -> None:
        for seed in range(SCHEDULES):
            self.assertEqual(RoomWorld(seed, mode).run(), [], repeat(seed, mode, rooms=True))

    def test_in_memory(self) -> None:
        """While the server lives, each member and device gets each line of a room once."""
        self.holds(Mode.MEMORY)

    def test_in_a_file(self) -> None:
        """It does as much from one ordered stop to the next start, and beyond."""
        self.holds(Mode.SQLITE)

    def test_durable(self) -> None:
        """It does as much whatever is killed, from file to file."""
        self.holds(Mode.DURABLE)


def _without_eras(trace: list[str]) -> list[str]:
    return [line.rpartition(" ")[0] if "! resumed " in line else line for line in trace]
