"""The service: its start, and the six steps of its stop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from signal import SIGHUP, SIGTERM

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime, ITransport
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from achat_twisted.broker.broker import Broker
from achat_twisted.broker.writer import HURRY
from achat_twisted.limits.admission import Admission
from achat_twisted.limits.limits import Limits
from achat_twisted.mailbox.interfaces import IMailbox
from achat_twisted.mailbox.memory import MemoryMailbox
from achat_twisted.operator.outcome import Outcome
from achat_twisted.reader.factory import ChatFactory
from achat_twisted.reader.terms import Terms
from achat_twisted.server.interfaces import INotifier, ISignals
from achat_twisted.server.options import Options
from achat_twisted.server.reload import Reloader
from achat_twisted.server.service import LAST_RESORT, ChatService, Phase
from tests.fakes import Bug, FakeLink
from tests.logged import Logged
from tests.reader.test_lines import Caller


class Door(Service):
    """A listener whose port takes a while to close."""

    def __init__(self) -> None:
        self.closed: Deferred[None] = Deferred()

    def stopService(self) -> Deferred[None]:
        return self.closed


class Attendant(Service):
    """Somebody who stands by, and remembers when it was sent away."""

    sent_away = False

    def stopService(self) -> None:
        self.sent_away = True


@implementer(ISignals)
class Signals:
    """Signals that a test can send.

    @ivar send: each that is expected, by its number.
    """

    def __init__(self) -> None:
        self.send: dict[int, Callable[[], object]] = {}

    def ignore_strays(self) -> None:
        """There are none."""

    def on(self, number: int, call: Callable[[], object]) -> None:
        self.send[number] = call


class Reloads(Reloader):
    """A reload that a test can count, and make fail."""

    count = 0
    error: Exception | None = None

    def __init__(self) -> None:
        super().__init__(Options({}))

    def reload(self) -> Outcome:
        self.count += 1
        if self.error is not None:
            raise self.error
        return Outcome()


@implementer(INotifier)
class Notifier:
    """Remembers what it was told, and in which phase the server was then."""

    def __init__(self, phase: Callable[[], Phase]) -> None:
        self.told: list[tuple[str, Phase]] = []
        self.patience = 0.0
        self._phase = phase

    def ready(self) -> None:
        self.told.append(("ready", self._phase()))

    def reloading(self) -> None:
        self.told.append(("reloading", self._phase()))

    def stopping(self, patience: float) -> None:
        self.told.append(("stopping", self._phase()))
        self.patience = patience

    def stopped(self) -> None:
        self.told.append(("stopped", self._phase()))


@implementer(IMailbox)
class SlowToClose(MemoryMailbox):
    """A mailbox that takes a while to close."""

    closing: Deferred[None] | None = None

    def close(self) -> Deferred[None]:
        self.closing = Deferred()
        return self.closing


@implementer(IMailbox)
class Leaky(MemoryMailbox):
    """A mailbox that loses what is handed back."""

    def hand_back(
        self, name: str, lines: Sequence[bytes], ages: Sequence[float] | None = None
    ) -> None:
        """Lose it."""


@implementer(IMailbox)
class Hopeless(MemoryMailbox):
    """A mailbox that loses at the end what it has kept."""

    is_closed = False

    def copies(self) -> int:
        return 0 if self.is_closed else super().copies()

    def close(self) -> Deferred[None]:
        self.is_closed = True
        return super().close()


class ServiceTests(SynchronousTestCase):
    """L{ChatService}."""

    def setUp(self) -> None:
        self.build(MemoryMailbox(Clock()))

    def build(self, mailbox: IMailbox) -> None:
        self.clock = Clock()
        self.links: list[FakeLink] = []
        self.door, self.signals, self.mailbox = Door(), Signals(), mailbox
        self.attendant = Attendant()
        self.notifier = Notifier(lambda: self.service.phase)
        self.reloads = Reloads()
        self.broker = Broker(self.clock, mailbox, outbox_limit=1000)
        self.factory = ChatFactory(
            self.broker,
            self.clock,
            Terms(),
            Admission(self.clock, Limits()),
            make_link=self._make_link,
        )
        self.service = ChatService(
            [self.door],
            self.factory,
            self.broker,
            mailbox,
            clock=self.clock,
            signals=self.signals,
            notifier=self.notifier,
            reloader=self.reloads,
            grace=10.0,
            attendants=[self.attendant],
        )
        self.assertIs(self.service.phase, Phase.STARTING)
        self.service.startService()

    def _make_link(self, _transport: ITransport, _clock: IReactorTime) -> FakeLink:
        self.links.append(FakeLink("a caller"))
        return self.links[-1]

    def _calls(self, name: str) -> Caller:
        caller = Caller(self.factory, self.links)
        caller.sends(f"{name}\n")
        self.clock.advance(0)
        return caller

    def test_stop_in_flow_order(self) -> None:
        """Ports, then readers, then writers, then connections, then the mailbox: each waits."""
        self.build(mailbox := SlowToClose(Clock()))
        alice, bob = self._calls("alice"), self._calls("bob")
        alice.link.input_to_come = Deferred()
        bob.link.block()
        stopped = self.service.stopService()
        alice.sends("bob: while the port closes\n")
        self.door.closed.callback(None)
        self.assertIsNone(self.factory.buildProtocol(None))
        alice.sends("bob: still in the kernel\n")
        self.assertFalse(alice.link.finished)
        alice.link.input_to_come.callback(None)
        self.assertTrue(alice.link.finished)
        alice.is_gone()
        bob.link.unblock()
        self.assertEqual(
            bob.link.lines()[1:],
            ["from alice: while the port closes", "from alice: still in the kernel", "! bye 0"],
        )
        self.assertIsNone(mailbox.closing)
        bob.is_gone()
        self.assertNoResult(stopped)
        assert mailbox.closing is not None
        mailbox.closing.callback(None)
        self.successResultOf(stopped)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_attendants_stay_to_the_end(self) -> None:
        """A watcher sees the stop from its first moment to its last."""
        self.build(mailbox := SlowToClose(Clock()))
        self.assertIs(self.service.phase, Phase.READY)
        stopped = self.service.stopService()
        self.assertIs(self.service.phase, Phase.STOPPING)
        self.door.closed.callback(None)
        assert mailbox.closing is not None
        self.assertFalse(self.attendant.sent_away)
        mailbox.closing.callback(None)
        self.successResultOf(stopped)
        self.assertTrue(self.attendant.sent_away)

    def _stop_with_stuck_client(self) -> tuple[Deferred[None], Caller]:
        bob = self._calls("bob")
        bob.link.block()
        bob.sends("bob: to myself\n")
        stopped = self.service.stopService()
        self.door.closed.callback(None)
        return stopped, bob

    def test_grace_ends(self) -> None:
        """After the grace period slow clients are closed, and soon aborted: the rest is kept."""
        stopped, bob = self._stop_with_stuck_client()
        self.clock.advance(9.9)
        self.assertFalse(bob.link.finished)
        self.clock.advance(0.1)
        self.assertEqual((bob.link.finished, bob.link.aborted), (True, False))
        self.clock.advance(HURRY)
        self.assertTrue(bob.link.aborted)
        bob.reader.connectionLost()
        self.successResultOf(stopped)
        self.assertEqual(self.mailbox.count("bob"), 1)

    def test_new_grace(self) -> None:
        """A grace period that was changed holds for the stop that comes."""
        self.service.set_grace(1.0)
        stopped, bob = self._stop_with_stuck_client()
        self.clock.advance(1)
        self.assertTrue(bob.link.finished)
        self.clock.advance(HURRY)
        bob.reader.connectionLost()
        self.successResultOf(stopped)

    def test_second_signal(self) -> None:
        """A second signal ends the grace period at once, and a third one changes nothing."""
        stopped, bob = self._stop_with_stuck_client()
        self.signals.send[SIGTERM]()
        self.signals.send[SIGTERM]()
        self.assertEqual((bob.link.finished, bob.link.aborted), (True, False))
        self.clock.advance(HURRY)
        self.assertTrue(bob.link.aborted)
        bob.reader.connectionLost()
        self.successResultOf(stopped)

    def test_stop_ends_whatever_happens(self) -> None:
        """A connection that not even an abort can end does not hold the stop up for ever."""
        stopped, bob = self._stop_with_stuck_client()
        bob.link.unstoppable = True
        self.clock.advance(10)
        self.clock.advance(HURRY)
        self.assertNoResult(stopped)
        self.clock.advance(LAST_RESORT)
        self.successResultOf(stopped)
        self.assertEqual(self.mailbox.count("bob"), 1)

    def test_port_that_does_not_close(self) -> None:
        """A port that fails to close is an error in the log, and the stop goes on."""
        stopped = self.service.stopService()
        self.door.closed.errback(OSError("busy"))
        self.successResultOf(stopped)
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)

    def test_readers_may_use_half_of_the_grace(self) -> None:
        """A reader that never gets its last input leaves half of the grace to the writers."""
        alice = self._calls("alice")
        alice.link.input_to_come = Deferred()
        self.service.stopService()
        self.door.closed.callback(None)
        self.clock.advance(4.9)
        self.assertFalse(alice.link.finished)
        self.clock.advance(0.1)
        self.assertTrue(alice.link.finished)

    def test_ledger_is_logged(self) -> None:
        """The stop ends with the ledger in the log."""
        stopped, bob = self._stop_with_stuck_client()
        with Logged() as logged:
            self.signals.send[SIGTERM]()
            self.clock.advance(HURRY)
            bob.reader.connectionLost()
        self.successResultOf(stopped)
        self.assertEqual(
            logged.texts[-1],
            "stopped; accepted 1 + inherited 0 = delivered 0 + kept 1 + refused 0 + expired 0"
            " + in flight 0",
        )

    def test_imbalance_is_an_error(self) -> None:
        """If lines are missing at the end, that is an error in the log."""
        self.build(Leaky(Clock()))
        stopped, bob = self._stop_with_stuck_client()
        with Logged() as logged:
            self.signals.send[SIGTERM]()
            self.clock.advance(HURRY)
            bob.reader.connectionLost()
        self.successResultOf(stopped)
        self.assertIn("the ledger does not balance", logged.texts[-1])

    def test_lost_at_the_end(self) -> None:
        """A line that was kept, and that the mailbox loses at the end, does not balance either."""
        self.build(Hopeless(Clock()))
        stopped, bob = self._stop_with_stuck_client()
        with Logged() as logged:
            self.signals.send[SIGTERM]()
            self.clock.advance(HURRY)
            bob.reader.connectionLost()
        self.successResultOf(stopped)
        self.assertIn("the ledger does not balance", logged.texts[-1])

    def test_notifier(self) -> None:
        """The notifier hears of the start when the reactor runs, and of the stop."""
        self.assertEqual(self.notifier.told, [])
        self.clock.advance(0)
        self.assertEqual(self.notifier.told, [("ready", Phase.READY)])
        stopped = self.service.stopService()
        self.assertEqual(self.notifier.told[1:], [("stopping", Phase.STOPPING)])
        self.assertGreater(self.notifier.patience, 10.0 + HURRY + LAST_RESORT)
        self.door.closed.callback(None)
        self.successResultOf(stopped)
        self.assertEqual(self.notifier.told[2:], [("stopped", Phase.STOPPING)])

    def test_stop_at_once(self) -> None:
        """A server that stops before its first turn has never been ready."""
        stopped = self.service.stopService()
        self.door.closed.callback(None)
        self.clock.advance(0)
        self.successResultOf(stopped)
        self.assertNotIn("ready", [word for word, _ in self.notifier.told])

    def test_stop_with_nobody_there(self) -> None:
        """A server without clients stops as soon as its ports are closed."""
        stopped = self.service.stopService()
        self.door.closed.callback(None)
        self.successResultOf(stopped)

    def test_hangup(self) -> None:
        """A hangup is a reload, of which the manager hears, unless the server stops."""
        self.signals.send[SIGHUP]()
        self.assertEqual(self.reloads.count, 1)
        self.assertEqual([word for word, _ in self.notifier.told], ["reloading", "ready"])
        self.service.stopService()
        self.signals.send[SIGHUP]()
        self.assertEqual(self.reloads.count, 1)
        self.assertEqual(self.service.reload().error, "not reloaded: the server is stopping")

    def test_failed_reload(self) -> None:
        """A reload that fails by our own fault is over for the manager all the same."""
        self.reloads.error = Bug("reload")
        self.assertRaises(Bug, self.signals.send[SIGHUP])
        self.assertEqual([word for word, _ in self.notifier.told], ["reloading", "ready"])
