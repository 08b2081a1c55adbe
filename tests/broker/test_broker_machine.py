"""The broker under random orders of events, with the promise checked at every step."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

from hypothesis import seed, settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from twisted.internet import defer
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted import wire
from achat_twisted.broker.takeover import Duplicate
from achat_twisted.limits.limits import Limits
from achat_twisted.mailbox.committer import RETRY
from achat_twisted.mailbox.interfaces import IMailbox
from achat_twisted.mailbox.memory import MemoryMailbox
from achat_twisted.mailbox.sqlite import SqliteMailbox
from achat_twisted.wire.tags import Opening
from tests.broker.books import Books
from tests.disk import Desk
from tests.house import Guest, House

NAMES = st.sampled_from(["ann", "bob", "cleo"])
TAGS = st.sampled_from(["", "desk", "desk", "phone"])
PICKS = st.integers(0, 2)
RECIPIENTS = st.lists(st.sampled_from(["ann", "bob", "cleo", "nobody"]), min_size=1, max_size=3)
CHUNKS = st.one_of(
    st.builds(lambda names, lines: [names] * lines, RECIPIENTS, st.integers(1, 6)),
    st.lists(NAMES.map(lambda name: [name]), min_size=2, max_size=6),
)
"""For whom the lines of a chunk are: for the same names, or for others in turn."""


class BrokerMachine(RuleBasedStateMachine):
    """Names join, post, block, unblock, break, leave and take over, and servers come and go.

    Some sessions have a tag, and say what they have got. Every line carries its number. What a name
    has received over all its connections, taken together, must be each line for it that was not
    refused, once and in order.
    """

    durable = False
    seen: ClassVar[Counter[str]]
    """The events of all runs: those that see little show little."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.connections: dict[str, list[Guest]] = defaultdict(list)
        self.posted: dict[tuple[str, str], list[int]] = defaultdict(list)
        self.senders: dict[str, Guest] = {}
        self.books = Books()
        self.number = 0
        self.mailbox = self.make_mailbox()
        self.start()
        for name, tag in (("ann", "desk"), ("bob", "")):
            self.join(name, tag, blocked=False)

    def make_mailbox(self) -> IMailbox:
        return MemoryMailbox(self.clock)

    def start(self) -> None:
        """Start a server on the mailbox."""
        self.house = House(
            self.mailbox,
            self.clock,
            Duplicate.TAKEOVER,
            outbox_limit=400,
            durable=self.durable,
            limits=Limits(outbox_total=500),
        )
        self.here: dict[str, Guest] = {}
        self.senders = {}
        self.drained: defer.Deferred[None] | None = None

    @rule(name=NAMES, tag=TAGS, blocked=st.booleans())
    def join(self, name: str, tag: str, blocked: bool) -> None:
        """Join, or take over if the name is here; or be told that that cannot be just now."""
        guest = self.comes(name, Opening(tag), blocked)
        if guest is not None:
            self.here[name] = guest

    @rule(name=NAMES, blocked=st.booleans())
    def join_to_send(self, name: str, blocked: bool) -> None:
        guest = self.comes(name, Opening("tool", only_sends=True), blocked)
        if guest is not None:
            self.senders[name] = guest

    def comes(self, name: str, opening: Opening, blocked: bool) -> Guest | None:
        try:
            guest = self.house.comes(name, blocked=blocked, opening=opening)
        except wire.Refused as refusal:
            word = "busy" if self.drained is not None else "name-taken"
            assert refusal.notice.word == word
            return None
        assert self.drained is None
        self.connections[name].append(guest)
        self.books.open(guest, opening)
        return guest

    @rule(pick=PICKS, left=st.integers(0, 3))
    def confirm(self, pick: int, left: int) -> None:
        """Somebody with a tag says what it has got, and what it knows."""
        guest = self.pick(pick)
        if guest is not None and self.books.confirm(guest, left):
            self.seen["confirmed"] += 1

    @rule(pick=PICKS)
    def ask(self, pick: int) -> None:
        """Somebody asks what is taken in."""
        guest = self.pick(pick)
        if guest is not None and self.books.may_speak(guest):
            guest.commands(f"/sync {self.number}")

    @rule(pick=PICKS, chunk=CHUNKS, ends_turn=st.booleans())
    def post(self, pick: int, chunk: list[list[str]], ends_turn: bool) -> None:
        """One of those who are here posts some lines."""
        guest = self.pick(pick)
        if guest is None or not self.books.may_speak(guest):
            return
        sender = guest.session.name
        numbered = list(enumerate(chunk, self.number + 1))
        self.number += len(chunk)
        lines = [f"{', '.join(names)}: {number} {'x' * 60}" for number, names in numbered]
        if guest.says_at_once(*lines):
            self.seen["several" if len({*map(tuple, chunk)}) > 1 else "runs"] += 1
            for number, recipients in numbered:
                self.books.posted(guest, number)
                for recipient in recipients:
                    self.posted[sender, recipient].append(number)
        else:
            for (number, recipients), line in zip(numbered, lines, strict=True):
                unknown = [name for name in recipients if not self.mailbox.knows(name)]
                for recipient in recipients:
                    if recipient not in unknown:
                        self.posted[sender, recipient].append(number)
                guest.says(line)
                full = self.refused()
                for recipient in full:
                    self.posted[sender, recipient].remove(number)
                refused = [("unknown", name) for name in unknown]
                self.books.posted(guest, number, [*refused, *(("full", name) for name in full)])
        if ends_turn:
            self.house.turn()

    def refused(self) -> list[str]:
        """For whom the line just posted was refused, though they are known."""
        return []

    def pick(self, number: int) -> Guest | None:
        """One of those who are here."""
        everybody = (*self.here.values(), *self.senders.values())
        guests = [guest for guest in everybody if not guest.link.gone]
        return guests[number % len(guests)] if guests else None

    @rule(pick=PICKS, silent=st.booleans())
    def block(self, pick: int, silent: bool) -> None:
        """Somebody stops reading; what is sent may still find room in the kernel."""
        if guest := self.pick(pick):
            guest.link.silence() if silent else guest.link.block()

    @rule(pick=PICKS)
    def unblock(self, pick: int) -> None:
        if guest := self.pick(pick):
            guest.link.unblock()

    @rule(pick=PICKS, sender=PICKS, lines=st.integers(0, 6), acknowledged=st.integers(0, 300))
    def break_off(self, pick: int, sender: int, lines: int, acknowledged: int) -> None:
        """Somebody's newest connection breaks, at any byte of what was just sent."""
        if guest := self.pick(pick):
            guest.link.silence()
            self.post(sender, [[guest.session.name]] * lines, ends_turn=True)
            self.forget(guest)
            guest.loses_connection(acknowledged)

    @rule(pick=PICKS, acknowledged=st.integers(0, 300), asks=st.booleans())
    def come_back(self, pick: int, acknowledged: int, asks: bool) -> None:
        """The connection of somebody with a tag breaks, and the next one goes on where it was."""
        guest = self.pick(pick)
        opening = None if guest is None else self.books.opening(guest)
        if guest is None or opening is None:
            return
        self.forget(guest)
        guest.loses_connection(acknowledged)
        again = self.comes_back(guest.session.name, opening)
        if again is not None and asks and self.books.may_speak(again):
            self.seen["came back"] += 1
            again.commands(f"/sync {self.number}")

    def comes_back(self, name: str, opening: Opening) -> Guest | None:
        guest = self.comes(name, opening, blocked=False)
        if guest is not None:
            (self.senders if opening.only_sends else self.here)[name] = guest
        return guest

    def forget(self, guest: Guest) -> None:
        """It is not here any more."""
        for place in (self.here, self.senders):
            if place.get(guest.session.name) is guest:
                del place[guest.session.name]

    @rule(name=NAMES, breaks=st.booleans())
    def end_old(self, name: str, breaks: bool) -> None:
        """All connections of a name but the newest go on, or break."""
        for guest in self.connections.get(name, []):
            is_newest = guest in (self.here.get(name), self.senders.get(name))
            if not is_newest and not guest.link.gone:
                guest.loses_connection() if breaks else guest.link.unblock()

    @rule(pick=PICKS)
    def leave(self, pick: int) -> None:
        if guest := self.pick(pick):
            self.forget(guest)
            guest.session.drain()

    @precondition(lambda self: self.drained is None and self.number > 10)
    @rule()
    def stop(self) -> None:
        """The stop begins; everything else but joining and posting goes on happening."""
        self.drained = self.house.broker.stopService()

    @precondition(lambda self: self.drained is not None)
    @rule(patient=st.booleans())
    def restart(self, patient: bool) -> None:
        """The stop ends, when all have read or when it aborts them; and the server starts again."""
        self.end(patient)
        self.start()

    def end(self, patient: bool) -> None:
        """End the server."""
        balance = self.house.broker.balance()
        self.seen.update(delivered=balance.delivered, kept=balance.kept)
        self.seen.update(in_flight=balance.in_flight, inherited=balance.inherited)
        for guests in self.connections.values():
            for guest in guests:
                if not guest.link.gone:
                    guest.link.unblock() if patient else guest.link.abort()
        self.time_passes(1.0)
        assert self.drained is not None and self.drained.called

    @rule(seconds=st.sampled_from([0.0, 0.6, 2.0, 400.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.house.turn()

    @invariant()
    def the_ledger_balances(self) -> None:
        balance = self.house.broker.balance()
        assert balance.missing == 0, balance

    @invariant()
    def all_that_is_told_to_tags_is_right(self) -> None:
        for guests in self.connections.values():
            for guest in guests:
                self.books.look(guest)

    @invariant()
    def the_pool_is_what_is_held(self) -> None:
        broker = self.house.broker
        guests = [guest for guests in self.connections.values() for guest in guests]
        held = sum(
            guest.session.outbox.size + guest.session.writer.tail_size
            for guest in guests
            if guest.broker is broker
        )
        assert broker.pool.size == held
        self.seen["tight"] += broker.pool.calm < 0

    @invariant()
    def each_line_comes_once_and_in_order(self) -> None:
        for sender, recipient in self.posted:
            self.check(sender, recipient, at_end=False)

    def check(self, sender: str, recipient: str, *, at_end: bool) -> None:
        """Checks that the lines from C{sender} to C{recipient} are right; and C{at_end} all."""
        got = self.got(sender, recipient)
        posted = self.posted[sender, recipient]
        assert got == (posted if at_end else posted[: len(got)]), (sender, recipient, got, posted)

    def teardown(self) -> None:
        """Stop with everybody reading; then everybody returns once more, for what was kept."""
        self.drained = self.drained or self.house.broker.stopService()
        self.end(patient=True)
        self.start()
        for name in list(self.connections):
            self.connections[name].append(self.house.comes(name))
        for sender, recipient in self.posted:
            self.check(sender, recipient, at_end=True)
        assert self.mailbox.copies() == 0

    def got(self, sender: str, recipient: str) -> list[int]:
        """The numbers that C{recipient} has received from C{sender}, over all its connections."""
        return [
            int(line.split()[2])
            for guest in self.connections[recipient]
            for line in self.books.messages(guest)
            if line.startswith(f"from {sender}: ")
        ]


class Witness(SqliteMailbox):
    """A mailbox in a file that remembers what it could not keep."""

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self.refused: list[str] = []

    def keep(self, name: str, line: bytes) -> bool:
        kept = super().keep(name, line)
        if not kept:
            self.refused.append(name)
        return kept


class SqliteMachine(BrokerMachine):
    """The same with mail in a file, a thread that is slow, and a disk that is full at times.

    Every restart closes the file, and opens it again.
    """

    mailbox: Witness

    def __init__(self) -> None:
        self.folder = TemporaryDirectory()
        super().__init__()

    def make_mailbox(self) -> IMailbox:
        self.desk = Desk(Path(self.folder.name, "mailbox"), self.clock)
        self.desk.durable = self.durable
        return self.desk.make(Witness)

    def refused(self) -> list[str]:
        refused, self.mailbox.refused = self.mailbox.refused, []
        return refused

    @rule()
    def thread_stalls(self) -> None:
        self.desk.worker.held = True

    @rule()
    def thread_goes_on(self) -> None:
        self.desk.worker.release()
        self.house.turn()

    @rule(full=st.booleans())
    def disk_fills(self, full: bool) -> None:
        self.desk.disk.full = full

    def end(self, patient: bool) -> None:
        self.desk.disk.full = False
        self.desk.worker.release()
        self.time_passes(RETRY)
        super().end(patient)
        assert self.mailbox.close().called
        self.mailbox = self.desk.make(Witness)

    def teardown(self) -> None:
        try:
            super().teardown()
        finally:
            self.desk.crash()
            self.folder.cleanup()


class DurableMachine(SqliteMachine):
    """The same with a server that promises to outlive a crash, and crashes.

    What an answered C{/sync} covers must come, and all that comes must be in order, but for lines
    that come again.

    @ivar came_unsafe: the lines that came while the mailbox could not be written, as live ones then
        go on. A crash before it can be written again makes their senders say them once more.
    """

    durable = True

    def __init__(self) -> None:
        super().__init__()
        self.may_be_lost: set[int] = set()
        self.came_unsafe: set[int] = set()
        self.crashed_at = 0

    @precondition(lambda self: self.number > self.crashed_at + 3)
    @rule(asks=st.booleans())
    def crash(self, asks: bool) -> None:
        """All that the server has in memory is gone, and every connection with it.

        Those with a tag come back at once, and are told where to go on. Before the crash they may
        ask what is taken in.
        """
        tagged = [
            (guest, opening)
            for guest in (*self.here.values(), *self.senders.values())
            if (opening := self.books.opening(guest)) is not None
        ]
        for guest, _ in tagged:
            if asks and not guest.link.gone and self.books.may_speak(guest):
                guest.commands(f"/sync {self.number}")
        self.house.turn()
        self.all_that_is_told_to_tags_is_right()
        for (sender, _), posted in self.posted.items():
            synced = self.synced(sender)
            self.may_be_lost.update(number for number in posted if number > synced)
        if self.desk.committer.failing:
            for sender, recipient in self.posted:
                self.came_unsafe.update(self.got(sender, recipient))
        self.books.crash()
        for guests in self.connections.values():
            for guest in guests:
                guest.link.vanish()
        self.clock = self.desk.clock = Clock()
        self.crashed_at = self.number
        self.desk.crash()
        self.mailbox = self.desk.make(Witness)
        self.start()
        for guest, opening in tagged:
            self.comes_back(guest.session.name, opening)

    def synced(self, sender: str) -> int:
        """The last line that an answer to C{/sync} covers."""
        answers = [
            int(line.split()[3])
            for guest in self.connections[sender]
            for line in guest.link.lines()
            if line.startswith("! synced ")
        ]
        return max(answers, default=0)

    def check(self, sender: str, recipient: str, *, at_end: bool) -> None:
        first_time = list(dict.fromkeys(self.got(sender, recipient)))
        lost = self.books.lost - self.came_unsafe
        assert not lost.intersection(first_time), "what is not taken in has come"
        posted = list(dict.fromkeys(self.posted[sender, recipient]))
        assert first_time == [number for number in posted if number in first_time]
        got = [number for number in first_time if number not in self.may_be_lost]
        due = [number for number in posted if number not in self.may_be_lost]
        assert got == (due if at_end else due[: len(got)]), (sender, recipient, got, due)


ROUNDS = 4
"""The rounds at most until enough has been seen."""


def run(machine: type[BrokerMachine], number: int, examples: int) -> None:
    """Runs a machine through random orders of events, the same ones for the same number.

    @raise AssertionError: if a promise is broken; its text is the shortest order that does it.
    """
    run_state_machine_as_test(
        seed(number)(machine),
        settings=settings(
            deadline=None, max_examples=examples, stateful_step_count=50, database=None
        ),
    )


class BrokerMachineTests(SynchronousTestCase):
    """The machines, run."""

    def random_orders(self, machine: type[BrokerMachine], examples: int) -> None:
        """Runs a machine until it has seen enough of everything, which is mostly at once.

        Each round has a seed of its own: Hypothesis takes the same one each time where it believes
        that it runs in CI, and then all rounds would see the same.
        """
        machine.seen = Counter()
        for number in range(ROUNDS):
            run(machine, number, examples)
            least = min(
                machine.seen[what]
                for what in (
                    "delivered",
                    "kept",
                    "in_flight",
                    "inherited",
                    "runs",
                    "tight",
                )
            )
            rare = min(machine.seen[what] for what in ("several", "confirmed", "came back"))
            if least > examples / 20 and rare:
                break
        self.assertGreater(least, examples / 20, machine.seen)
        self.assertGreater(rare, 0, machine.seen)
        self.flushLoggedErrors(
            defer.TimeoutError
        )  # mail that a stalled thread did not read in time

    def test_mail_in_memory(self) -> None:
        """In whatever order things happen, each line comes once and in order, and all balances."""
        self.random_orders(BrokerMachine, 200)

    def test_mail_in_a_file(self) -> None:
        """The broker keeps its promises with mail in a file, too, whatever the disk does."""
        self.random_orders(SqliteMachine, 200)

    def test_crashes(self) -> None:
        """Lines confirmed by C{/sync} outlive crashes, and so does their order."""
        self.random_orders(DurableMachine, 200)
