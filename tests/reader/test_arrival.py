"""Logins that the gate has to think about, as the reader sees them."""

from __future__ import annotations

from twisted.internet.defer import Deferred, fail, succeed
from twisted.logger import LogLevel, eventAsText
from twisted.python.failure import Failure
from zope.interface import implementer

from achat_twisted import wire
from achat_twisted.broker.takeover import Duplicate
from achat_twisted.login.interfaces import IGate
from achat_twisted.net.interfaces import ILink
from achat_twisted.reader.factory import LAST_CALL
from achat_twisted.server.log import as_json
from tests.fakes import Bug
from tests.house import House
from tests.logged import Logged
from tests.reader.test_lines import Caller, ReaderTestCase


@implementer(IGate)
class FakeGate:
    """A gate at which everybody waits until the test lets them in, or not.

    @ivar waiting: those who wait, by name; each is let in or refused once.
    @ivar greeted: the links that it has greeted.
    """

    def __init__(self) -> None:
        self.waiting: dict[str, Deferred[str]] = {}
        self.answers: dict[str, Deferred[str]] = {}
        self.greeted: list[ILink] = []

    def greet(self, link: ILink) -> None:
        self.greeted.append(link)

    def enter(self, login: wire.Login, link: ILink) -> Deferred[str]:
        answer = self.answers.get(login.name) or Deferred()
        self.waiting[login.name] = answer
        return answer

    def knows(self, name: str) -> bool:
        return False

    def lets_in(self, name: str) -> None:
        self.waiting.pop(name).callback(name)

    def denies(self, name: str) -> None:
        self.waiting.pop(name).errback(wire.denied("it is not"))


class EnteringTestCase(ReaderTestCase):
    """A factory with a gate."""

    def setUp(self) -> None:
        self.gate: FakeGate = FakeGate()
        super().setUp()

    def comes(self, name: str) -> Caller:
        """C{name} logs in, and is let in."""
        caller = self.calls(name)
        self.gate.lets_in(name)
        self.house.turn()
        return caller

    def leaves_nothing(self) -> None:
        self.assertEqual(self.house.clock.getDelayedCalls(), [])
        self.assertEqual(self.house.names(), [])
        self.assertEqual(self.flushLoggedErrors(), [])


class EnteringTests(EnteringTestCase):
    """A reader that waits for the gate."""

    def test_greeting(self) -> None:
        """The gate hears of each connection before anything has come."""
        caller = self.calls()
        self.assertEqual(self.gate.greeted, [caller.link])
        self.assertEqual(self.gate.waiting, {})

    def test_let_in(self) -> None:
        """Nothing is said and nobody is there until the gate lets it in."""
        caller = self.calls("alice")
        self.assertEqual(caller.link.received, b"")
        self.assertEqual(self.house.names(), [])
        self.gate.lets_in("alice")
        self.house.turn()
        self.assertEqual(caller.link.lines(), ["! welcome alice"])

    def test_name(self) -> None:
        """The name is the one that the gate says."""
        caller = self.calls("alice")
        self.gate.waiting.pop("alice").callback("bob")
        self.house.turn()
        self.assertEqual(caller.link.lines(), ["! welcome bob"])

    def test_lines_wait(self) -> None:
        """Lines that come before the answer wait, and are taken in behind it, in order."""
        caller = self.calls()
        caller.sends("alice\nalice: 1\nalice: 2\nnonsense\n")
        caller.sends("alice: 3\nali")
        caller.sends("ce: 4\n/sync\n")
        self.assertEqual(self.house.broker.balance().accepted, 0)
        self.gate.lets_in("alice")
        self.house.turn()
        self.assertEqual(
            caller.link.lines(),
            [
                "! welcome alice",
                "from alice: 1",
                "from alice: 2",
                "! bad-line no recipient; post with NAME: text",
                "from alice: 3",
                "from alice: 4",
                "! synced 6",
            ],
        )

    def test_not_read(self) -> None:
        """While it waits it is not read, and when it is let in it is."""
        caller = self.calls("alice")
        self.assertEqual(caller.transport.producerState, "paused")
        self.gate.lets_in("alice")
        self.house.turn()
        self.assertEqual(caller.transport.producerState, "producing")

    def test_at_once(self) -> None:
        """A gate that has its answer ready lets lines in the same chunk go on."""
        self.gate.answers["alice"] = succeed("alice")
        caller = self.calls()
        caller.sends("alice\nalice: 1\nalice: 2\n")
        self.house.turn()
        self.assertEqual(caller.link.lines(), ["! welcome alice", "from alice: 1", "from alice: 2"])

    def test_denied(self) -> None:
        """A client that is denied is told so, and closed; only the log knows why."""
        for answer in (None, fail(wire.denied("it is not"))):
            if answer is not None:
                self.gate.answers["alice"] = answer
            with Logged() as logged:
                caller = self.calls()
                caller.sends("alice:secret\nalice: 1\n")
                if answer is None:
                    self.gate.denies("alice")
            self.assertEqual(caller.link.lines(), ["! denied"])
            self.assertTrue(caller.link.finished)
            self.assertEqual(logged.texts, ["a caller was refused: denied: it is not"])
            self.leaves_nothing()

    def test_taken_meanwhile(self) -> None:
        """A client that is let in may still find that the name is taken."""
        first, second = self.calls("alice"), self.calls()
        waiting = self.gate.waiting.pop("alice")
        second.sends("alice\n")
        waiting.callback("alice")
        self.gate.lets_in("alice")
        self.house.turn()
        self.assertEqual(first.link.lines(), ["! welcome alice"])
        self.assertEqual(second.link.lines(), ["! name-taken alice"])
        self.assertTrue(second.link.finished)

    def test_no_login_timeout(self) -> None:
        """The name has come in time: the gate has a deadline of its own."""
        caller = self.calls("alice")
        self.house.clock.advance(1000)
        self.assertFalse(caller.link.finished)

    def test_half_close(self) -> None:
        """A client that ends its input before the answer has its lines taken in, and leaves."""
        caller = self.calls()
        caller.sends("alice\nalice: 1")
        caller.half_closes()
        self.gate.lets_in("alice")
        self.house.turn()
        self.assertEqual(caller.link.lines(), ["! welcome alice", "from alice: 1", "! bye 1"])

    def test_lost(self) -> None:
        """A client whose connection is lost before the answer is never let in."""
        caller = self.calls()
        caller.sends("alice\nalice: 1\n")
        with Logged() as logged:
            caller.is_gone()
        self.assertEqual(logged.texts, ["a caller left before it was let in"])
        self.assertTrue(self.gate.waiting["alice"].called)
        self.leaves_nothing()
        self.successResultOf(self.factory.empty())

    def test_stop(self) -> None:
        """A stop does not wait for the gate for long, and closes who waits there."""
        caller = self.calls("alice")
        stopped = self.factory.stop_reading()
        self.assertNoResult(stopped)
        self.house.clock.advance(LAST_CALL)
        self.successResultOf(stopped)
        self.assertTrue(caller.link.finished)
        self.assertTrue(self.gate.waiting["alice"].called)
        self.leaves_nothing()

    def test_let_in_at_the_last_moment(self) -> None:
        """A client that is let in before that is welcome, and hears of the end in order."""
        early, late = self.calls("alice"), self.calls()
        stopped = self.factory.stop_reading()
        late.sends("bob\nbob: hi\n")
        self.gate.lets_in("alice")
        self.house.clock.advance(LAST_CALL / 2)
        self.gate.lets_in("bob")
        self.house.turn()
        self.successResultOf(stopped)
        self.successResultOf(self.house.broker.stopService())
        self.assertEqual(early.link.lines(), ["! welcome alice", "! bye 0"])
        self.assertEqual(late.link.lines(), ["! welcome bob", "from bob: hi", "! bye 1"])

    def test_last_moment_is_one(self) -> None:
        """A client that says its name late has no longer at the gate than others."""
        caller = self.calls()
        stopped = self.factory.stop_reading()
        self.house.clock.advance(LAST_CALL / 2)
        caller.sends("alice\n")
        self.assertNoResult(stopped)
        self.house.clock.advance(LAST_CALL / 2)
        self.successResultOf(stopped)
        self.assertTrue(caller.link.finished)

    def test_abort(self) -> None:
        """An abort ends the wait at the gate as well."""
        caller = self.calls("alice")
        self.factory.abort()
        self.assertTrue(caller.link.aborted)
        self.assertTrue(self.gate.waiting["alice"].called)
        self.leaves_nothing()

    def test_bug(self) -> None:
        """A gate that breaks its contract costs the connection, and is an error in the log."""
        caller = self.calls("alice")
        with Logged() as logged:
            self.gate.waiting["alice"].errback(Failure(Bug()))
        self.assertEqual(logged.texts, ["a caller cannot be let in"])
        self.assertEqual(len(self.flushLoggedErrors(Bug)), 1)
        self.assertTrue(caller.link.aborted)


class OwnerTests(EnteringTestCase):
    """A name's mail is its owner's alone."""

    def setUp(self) -> None:
        super().setUp()
        self.house = House(duplicate=Duplicate.TAKEOVER)
        self.factory = self._factory(self.house.clock)

    def test_takeover(self) -> None:
        """A client that is let in takes the name over from any other that was."""
        first, second = self.comes("alice"), self.comes("alice")
        self.assertIn("! replaced", first.link.lines())
        self.assertEqual(second.link.lines(), ["! welcome alice"])

    def test_mail(self) -> None:
        """Kept mail goes to who has been let in, and to nobody who waits, or was denied."""
        self.comes("alice").sends("/quit\n")
        self.house.turn()
        self.links[-1].lose()
        bob = self.comes("bob")
        bob.sends("alice: for you alone\n")
        self.house.turn()
        thief = self.calls("alice")
        self.house.turn()
        self.gate.denies("alice")
        self.house.turn()
        self.assertEqual(thief.link.lines(), ["! denied"])
        self.assertEqual(
            self.comes("alice").link.lines(),
            ["! welcome alice", "! mail 1", "from bob: for you alone"],
        )

    def test_holder(self) -> None:
        """Nor does anybody lose its session to one who is denied in the end."""
        holder, bob = self.comes("alice"), self.comes("bob")
        thief = self.calls("alice")
        bob.sends("alice: 1\n")
        self.gate.denies("alice")
        bob.sends("alice: 2\n")
        self.house.turn()
        self.assertEqual(holder.link.lines()[1:], ["from bob: 1", "from bob: 2"])
        self.assertEqual(thief.link.lines(), ["! denied"])


SECRET = "correct-horse"


class Confused(FakeGate):
    """Has a bug, just where a secret is at hand."""

    def enter(self, login: wire.Login, link: ILink) -> Deferred[str]:
        secret = login.secret
        raise Bug(f"no idea, but it has {len(secret or '')} letters, and this is it: {login}")


class TraceTests(EnteringTestCase):
    """Secrets, and the traceback of a bug of ours."""

    def setUp(self) -> None:
        super().setUp()
        self.gate = Confused()
        self.factory = self._factory(self.house.clock)

    def test_traceback(self) -> None:
        """It says where it was, in every format; of the secret there is nothing."""
        caller = self.calls()
        try:
            caller.sends(f"alice:{SECRET}\nalice: and a line\n")
        except Bug:
            failure = Failure()
        for format_event in (eventAsText, as_json):
            text = format_event(
                {
                    "log_time": 0.0,
                    "log_level": LogLevel.critical,
                    "log_format": "it broke",
                    "log_failure": failure,
                }
            )
            self.assertIn("in enter", text)
            self.assertIn("13 letters", text)
            self.assertNotIn(SECRET, text)
