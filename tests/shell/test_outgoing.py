"""The client's lines on their way out: numbered, confirmed, sent again or reported."""

from __future__ import annotations

from collections import deque

from hypothesis import settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.shell.outgoing import Outgoing
from tests.fakes import FakeSource


class OutgoingTests(SynchronousTestCase):
    """L{Outgoing}."""

    def setUp(self) -> None:
        self.sent: list[str] = []
        self.outgoing = Outgoing(window=10)

    def _write(self, data: bytes) -> None:
        self.sent.extend(data.decode().splitlines())

    def _begin(self) -> None:
        self.sent.clear()
        self.outgoing.begin(self._write)

    def test_waits_for_a_session(self) -> None:
        """Lines that come before a session are sent when it begins, in order."""
        self.outgoing.add(["a"])
        self.outgoing.add(["b"])
        self.assertEqual(self.outgoing.waiting, 2)
        self._begin()
        self.assertEqual(self.sent, ["a", "b", "/sync"])
        self.assertEqual(self.outgoing.waiting, 0)

    def test_one_sync_at_a_time(self) -> None:
        """A confirmation is asked for behind each batch, but never for two at once."""
        self._begin()
        self.outgoing.add(["a"])
        self.outgoing.add(["b"])
        self.assertEqual(self.sent, ["a", "/sync", "b"])
        self.outgoing.confirm(2)
        self.assertEqual(self.sent, ["a", "/sync", "b", "/sync"])
        self.outgoing.confirm(4)
        self.outgoing.add(["c"])
        self.outgoing.add(["d"])
        self.assertEqual(self.sent[4:], ["c", "/sync", "d"])

    def test_tells_own_lines_from_the_users(self) -> None:
        """Lines confirmed by an answer to the client's own question are known as such."""
        self._begin()
        self.outgoing.add(["/sync mine"])
        self.assertFalse(self.outgoing.confirm(1))
        self.assertTrue(self.outgoing.confirm(2))
        self.assertFalse(self.outgoing.confirm(2))

    def test_window(self) -> None:
        """No more is sent while as much as the window holds is unconfirmed."""
        self._begin()
        self.outgoing.add(["123456", "1234", "later"])
        self.assertEqual(self.sent, ["123456", "1234", "/sync"])
        self.outgoing.confirm(3)
        self.assertEqual(self.sent[3:], ["later", "/sync"])

    def test_throttles_who_adds(self) -> None:
        """A source of lines is paused while a window of them is waiting."""
        source = FakeSource()
        self.outgoing.throttle(source)
        self.outgoing.add(["1234"])
        self.assertFalse(source.paused)
        self.outgoing.add(["1234"])
        self.assertTrue(source.paused and self.outgoing.full)
        self._begin()
        self.assertFalse(source.paused or self.outgoing.full)

    def test_quit_comes_last(self) -> None:
        """After the end, the goodbye is said behind all lines, and once in a session."""
        source = FakeSource()
        self.outgoing.throttle(source)
        self.outgoing.add(["1234567890", "b"])
        self.outgoing.end()
        self._begin()
        self.assertEqual(self.sent, ["1234567890", "/sync"])
        self.outgoing.confirm(2)
        self.outgoing.confirm(2)
        self.assertEqual(self.sent[2:], ["b", "/quit"])
        self.assertTrue(source.paused and self.outgoing.ended)

    def test_closed(self) -> None:
        """After an ordered end, exactly the user's lines after the given one go first again."""
        self._begin()
        self.outgoing.add(["a", "b"])
        self.outgoing.add(["c"])
        self.outgoing.closed(1)
        self.outgoing.add(["d"])
        self.assertEqual(self.outgoing.waiting, 3)
        self._begin()
        self.assertEqual(self.sent, ["b", "c", "d", "/sync"])

    def test_closed_counts_as_waiting(self) -> None:
        """A source of lines has to wait for those that are to be sent again, too."""
        source = FakeSource()
        self.outgoing.throttle(source)
        self._begin()
        self.outgoing.add(["1234567890"])
        self.outgoing.closed(0)
        self.outgoing.add([])
        self.assertTrue(source.paused and self.outgoing.full)

    def test_closed_counts_own_lines(self) -> None:
        """The client's own lines have numbers too."""
        self._begin()
        self.outgoing.add(["a"])
        self.outgoing.add(["b", "c"])
        self.outgoing.closed(3)
        self._begin()
        self.assertEqual(self.sent, ["c", "/sync"])

    def test_numbers_begin_again(self) -> None:
        """Each session counts from one, and a goodbye that was not taken in is said again."""
        self._begin()
        self.outgoing.add(["a"])
        self.outgoing.end()
        self.outgoing.closed(0)
        self._begin()
        self.assertEqual(self.sent, ["a", "/quit"])
        self.outgoing.closed(1)
        self.assertEqual(self.outgoing.waiting, 0)

    def test_broken(self) -> None:
        """After a break, unconfirmed lines are reported, and not sent again."""
        self._begin()
        self.outgoing.add(["a"])
        self.outgoing.add(["b", "ç"])
        self.outgoing.confirm(2)
        self.assertEqual(self.outgoing.broken(), ["b", "ç"])
        self.outgoing.add(["d"])
        self._begin()
        self.assertEqual(self.sent, ["d", "/sync"])

    def test_ping(self) -> None:
        """A question of the client's own counts like any line, and its answer is known as such."""
        self._begin()
        self.outgoing.add(["a", "/ping"])
        self.outgoing.ping()
        self.assertEqual(self.sent, ["a", "/ping", "/sync", "/ping"])
        self.assertEqual([self.outgoing.pong() for _ in range(3)], [False, True, False])
        self.outgoing.closed(2)
        self.assertEqual(self.outgoing.waiting, 0)

    def test_ping_confirms_nothing(self) -> None:
        """A server's answer does not tell what became of the user's lines."""
        self._begin()
        self.outgoing.add(["a"])
        self.outgoing.add(["b"])
        self.outgoing.ping()
        self.assertTrue(self.outgoing.pong())
        self.assertEqual(self.outgoing.broken(), ["a", "b"])

    def test_ping_is_no_sync(self) -> None:
        """Lines ahead of a question are confirmed in their turn."""
        self._begin()
        self.outgoing.add(["a"])
        self.outgoing.add(["b"])
        self.outgoing.ping()
        self.assertTrue(self.outgoing.confirm(2))
        self.assertEqual(self.sent, ["a", "/sync", "b", "/ping", "/sync"])
        self.assertTrue(self.outgoing.confirm(5))
        self.assertEqual(self.outgoing.broken(), [])

    def test_pings_do_not_gather(self) -> None:
        """However long a session has nothing to say, nothing is kept for it; numbers go on."""
        self._begin()
        for _ in range(5):
            self.outgoing.ping()
            self.assertTrue(self.outgoing.pong())
        self.outgoing.add(["a"])
        self.assertFalse(self.outgoing.confirm(5))
        self.assertTrue(self.outgoing.confirm(7))
        self.assertEqual(self.outgoing.said, 7)

    def test_no_ping_outside(self) -> None:
        """Nothing is asked before a session begins, nor behind its goodbye."""
        self.outgoing.ping()
        self.outgoing.end()
        self._begin()
        self.outgoing.ping()
        self.assertEqual(self.sent, ["/quit"])

    def test_abandon(self) -> None:
        """Lines that wait are given back once, and forgotten."""
        self.outgoing.add(["1234567890", "b"])
        self.assertEqual(self.outgoing.abandon(), ["1234567890", "b"])
        self.assertEqual((self.outgoing.waiting, self.outgoing.full), (0, False))

    def test_numbers_that_cannot_be(self) -> None:
        """A server that confirms more than was sent, or less than before, does no harm."""
        self._begin()
        self.outgoing.add(["a"])
        self.assertFalse(self.outgoing.confirm(0))
        self.assertFalse(self.outgoing.confirm(99))
        self.outgoing.add(["b"])
        self.outgoing.closed(1)
        self.assertEqual(self.outgoing.waiting, 1)


class OutgoingMachine(RuleBasedStateMachine):
    """A user, and a server that takes lines in, confirms, restarts and breaks off at random."""

    WINDOW = 30

    def __init__(self) -> None:
        super().__init__()
        self.outgoing = Outgoing(self.WINDOW)
        self.said = 0
        self.taken: list[int] = []
        self.in_doubt: list[int] = []
        self._hang_up()

    def _hang_up(self) -> None:
        self.on_line = self.left = False
        self.count = self.confirmed = 0
        self.flight: deque[str] = deque()
        self.unconfirmed: list[str] = []
        self.answers: deque[int] = deque()
        self.pongs: deque[bool] = deque()

    def _write(self, data: bytes) -> None:
        self.flight.extend(data.decode().splitlines())

    @precondition(lambda self: not self.outgoing.ended)
    @rule(lines=st.integers(0, 5))
    def user_says(self, lines: int) -> None:
        self.outgoing.add([str(self.said + line) for line in range(lines)])
        self.said += lines

    @rule()
    def user_ends(self) -> None:
        self.outgoing.end()

    @precondition(lambda self: not self.on_line)
    @rule()
    def session_begins(self) -> None:
        self.on_line = True
        self.outgoing.begin(self._write)

    @rule(lines=st.integers(1, 9))
    def server_takes_in(self, lines: int) -> None:
        for _ in range(min(lines, len(self.flight))):
            assert not self.left, "nothing is said after the goodbye"
            line = self.flight.popleft()
            self.count += 1
            self.unconfirmed.append(line)
            if line == "/sync":
                self.answers.append(self.count)
            elif line == "/quit":
                self.left = True
            elif line == "/ping":
                self.pongs.append(True)
            else:
                self.taken.append(int(line))

    @precondition(lambda self: self.answers)
    @rule()
    def server_answers(self) -> None:
        answer = self.answers.popleft()
        del self.unconfirmed[: answer - self.confirmed]
        self.confirmed = answer
        assert self.outgoing.confirm(answer)

    @rule()
    def client_asks(self) -> None:
        self.outgoing.ping()

    @precondition(lambda self: self.pongs)
    @rule()
    def server_pongs(self) -> None:
        """Answers to C{/sync} may be put off for longer than one to a C{/ping}, not the reverse."""
        assert self.outgoing.pong() == self.pongs.popleft()

    @precondition(lambda self: self.on_line)
    @rule()
    def session_is_closed(self) -> None:
        self.outgoing.closed(self.count)
        self._hang_up()

    @precondition(lambda self: self.on_line)
    @rule()
    def session_breaks(self) -> None:
        unsure = self.outgoing.broken()
        expected = [line for line in [*self.unconfirmed, *self.flight] if line[0] != "/"]
        assert unsure == expected, (unsure, expected)
        self.in_doubt.extend(map(int, unsure))
        self._hang_up()

    @invariant()
    def takes_each_once_and_in_order(self) -> None:
        assert self.taken == sorted(set(self.taken)), self.taken

    @invariant()
    def is_bounded(self) -> None:
        kept = sum(len(line) + 1 for line in [*self.unconfirmed, *self.flight] if line[0] != "/")
        assert kept < self.WINDOW + 5, kept

    def teardown(self) -> None:
        """With a server that is patient at last, every line is taken in, or was reported."""
        self.outgoing.end()
        if not self.on_line:
            self.session_begins()
        while self.flight or self.answers:
            self.server_takes_in(len(self.flight))
            if self.answers:
                self.server_answers()
        assert self.left
        self.outgoing.closed(self.count)
        assert self.outgoing.waiting == 0
        self.takes_each_once_and_in_order()
        assert {*self.taken, *self.in_doubt} == set(range(self.said))


class OutgoingMachineTests(SynchronousTestCase):
    """L{OutgoingMachine}, run."""

    def test_random_orders(self) -> None:
        """Each line is taken in once and in order, or reported as in doubt, whatever happens."""
        run_state_machine_as_test(
            OutgoingMachine,
            settings=settings(deadline=None, max_examples=150, stateful_step_count=40),
        )
