"""The library's conversation against the real server, whatever befalls both.

L{ConversationMachine} is the world of C{tests/resuming}, in which Hypothesis chooses what happens
next, and shortens a schedule that fails; L{ScheduleTests} are schedules that are drawn from seeds.
"""

from __future__ import annotations

from hypothesis import settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)
from hypothesis.strategies import integers, lists, sampled_from
from twisted.trial.unittest import SynchronousTestCase

from tests.resuming.__main__ import repeat
from tests.resuming.library import LibraryClient
from tests.resuming.model import Mode
from tests.resuming.world import World

SCHEDULES = 25
"""Those of every test run, for each mode."""

_MANY = 10_000
"""Far more than there ever is to choose from."""


class ConversationMachine(RuleBasedStateMachine):
    """Programs on the library, a server, and what befalls them."""

    world: World | None = None

    @initialize(seed=integers(0, 2**32), mode=sampled_from(Mode))
    def begin(self, seed: int, mode: Mode) -> None:
        """All that Hypothesis does not choose comes from the seed."""
        self.world = World(seed, mode, LibraryClient)

    @rule(steps=lists(integers(0, _MANY), min_size=1, max_size=20))
    def go_on(self, steps: list[int]) -> None:
        """Things happen that are no trouble."""
        assert self.world is not None
        for which in steps:
            if acts := self.world.acts():
                self.world.do(*acts[which % len(acts)])
            else:
                self.world.wait()

    @rule(who=integers(0, _MANY), which=integers(0, _MANY))
    def break_something(self, who: int, which: int) -> None:
        """Something breaks."""
        assert self.world is not None
        clients = self.world.clients
        troubles = self.world.troubles(clients[who % len(clients)])
        self.world.do(*troubles[which % len(troubles)])

    def teardown(self) -> None:
        """When all is calm again, each line came once, or its sender knows why not."""
        if self.world is not None:
            assert not (wrong := self.world.end()), "\n".join([*wrong, *self.world.trace])


class MachineTests(SynchronousTestCase):
    """Programs and a server that Hypothesis drives."""

    def test_machine(self) -> None:
        """No order of events loses a line, doubles one where that is promised, or hides a fate."""
        run_state_machine_as_test(
            ConversationMachine,
            settings=settings(deadline=None, max_examples=40, stateful_step_count=30),
        )


class ScheduleTests(SynchronousTestCase):
    """Programs on the library with a file and without, against a server in each mode."""

    def holds(self, mode: Mode) -> None:
        for seed in range(SCHEDULES):
            world = World(seed, mode, LibraryClient)
            self.assertEqual(world.run(), [], repeat(seed, mode, LibraryClient))

    def test_in_memory(self) -> None:
        """While the server lives, each line comes once and each refusal is told."""
        self.holds(Mode.MEMORY)

    def test_in_a_file(self) -> None:
        """The promises hold from one ordered stop to the next start, and beyond."""
        self.holds(Mode.SQLITE)

    def test_durable(self) -> None:
        """The promises hold whatever is killed, from file to file."""
        self.holds(Mode.DURABLE)
