"""Reader and factory: from a connection's bytes to the broker."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from itertools import repeat
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IReactorTime, ITransport
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted import wire
from achat_twisted.broker.answers import RenderNotice
from achat_twisted.limits.admission import Admission
from achat_twisted.limits.limits import Limits
from achat_twisted.login.gate import OPEN
from achat_twisted.login.interfaces import IGate
from achat_twisted.reader.factory import LAST_CALL, ChatFactory
from achat_twisted.reader.lines import ChatReader
from achat_twisted.reader.terms import Terms
from achat_twisted.tools.meter import Meter
from achat_twisted.wire.foreign import PROXY
from tests.fakes import FakeLink
from tests.house import House, steps
from tests.logged import Logged


class Caller:
    """A client of a L{ChatFactory}, as seen from below."""

    def __init__(self, factory: ChatFactory, links: list[FakeLink]) -> None:
        reader = factory.buildProtocol(None)
        assert reader is not None
        self.reader: ChatReader = reader
        self.transport = StringTransport()
        self.reader.makeConnection(self.transport)
        self.link = links[-1]

    def sends(self, data: str) -> None:
        self.reader.dataReceived(data.encode())

    def half_closes(self) -> None:
        self.reader.readConnectionLost()

    def is_gone(self) -> None:
        self.link.gone = self.link.blocked = True
        self.reader.connectionLost(Failure(ConnectionDone()))


HOST = "203.0.113.7"


class ReaderTestCase(SynchronousTestCase):
    """A broker with a factory in front of it."""

    gate: IGate = OPEN

    def setUp(self) -> None:
        self.limits = Limits(connections=100, rate=10, burst=50)
        self.house = House(outbox_limit=1000, limits=self.limits)
        self.links: list[FakeLink] = []
        self.factory = self._factory(self.house.clock)

    def _factory(self, clock: Clock, render: RenderNotice = wire.render_notice) -> ChatFactory:
        terms = Terms(max_line=100, recipients=3, login_timeout=30.0, render=render, gate=self.gate)
        self.meter = Meter(clock.seconds)
        admission = Admission(clock, self.limits)
        return ChatFactory(self.house.broker, clock, terms, admission, self.meter, self._make_link)

    def _make_link(self, _transport: ITransport, _clock: IReactorTime) -> FakeLink:
        self.links.append(FakeLink("a caller"))
        return self.links[-1]

    def calls(self, login: str = "") -> Caller:
        caller = Caller(self.factory, self.links)
        if login:
            caller.sends(f"{login}\n")
            self.house.turn()
        return caller


class LoginTests(ReaderTestCase):
    """The first line."""

    def test_other_terms(self) -> None:
        """New terms are for those who connect from then on."""
        before = self.calls()
        self.factory.expect(Terms(max_line=5, login_timeout=1.0))
        after, late = self.calls("alice"), self.calls()
        after.sends("alice: hi\n")
        self.house.turn()
        self.assertEqual(after.link.lines()[-1], "! too-long 5")
        self.house.clock.advance(1)
        self.assertEqual(late.link.lines(), ["! bad-name none came within 1 seconds"])
        self.house.clock.advance(28)
        self.assertEqual(before.link.lines(), [])
        self.house.clock.advance(1)
        self.assertEqual(before.link.lines(), ["! bad-name none came within 30 seconds"])

    def test_welcome(self) -> None:
        """The first line is the name, and is answered with a welcome."""
        self.assertEqual(self.calls("alice").link.lines(), ["! welcome alice"])

    def test_lines_behind_the_login(self) -> None:
        """Lines that come together with the login line are taken in, too."""
        caller = self.calls()
        caller.sends("alice\nalice: hi\n/ping\n")
        self.house.turn()
        self.assertEqual(caller.link.lines(), ["! welcome alice", "from alice: hi", "! pong"])

    def test_refused(self) -> None:
        """A login that is refused is told why, and closed; what came with it is not taken in."""
        self.calls("bob")
        for login, notice in [
            ("!x", "! bad-name it begins with ! or /"),
            ("bob", "! name-taken bob"),
            ("a\x00b", "! bad-name bad-line control characters"),
            ("x" * 10_000, "! bad-name too-long 100"),
        ]:
            caller = self.calls()
            caller.sends(f"{login}\nbob: hi\n")
            self.house.turn()
            self.assertEqual(caller.link.lines(), [notice])
            self.assertTrue(caller.link.finished)
        self.assertEqual(self.house.broker.balance().accepted, 0)

    def test_timeout(self) -> None:
        """A client that sends no name in time is told so, and closed."""
        caller = self.calls()
        self.house.clock.advance(29)
        self.assertFalse(caller.link.finished)
        with Logged() as logged:
            self.house.clock.advance(1)
            caller.is_gone()
        self.assertEqual(
            logged.texts, ["a caller was refused: bad-name none came within 30 seconds"]
        )
        self.assertEqual(caller.link.lines(), ["! bad-name none came within 30 seconds"])
        self.assertTrue(caller.link.finished)

    def test_no_timeout_after_login(self) -> None:
        """A client that has logged in may be silent for ever."""
        caller = self.calls("alice")
        self.house.clock.advance(1000)
        self.assertFalse(caller.link.finished)

    def test_health_check(self) -> None:
        """A client that leaves without a word, as health checks do, is no matter for the log."""
        for leave in (Caller.is_gone, Caller.half_closes):
            with Logged(level="info") as logged:
                leave(self.calls())
            self.assertEqual(logged.texts, [])
        self.assertEqual(self.house.clock.getDelayedCalls(), [])

    def test_leaves_within_its_name(self) -> None:
        """A client whose connection breaks within its first line costs one line in the log."""
        caller = self.calls()
        caller.sends("ali")
        with Logged() as logged:
            caller.is_gone()
        self.assertEqual(logged.texts, ["a caller left without a name"])

    def test_another_protocol(self) -> None:
        """A first line of another protocol is refused, and nothing behind it is taken in."""
        bob = self.calls("bob")
        for first, protocol in (
            (b"POST / HTTP/1.1\r\nHost: x\r\n\r\nbob: hi\n", "HTTP"),
            (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "TLS"),
            (b"\x16\x03\x01\x02\nbob: hi\n", "TLS"),
            (b"EHLO x\r\n", "SMTP"),
            (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nbob: hi\n", "PROXY"),
            (PROXY + b"\x21\x11\0\x0c\n\0\0\1\n\0\0\2\0\1\0\2bob: hi\n", "PROXY"),
        ):
            caller = self.calls()
            caller.reader.dataReceived(first)
            caller.reader.dataReceived(b"bob: hi\n")
            self.house.turn()
            self.assertEqual(
                caller.link.lines(), [f"! bad-name that is {protocol}, which is not spoken here"]
            )
            self.assertTrue(caller.link.finished)
        self.assertEqual(bob.link.lines(), ["! welcome bob"])
        self.assertEqual(self.house.broker.balance().accepted, 0)

    def test_scanners_do_not_fill_the_log(self) -> None:
        """A crowd of them has in the log one line for each kind and minute, and a sum."""
        with Logged(level="info") as logged:
            for _ in range(25):
                self.calls("GET / HTTP/1.1").is_gone()
                self.calls("\0").is_gone()
                self.calls(" ").is_gone()
                self.calls(PROXY.decode()).is_gone()
            self.house.clock.advance(60)
        self.assertEqual(
            logged.texts,
            [
                "connections are refused: bad-name that is HTTP, which is not spoken here, from a"
                " caller",
                "connections are refused: bad-name bad-line control characters, from a caller",
                "connections are refused: bad-name it is empty; the first line must be NAME or"
                " NAME:SECRET, from a caller",
                "connections are refused: bad-name that is PROXY, which is not spoken here, from a"
                " caller",
                "connections refused within a minute: 100, from this machine alone: 100",
            ],
        )

    def test_tls_in_a_session(self) -> None:
        """In a session what looks like TLS is a bad line, and the client stays."""
        caller = self.calls("alice")
        caller.reader.dataReceived(b"\x16\x03\x01")
        caller.sends("more\nalice: hi\n")
        self.house.turn()
        self.assertEqual(
            caller.link.lines()[1:],
            ["! bad-line that is TLS, which is not spoken here", "from alice: hi"],
        )

    def test_no_header_of_a_proxy(self) -> None:
        """A client that comes to a proxy's port by itself is told so, and closed."""
        caller = self.calls()
        caller.reader.introduced("it does not begin with a PROXY header")
        self.assertEqual(
            caller.link.lines(),
            [
                "! bad-name this port is for a proxy, but it does not begin with a PROXY header",
            ],
        )
        self.assertTrue(caller.link.finished)

    def test_outcomes(self) -> None:
        """Each login is counted once, by what has come of it."""
        alice, late = self.calls("alice"), self.calls()
        self.assertEqual(self.factory.connections, 2)
        for login in ("alice", "!x", "x" * 10_000):
            self.calls(login).is_gone()
        self.calls().is_gone()
        self.calls().half_closes()
        self.house.clock.advance(30)
        for caller in (late, alice):
            caller.is_gone()
        self.house.broker.stopService()
        self.calls("bob").is_gone()
        self.assertEqual(
            +self.meter.logins,
            {"welcome": 1, "name-taken": 1, "bad-name": 2, "left": 2, "timeout": 1, "busy": 1},
        )

    def test_plain(self) -> None:
        """With plain terms a refusal closes without a word."""
        self.factory = self._factory(self.house.clock, wire.say_nothing)
        caller = self.calls("!x")
        self.assertEqual(caller.link.received, b"")
        self.assertTrue(caller.link.finished)


class LineTests(ReaderTestCase):
    """Lines after the first."""

    def test_every_line_counts(self) -> None:
        """Posts, commands and refused lines count alike towards the bye."""
        caller = self.calls("alice")
        caller.sends("alice: hi\n/ping\nnonsense\n\x1b[2J\n" + "x" * 200 + "\n/quit\nalice: late\n")
        self.house.turn()
        self.assertEqual(
            caller.link.lines()[1:],
            [
                "from alice: hi",
                "! pong",
                "! bad-line no recipient; post with NAME: text",
                "! bad-line control characters",
                "! too-long 100",
                "! bye 6",
            ],
        )

    def test_commands_between_runs(self) -> None:
        """A few commands between lines leave these the runs that they are, and in their order."""
        bob, alice = self.calls("bob"), self.calls("alice")
        runs: list[int] = []
        post_run = self.house.broker.post_run

        def count(sender: Any, posts: Sequence[wire.Post]) -> bool:
            runs.append(posts[0].text.count("\n") + 1)
            return post_run(sender, posts)

        self.patch(self.house.broker, "post_run", count)
        alice.sends("bob: 1\nbob: 2\n/sync\nbob: 3\nbob: 4\n/ping\n/ping\n")
        self.house.turn()
        self.assertEqual(runs, [2, 2])
        self.assertEqual(bob.link.messages(), [f"from alice: {n}" for n in range(1, 5)])
        self.assertEqual(alice.link.lines()[1:], ["! synced 3", "! pong", "! pong"])

    def test_run_counts_every_line(self) -> None:
        """Lines for the same name that come at once count each, and come in order."""
        self.calls("bob")
        caller = self.calls("alice")
        caller.sends("".join(f"bob: {number}\n" for number in range(10)))
        caller.sends("/quit\n")
        self.house.turn()
        self.assertEqual(self.links[0].messages(), [f"from alice: {n}" for n in range(10)])
        self.assertEqual(caller.link.lines()[-1], "! bye 11")

    def test_mixed_chunk(self) -> None:
        """Lines of one chunk that go different ways are taken in one after the other."""
        caller = self.calls("alice")
        caller.sends("alice: 1\nnobody: x\n/sync\nalice: 2\n\x07\n/sync a\nalice: 3\n")
        self.house.turn()
        self.assertEqual(
            caller.link.lines()[1:],
            [
                "from alice: 1",
                "! unknown nobody 1",
                "! synced 3",
                "from alice: 2",
                "! bad-line control characters",
                "! synced 6 a",
                "from alice: 3",
            ],
        )

    def test_others_have_their_turn(self) -> None:
        """Of many lines that need a look each, some are taken in before others have their turn."""
        for line in ("/ping", "bob: hi", "\x07"):
            caller = self.calls(f"alice {line.strip('/')[0]!r}")
            caller.sends(f"{line}\n/sync\n" * 400)
            self.assertTrue(caller.reader.paused)
            self.house.turn()
            answers = [line for line in caller.link.lines() if line.startswith("! synced")]
            self.assertEqual(answers, [f"! synced {2 * number}" for number in range(1, 401)])

    def test_much_at_once(self) -> None:
        """However much a client sends at once, it is taken in a slice a turn."""
        self.house = House()
        self.factory = self._factory(self.house.clock)
        self.calls("bob")
        self.calls("alice").sends("bob: hi\nnobody: hi\n" * 600)
        taken = self.house.each_turn(lambda: self.house.broker.balance().accepted)
        self.assertEqual(taken[-1], 1200)
        self.assertLessEqual(max(steps([0, *taken])), 500)

    def test_paused_within_a_chunk(self) -> None:
        """A client paused in the middle of a chunk has the rest taken in later, in order."""
        self.calls("bob").link.block()
        caller = self.calls("alice")
        lines = [f"bob: {number} {'x' * 60}" for number in range(20)]
        caller.sends("".join(f"{line}\n" for line in lines))
        self.assertTrue(caller.reader.paused)
        caller.sends("bob: last\n")
        self.links[0].unblock()
        for _ in range(10):
            self.house.turn()
            self.house.clock.advance(1)
        expected = [line.replace("bob: ", "from alice: ") for line in [*lines, "bob: last"]]
        self.assertEqual(self.links[0].messages(), expected)

    def test_line_in_pieces(self) -> None:
        """A line that comes in pieces is one, though its last piece could be one by itself."""
        bob, alice = self.calls("bob"), self.calls("alice")
        for piece in ("bob: say ", "bob: hi\n", "bob: " + "x" * 200, "bob: hi\n", "bob: ho\n"):
            alice.sends(piece)
        self.house.turn()
        self.assertEqual(bob.link.messages(), ["from alice: say bob: hi", "from alice: ho"])
        self.assertEqual(alice.link.lines()[1:], ["! too-long 100"])

    def test_lines_for_different_names(self) -> None:
        """Lines of a chunk reach each name in order, and each of them counts."""
        bob, alice = self.calls("bob"), self.calls("alice")
        alice.sends("bob: 1\nalice: 2\nbob: 3\nalice:4\n")
        alice.sends("bob: 5\nnobody: 6\nbob: 7\n")
        alice.sends("/sync\n")
        self.house.turn()
        self.assertEqual(bob.link.messages(), [f"from alice: {number}" for number in (1, 3, 5, 7)])
        self.assertEqual(
            alice.link.lines()[1:],
            ["from alice: 2", "from alice: 4", "! unknown nobody 1", "! synced 8"],
        )

    def test_line_alone_behind_others(self) -> None:
        """Nor does a line that comes alone overtake those that wait, or a pause."""
        bob, alice = self.calls("bob"), self.calls("alice")
        alice.reader.pauseProducing()
        alice.sends("bob: 1\n")
        alice.sends("bob: 2\n")
        self.house.turn()
        self.assertEqual(bob.link.messages(), [])
        alice.reader.paused = False  # it goes on, and what comes next comes before its turn does
        alice.sends("bob: 3\n")
        self.house.turn()
        self.assertEqual(bob.link.messages(), [f"from alice: {number}" for number in (1, 2, 3)])

    def test_lines_that_wait_take_little_memory(self) -> None:
        """Short lines of somebody who is not read on take hardly more than their bytes."""
        alice = self.calls("alice")
        alice.link.block()
        chunk = "a\n" * 2**16
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        alice.sends(chunk)
        self.house.turn()
        held, _ = tracemalloc.get_traced_memory()
        self.assertLess(held, 4 * len(chunk))

    def test_short_lines_behind_a_fault(self) -> None:
        """Nor do they if one of them is at fault, which has all of them looked at one by one."""
        alice = self.calls("alice")
        alice.reader.pauseProducing()
        chunk = "\0\n" + "ab\n" * 2**15
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        alice.sends(chunk)
        held, _ = tracemalloc.get_traced_memory()
        self.assertLess(held, 4 * len(chunk))

    def test_fault_is_logged_once(self) -> None:
        """A client's fault is one line in the log for each kind, not one for each line."""
        caller = self.calls("alice")
        with Logged() as logged:
            for _ in range(3):
                caller.sends("nonsense\n" + "x" * 200 + "\n")
        self.assertEqual(
            logged.texts,
            [
                "alice sent a line that was refused: bad-line no recipient; post with NAME: text",
                "alice sent a line that was refused: too-long 100",
            ],
        )

    def test_many_single_lines(self) -> None:
        """However many lines come at once, each is answered, in order."""
        caller = self.calls("alice")
        caller.sends("".join(f"/sync {number}\n" for number in range(1, 3001)))
        self.house.turn()
        answers = [f"! synced {number} {number}" for number in range(1, 3001)]
        self.assertEqual(caller.link.lines()[1:], answers)

    def test_what_is_not_logged(self) -> None:
        """A client is told which command there is not; the log is not, as it may be a secret."""
        caller = self.calls("alice")
        with Logged() as logged:
            caller.sends("/alice:secret\n")
            self.house.turn()
        self.assertEqual(
            caller.link.lines()[1:], ["! bad-line no command /alice:secret; /help lists them"]
        )
        self.assertEqual(
            logged.texts, ["alice sent a line that was refused: bad-line no such command"]
        )

    def test_last_line_needs_no_end(self) -> None:
        """A client that half-closes has ended its last line, and leaves when it is answered."""
        caller = self.calls("alice")
        caller.sends("alice: hi")
        caller.half_closes()
        self.house.turn()
        self.assertEqual(caller.link.lines()[1:], ["from alice: hi", "! bye 1"])

    def test_lines_of_a_lost_connection(self) -> None:
        """Lines read before the connection broke are taken in, even if they had to wait."""
        bob, alice = self.calls("bob"), self.calls("alice")
        alice.reader.pauseProducing()
        alice.sends("bob: 1\nbob: 2\n")
        alice.is_gone()
        self.house.turn()
        self.assertEqual(bob.link.messages(), ["from alice: 1", "from alice: 2"])

    def test_answers_to_a_lost_connection(self) -> None:
        """Nobody who is gone is answered, however many lines were still to be looked at."""
        alice = self.calls("alice")
        alice.reader.pauseProducing()
        alice.sends("a\n" * 2**16)
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        alice.is_gone()
        _, peak = tracemalloc.get_traced_memory()
        self.assertLess(peak, 2**20)

    def test_others_have_their_turn_while_a_lost_connection_is_worked_off(self) -> None:
        """Lines that came before a connection broke are taken in, all of them, a slice a turn."""
        bob, alice = self.calls("bob"), self.calls("alice")
        alice.reader.pauseProducing()
        alice.sends("bob: hi\nalice: hi\n" * 600)
        alice.is_gone()
        taken = self.house.each_turn(lambda: self.house.broker.balance().accepted)
        self.assertEqual(taken[-1], 1200)
        self.assertLessEqual(max(steps(taken)), 500)
        self.assertEqual(len(bob.link.messages()), 600)

    def _come_again(self, *lines: str) -> Caller:
        """Come once more as alice, and say these lines."""
        caller = Caller(self.factory, self.links)
        caller.sends("".join(f"{line}\n" for line in ("alice", *lines)))
        return caller

    def test_name_of_a_lost_connection(self) -> None:
        """A name is free when its connection has broken, and what it says then comes last, however
        often that happens.
        """
        bob, alice = self.calls("bob"), self.calls("alice")
        alice.reader.pauseProducing()
        alice.sends("bob: old\nnonsense\n" * 600)
        alice.is_gone()
        again = self._come_again(*["bob: newer", "nonsense"] * 600)
        again.is_gone()
        last = self._come_again("bob: newest", "/who")
        self.house.turn()
        self.assertEqual(
            bob.link.messages(),
            [
                f"from alice: {text}"
                for text, times in (("old", 600), ("newer", 600), ("newest", 1))
                for _ in range(times)
            ],
        )
        self.assertEqual(last.link.lines()[:2], ["! welcome alice", "! who alice, bob"])

    def test_stop_while_a_lost_connection_is_worked_off(self) -> None:
        """A stop takes in what a lost connection has left, too, unless it is cut short."""
        for cut in (False, True):
            self.setUp()
            bob, alice = self.calls("bob"), self.calls("alice")
            alice.reader.pauseProducing()
            alice.sends("bob: hi\nalice: hi\n" * 600)
            alice.is_gone()
            stopped = self.factory.stop_reading()
            if cut:
                self.factory.cut()
            else:
                self.house.turn()
            self.successResultOf(stopped)
            drained = self.house.broker.stopService()
            if cut:
                self.house.broker.cut()
            self.house.turn()
            self.successResultOf(drained)
            bob.is_gone()
            self.successResultOf(self.factory.empty())
            self.assertEqual(len(bob.link.messages()), 0 if cut else 600)

    def test_invariant_1_reader_does_not_write(self) -> None:
        """After login the reader neither writes to the transport nor closes it."""
        caller = self.calls("alice")
        caller.sends("alice: hi\n/ping\nnonsense\n/quit\n")
        caller.half_closes()
        self.assertEqual(caller.transport.value(), b"")
        self.assertFalse(caller.transport.disconnecting)

    def test_paused_reader_takes_no_line(self) -> None:
        """A pause takes effect behind the line that caused it, and what waits comes in order."""
        bob, alice = self.calls("bob"), self.calls("alice")
        bob.link.block()
        alice.sends("".join(f"bob: {number} {'x' * 60}\n" for number in range(50)))
        self.assertTrue(alice.reader.paused)
        self.assertEqual(alice.transport.producerState, "paused")
        self.house.turn()
        self.assertLess(self.house.broker.balance().accepted, 50)
        bob.link.unblock()
        self.house.turn()
        self.assertEqual(alice.transport.producerState, "producing")
        self.assertEqual(
            [line.split()[2] for line in bob.link.messages()], [str(n) for n in range(50)]
        )

    def test_own_recipient(self) -> None:
        """A client that floods itself is paced like anybody else, and gets every line in order."""
        alice = self.calls("alice")
        alice.sends("".join(f"alice: {number} {'x' * 60}\n" for number in range(50)))
        self.house.turn()
        self.assertEqual(
            [line.split()[2] for line in alice.link.messages()], [str(n) for n in range(50)]
        )


class StopTests(ReaderTestCase):
    """The readers' part of a stop."""

    def test_nameless_are_closed(self) -> None:
        """A client without a name within a second is closed, and holds nothing up for longer."""
        caller = self.calls()
        stopped = self.factory.stop_reading()
        self.house.clock.advance(LAST_CALL - 0.1)
        self.assertNoResult(stopped)
        self.house.clock.advance(0.1)
        self.successResultOf(stopped)
        self.assertTrue(caller.link.finished)
        self.assertEqual(caller.link.received, b"")
        self.assertEqual(self.house.clock.getDelayedCalls(), [])

    def test_who_connected_before_a_reload(self) -> None:
        """Nor does who was to have another time for it, before other terms were asked for."""
        before = self.calls()
        self.factory.expect(Terms(login_timeout=20.0))
        after = self.calls()
        stopped = self.factory.stop_reading()
        self.house.clock.advance(LAST_CALL)
        self.successResultOf(stopped)
        self.assertTrue(before.link.finished and after.link.finished)

    def test_who_has_just_connected_is_let_in(self) -> None:
        """A name that is on its way when the stop begins is welcomed, with the lines behind it."""
        caller = self.calls()
        stopped = self.factory.stop_reading()
        caller.sends("alice\nalice: hi\n")
        self.successResultOf(stopped)
        caller.sends("alice: late\n")
        self.house.turn()
        self.house.broker.stopService()
        self.assertEqual(caller.link.lines(), ["! welcome alice", "from alice: hi", "! bye 1"])

    def test_nameless_are_cut_short(self) -> None:
        """When nobody is waited for any more, who has no name is closed at once."""
        caller = self.calls()
        stopped = self.factory.stop_reading()
        self.factory.cut()
        self.successResultOf(stopped)
        self.assertTrue(caller.link.finished)
        self.assertEqual(self.house.clock.getDelayedCalls(), [])

    def test_late_comers_are_not_let_in(self) -> None:
        """A client that comes while the server stops is not let in."""
        self.factory.stop_reading()
        self.assertIsNone(self.factory.buildProtocol(None))

    def test_takes_in_what_the_kernel_holds(self) -> None:
        """Lines that had been sent by the moment of the stop are taken in, later ones are not."""
        caller = self.calls("alice")
        caller.link.input_to_come = Deferred()
        stopped = self.factory.stop_reading()
        caller.sends("alice: in time\n")
        self.assertNoResult(stopped)
        caller.link.input_to_come.callback(None)
        self.successResultOf(stopped)
        caller.sends("alice: late\n")
        self.house.turn()
        self.house.broker.stopService()
        self.assertEqual(caller.link.lines()[1:], ["from alice: in time", "! bye 1"])

    def test_half_a_line_is_not_taken_in(self) -> None:
        """A line that is not complete at the stop does not count: its sender has it still."""
        caller = self.calls("alice")
        caller.sends("alice: whole\nalice: ha")
        self.successResultOf(self.factory.stop_reading())
        self.successResultOf(self.house.broker.stopService())
        self.assertEqual(caller.link.lines()[1:], ["from alice: whole", "! bye 1"])

    def test_waits_for_held_lines(self) -> None:
        """Lines that wait for a slow recipient are taken in before the stop goes on."""
        bob, alice = self.calls("bob"), self.calls("alice")
        bob.link.block()
        alice.sends("".join(f"bob: {number} {'x' * 60}\n" for number in range(20)))
        stopped = self.factory.stop_reading()
        self.assertNoResult(stopped)
        bob.link.unblock()
        self.house.turn()
        self.successResultOf(stopped)
        self.assertEqual(self.house.broker.balance().accepted, 20)

    def test_cut_short(self) -> None:
        """Readers that are cut short stop where they are: the bye says where that was."""
        bob, alice = self.calls("bob"), self.calls("alice")
        bob.link.block()
        alice.sends("".join(f"bob: {number} {'x' * 60}\n" for number in range(20)))
        self.house.turn()
        stopped = self.factory.stop_reading()
        self.factory.cut()
        self.successResultOf(stopped)
        taken = self.house.broker.balance().accepted
        self.house.broker.stopService()
        self.assertEqual(alice.link.lines()[-1], f"! bye {taken}")
        self.assertLess(taken, 20)

    def test_who_does_not_read_its_answers_holds_nothing_up(self) -> None:
        """A client that is not read because it does not read stops at once."""
        alice = self.calls("alice")
        alice.link.block()
        alice.link.input_to_come = Deferred()
        for _ in range(2000):
            alice.sends("/help\n")
        self.successResultOf(self.factory.stop_reading())

    def test_connection_that_breaks_holds_nothing_up(self) -> None:
        """A connection that breaks while its last lines are awaited has stopped."""
        alice = self.calls("alice")
        alice.link.input_to_come = Deferred()
        stopped = self.factory.stop_reading()
        alice.is_gone()
        self.house.turn()
        self.successResultOf(stopped)

    def test_empty(self) -> None:
        """The factory knows when the last connection is gone."""
        alice = self.calls("alice")
        empty = self.factory.empty()
        self.assertNoResult(empty)
        alice.is_gone()
        self.house.turn()
        self.successResultOf(empty)

    def test_abort(self) -> None:
        """Everybody can be closed at once, named or not."""
        callers = [self.calls("alice"), self.calls()]
        self.factory.abort()
        self.assertEqual([caller.link.aborted for caller in callers], [True, True])


class LimitTests(ReaderTestCase):
    """The limits on a client that counts as another machine's."""

    def setUp(self) -> None:
        super().setUp()
        self.limits.limit_local = True
        self.limits.connections_per_host = 2
        self.house = House(limits=self.limits)
        self.factory = self._factory(self.house.clock)
        self.origins = iter([HOST, HOST, HOST, "203.0.113.8"])

    def _make_link(self, _transport: ITransport, _clock: IReactorTime) -> FakeLink:
        link = super()._make_link(_transport, _clock)
        link.origin = next(self.origins)
        return link

    def test_too_many_connections(self) -> None:
        """A connection too many is told so and closed, before it says anything; others are not."""
        first, _, third = self.calls("alice"), self.calls("bob"), self.calls()
        self.assertEqual(third.link.lines(), [f"! busy too many connections from {HOST}"])
        self.assertTrue(third.link.finished)
        third.sends("carol\n")
        self.assertEqual(self.house.names(), ["alice", "bob"])
        self.assertEqual(self.calls("dora").link.lines(), ["! welcome dora"])
        self.assertFalse(first.link.finished)

    def test_who_is_gone_does_not_count(self) -> None:
        """When one has gone another may come, whether or not it was let in."""
        self.origins = iter([HOST] * 4)
        callers = [self.calls(), self.calls("bob"), self.calls()]
        callers[2].is_gone()
        callers[0].is_gone()
        self.assertEqual(self.calls("dora").link.lines(), ["! welcome dora"])

    def test_flood(self) -> None:
        """A flood is closed without a word, so that nothing is kept for it."""
        self.limits.connections = 1
        self.limits.connections_per_host = 0
        self.origins = repeat(HOST)
        callers = [self.calls() for _ in range(200)]
        self.assertTrue(callers[128].link.finished)
        self.assertTrue(callers[129].link.aborted)
        self.assertEqual(callers[129].link.received, b"")
        for caller in callers:
            caller.is_gone()
        self.house.clock.advance(60)
        self.assertEqual(self.house.clock.getDelayedCalls(), [])

    def test_behind_a_proxy(self) -> None:
        """A client behind a proxy counts from the moment at which its address is known."""
        self.origins = repeat("")
        callers = [self.calls() for _ in range(4)]
        for caller in callers[:3]:
            caller.link.origin = HOST
        for caller, name in zip(callers[:3], ("alice", "bob", "carol"), strict=True):
            caller.sends(f"{name}\n{name}: hi\n")
        self.house.turn()
        self.assertEqual(self.house.names(), ["alice", "bob"])
        self.assertIn("from bob: hi", callers[1].link.lines())
        self.assertEqual(callers[2].link.lines(), [f"! busy too many connections from {HOST}"])
        for caller in callers:
            caller.is_gone()
        self.assertEqual(self.calls().link.lines(), [])

    def test_too_fast(self) -> None:
        """A client that sends too fast is told once, and read at that pace; no line is dropped."""
        alice = self.calls("alice")
        alice.sends("alice: hi\n" * 60)
        alice.sends("alice: late\n" * 60)
        self.house.turn()
        lines = alice.link.lines()
        self.assertEqual(lines.count("from alice: late"), 0)
        self.assertEqual(lines[-2:], ["from alice: hi", "! slow-down 10"])
        self.house.clock.advance(1.0)
        self.assertNotIn("from alice: late", alice.link.lines())
        self.house.clock.pump([0.1] * 5)
        self.assertEqual(alice.link.lines().count("from alice: late"), 60)
        self.assertEqual(alice.link.lines().count("! slow-down 10"), 1)

    def test_line_by_line(self) -> None:
        """A client that sends line by line is slowed down when it has sent too much, not before."""
        alice = self.calls("alice")
        for _ in range(50):
            alice.sends("alice: hi\n")
        self.assertFalse(alice.reader.paused)
        alice.sends("alice: hi\n")
        self.assertTrue(alice.reader.paused)
        self.house.turn()
        self.assertEqual(alice.link.lines()[-2:], ["from alice: hi", "! slow-down 10"])

    def test_refused_lines_count(self) -> None:
        """Lines that are refused count as well, and those of a run each for itself."""
        alice = self.calls("alice")
        alice.sends("nonsense\n" * 51)
        self.house.turn()
        self.assertEqual(alice.link.lines()[-1], "! slow-down 10")

    def test_stop(self) -> None:
        """A stop does not wait for who has to slow down; the bye says what was taken in."""
        alice = self.calls("alice")
        alice.sends("alice: hi\n" * 60)
        alice.sends("alice: late\n" * 60)
        self.successResultOf(self.factory.stop_reading())
        self.successResultOf(self.house.broker.stopService())
        self.assertEqual(alice.link.lines()[-1], "! bye 60")

    def test_last_lines(self) -> None:
        """All that the kernel holds when the stop begins is taken in at once."""
        alice = self.calls("alice")
        alice.link.input_to_come = Deferred()
        stopped = self.factory.stop_reading()
        alice.sends("alice: hi\n" * 60)
        alice.sends("alice: late\n" * 60)
        alice.link.input_to_come.callback(None)
        self.successResultOf(stopped)
        self.successResultOf(self.house.broker.stopService())
        self.assertEqual(alice.link.lines()[-1], "! bye 120")

    def test_breaks_off_when_too_fast(self) -> None:
        """A client that sent too much, and breaks off, has no more taken in than it might send."""
        alice = self.calls("alice")
        alice.reader.pauseProducing()
        alice.sends("nonsense\n" * 1000)
        with Logged() as logged:
            alice.is_gone()
            self.house.turn()
        self.assertIn("alice left; lines taken in: 51, handed back: 0", logged.texts)

    def test_leaves_while_slowed_down(self) -> None:
        """A client that goes meanwhile leaves no timer behind."""
        alice = self.calls("alice")
        alice.sends("alice: hi\n" * 60)
        self.house.turn()
        alice.is_gone()
        self.house.turn()
        self.factory.stop_reading()
        self.house.broker.stopService()
        self.assertEqual(self.house.clock.getDelayedCalls(), [])

    def test_this_machine(self) -> None:
        """This machine's own clients are not slowed down, unless that is asked for."""
        self.limits.limit_local = False
        alice = self.calls("alice")
        alice.sends("alice: hi\n" * 1000)
        self.house.turn()
        self.assertEqual(alice.link.lines().count("from alice: hi"), 1000)

    def test_recipients(self) -> None:
        """A line for too many names is refused, alone or in a run."""
        alice = self.calls("alice")
        names = ",".join(["alice"] * (wire.MAX_RECIPIENTS + 1))
        self.assertRaises(wire.BadLine, wire.parse_line, f"{names}: hi")
        alice.sends("a,b,c,d: hi\n" * 2)
        self.house.turn()
        self.assertEqual(alice.link.lines().count("! bad-line more than 3 recipients"), 2)
