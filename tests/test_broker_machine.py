"""The broker under random orders of events, with the promise checked at every step."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted import wire
from achat_twisted.broker import Duplicate
from tests.fakes import CountingMailbox
from tests.house import Guest, House

NAMES = st.sampled_from(["ann", "bob", "cleo"])


class BrokerMachine(RuleBasedStateMachine):
    """Names join, post, block, unblock, break, leave and take over, and at the end all stop.

    Every line carries its number. What a name has received over all its connections, taken
    together, must be each line for it, once and in order.
    """

    def __init__(self) -> None:
        super().__init__()
        self.mailbox = CountingMailbox()
        self.house = House(self.mailbox, Duplicate.TAKEOVER, outbox_limit=400)
        self.here: dict[str, Guest] = {}
        self.connections: dict[str, list[Guest]] = defaultdict(list)
        self.posted: dict[tuple[str, str], list[int]] = defaultdict(list)
        self.number = 0
        self.drained: Deferred[None] | None = None

    @rule(name=NAMES, blocked=st.booleans())
    def join(self, name: str, blocked: bool) -> None:
        """Join, or take over if the name is here; or be told that the server is stopping."""
        try:
            guest = self.house.comes(name, blocked=blocked)
        except wire.Refused as refusal:
            assert self.drained is not None, refusal
            return
        assert self.drained is None
        self.here[name] = guest
        self.connections[name].append(guest)

    @rule(sender=NAMES, recipients=st.lists(NAMES, min_size=1, max_size=4), ends_turn=st.booleans())
    def post(self, sender: str, recipients: list[str], ends_turn: bool) -> None:
        guest = self.here.get(sender)
        if guest is None or guest.source.stopped:
            return
        self.number += 1
        for recipient in recipients:
            if recipient in self.connections:
                self.posted[sender, recipient].append(self.number)
        guest.says(f"{', '.join(recipients)}: {self.number} {'x' * 60}")
        if ends_turn:
            self.house.turn()

    @rule(name=NAMES)
    def block(self, name: str) -> None:
        if name in self.here:
            self.here[name].link.block()

    @rule(name=NAMES)
    def silence(self, name: str) -> None:
        if name in self.here:
            self.here[name].link.silence()

    @rule(name=NAMES)
    def unblock(self, name: str) -> None:
        for guest in self.connections.get(name, ()):
            if not guest.link.gone:
                guest.link.unblock()

    @rule(name=NAMES, acknowledged=st.integers(0, 300))
    def break_off(self, name: str, acknowledged: int) -> None:
        """The newest connection of a name breaks, at any byte."""
        if name in self.here:
            self.here.pop(name).loses_connection(acknowledged)

    @rule(name=NAMES)
    def break_old(self, name: str) -> None:
        """All connections but the newest break."""
        for guest in list(self.connections.get(name, ())):
            if guest is not self.here.get(name):
                guest.loses_connection()

    @rule(name=NAMES)
    def leave(self, name: str) -> None:
        if name in self.here:
            self.here.pop(name).session.leave()

    @precondition(lambda self: self.drained is None and self.number > 3)
    @rule()
    def stop(self) -> None:
        """The stop begins; everything else but joining and posting goes on happening."""
        self.drained = self.house.broker.stopService()

    @rule(seconds=st.sampled_from([0.0, 0.6, 2.0, 400.0]))
    def time_passes(self, seconds: float) -> None:
        self.house.clock.advance(seconds)
        self.house.turn()

    @invariant()
    def the_ledger_balances(self) -> None:
        balance = self.house.broker.balance()
        assert balance.missing == 0, balance

    @invariant()
    def each_line_comes_once_and_in_order(self) -> None:
        for (sender, recipient), posted in self.posted.items():
            got = self._got(sender, recipient)
            assert got == posted[: len(got)], (sender, recipient, got, posted)

    @invariant()
    def each_session_is_removed_at_most_once(self) -> None:
        for name, guests in self.connections.items():
            assert self.mailbox.hand_backs.count(name) <= len(guests)

    def teardown(self) -> None:
        """Stop with everybody reading; then everybody returns once more, for what was kept."""
        drained = self.drained or self.house.broker.stopService()
        for guests in list(self.connections.values()):
            for guest in guests:
                if not guest.link.gone:
                    guest.link.unblock()
        self.house.turn()
        assert drained.called
        for name, guests in self.connections.items():
            assert self.mailbox.hand_backs.count(name) == len(guests), name
        again = House(self.mailbox)
        for name in list(self.connections):
            self.connections[name].append(again.comes(name))
        for (sender, recipient), posted in self.posted.items():
            assert self._got(sender, recipient) == posted, (sender, recipient)
        assert self.mailbox.copies() == 0

    def _got(self, sender: str, recipient: str) -> list[int]:
        """The numbers that C{recipient} has received from C{sender}, over all its connections."""
        return [
            int(line.split()[2])
            for guest in self.connections[recipient]
            for line in guest.link.messages()
            if line.startswith(f"from {sender}: ")
        ]


class BrokerMachineTests(SynchronousTestCase):
    """L{BrokerMachine}, run."""

    def test_random_orders(self) -> None:
        """In whatever order things happen, each line comes once and in order, and all balances."""
        run_state_machine_as_test(
            BrokerMachine,
            settings=settings(deadline=None, max_examples=300, stateful_step_count=40),
        )
