"""The messages that systemd gets, and their moments."""

from __future__ import annotations

import os
from operator import sub

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.server.systemd import EVERY, NoNotifier, SystemdNotifier, from_environment
from achat_twisted.tools.clock import SteadyClock
from tests.logged import Logged

MORE_TIME = "EXTEND_TIMEOUT_USEC=10000000"


class NotifierTests(SynchronousTestCase):
    """L{SystemdNotifier}."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.sent: list[str] = []
        self.status = "ready: 0 sessions"
        self.is_broken = False
        self.build()

    def build(self, watchdog: float | None = None) -> None:
        self.notifier = SystemdNotifier(
            self._send, lambda: self.status, self.clock, watchdog=watchdog, monotonic=lambda: 2.5
        )

    def _send(self, message: bytes) -> None:
        if self.is_broken:
            raise OSError("nobody there")
        self.sent.append(message.decode())

    def test_ready(self) -> None:
        """When everybody is let in systemd hears that, with the server's status."""
        self.notifier.ready()
        self.assertEqual(self.sent, ["READY=1\nSTATUS=ready: 0 sessions"])

    def test_status(self) -> None:
        """The server's status is told again when it has changed, and not otherwise."""
        self.notifier.ready()
        self.clock.pump([EVERY] * 3)
        self.assertEqual(len(self.sent), 1)
        self.status = "ready: 1 sessions"
        self.clock.pump([EVERY] * 3)
        self.assertEqual(self.sent[1:], ["STATUS=ready: 1 sessions"])

    def test_watchdog(self) -> None:
        """The watchdog hears of a living reactor four times as often as it wants to, or more."""
        for watchdog, wait in ((3.0, 0.75), (30.0, EVERY)):
            self.sent.clear()
            self.build(watchdog)
            self.assertEqual(self.clock.getDelayedCalls(), [])
            self.notifier.ready()
            self.clock.pump([wait] * 2)
            self.assertEqual(self.sent[1:], ["WATCHDOG=1"] * 2)
            self.notifier.stopped()

    def test_watchdog_and_news(self) -> None:
        """News comes with the watchdog's answer, in one message."""
        self.build(watchdog=4.0)
        self.notifier.ready()
        self.status = "ready: 1 sessions"
        self.clock.advance(1.0)
        self.assertEqual(self.sent[1:], ["STATUS=ready: 1 sessions\nWATCHDOG=1"])

    def test_suspension(self) -> None:
        """A suspension for less than three quarters of its time does not alarm the watchdog."""
        now = 0.0
        steady = SteadyClock(lambda: now, cpu=lambda: 0.0)
        self.build(watchdog=4.0)
        self.notifier.ready()
        answers: list[float] = []
        while now < 20:
            now = round(now + 0.25, 2)
            if now == 8.25:  # just after an answer
                now += 2.6
            self.clock.advance(steady.seconds() - self.clock.seconds())
            answers += [now] * (self.sent.count("WATCHDOG=1") - len(answers))
        self.assertLess(max(map(sub, answers[1:], answers)), 4.0)

    def test_reload(self) -> None:
        """A reload has a beginning, with the time as systemd 253 wants it, and an end."""
        self.notifier.ready()
        self.notifier.reloading()
        self.notifier.ready()
        self.assertEqual(self.sent[1:], ["RELOADING=1\nMONOTONIC_USEC=2500000", "READY=1"])
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)

    def test_stop(self) -> None:
        """A stop asks for more time, again and again, but not for ever."""
        self.notifier.ready()
        self.status = "stopping: 1 sessions"
        self.notifier.stopping(3 * EVERY)
        self.assertEqual(self.sent[1:], [f"STOPPING=1\nSTATUS=stopping: 1 sessions\n{MORE_TIME}"])
        self.clock.pump([EVERY] * 10)
        self.assertEqual(self.sent[2:], [MORE_TIME] * 2)

    def test_stopped(self) -> None:
        """When all is over no timer is left."""
        self.build(watchdog=3.0)
        self.notifier.ready()
        self.notifier.stopping(60.0)
        self.notifier.stopped()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_stop_before_ready(self) -> None:
        """A server that stops before it was ready asks for time as well."""
        self.notifier.stopping(60.0)
        self.clock.advance(EVERY)
        self.assertEqual(self.sent[1:], [MORE_TIME])

    def test_nobody_listens(self) -> None:
        """A message that systemd refuses is one line in the log, and the next one is tried."""
        self.is_broken = True
        with Logged() as logged:
            self.notifier.ready()
            self.status = "ready: 1 sessions"
            self.clock.advance(EVERY)
        self.assertEqual(
            logged.texts,
            ["systemd cannot be told READY=1, STATUS=ready: 0 sessions: nobody there"],
        )
        self.is_broken, self.status = False, "ready: 2 sessions"
        self.clock.advance(EVERY)
        self.assertEqual(self.sent, ["READY=1\nSTATUS=ready: 2 sessions"])
        self.clock.advance(EVERY)
        self.assertEqual(len(self.sent), 1)

    def test_told_later(self) -> None:
        """A failed message is sent at the next look, even if the status has not changed since."""
        self.notifier.ready()
        self.is_broken, self.status = True, "ready: 1 sessions"
        self.clock.advance(EVERY)
        self.is_broken = False
        self.clock.advance(EVERY)
        self.assertEqual(self.sent[1:], ["STATUS=ready: 1 sessions"])
        self.is_broken = True
        self.notifier.stopping(60.0)
        self.is_broken = False
        self.clock.advance(EVERY)
        self.assertEqual(self.sent[2:], [f"STOPPING=1\nSTATUS=ready: 1 sessions\n{MORE_TIME}"])


class EnvironmentTests(SynchronousTestCase):
    """L{from_environment}."""

    def notifier(self, **environ: str) -> object:
        self.environ = {"HOME": "/", **environ}
        return from_environment(self.environ, lambda: "ready", Clock())

    def test_nobody_asks(self) -> None:
        """Without systemd there is nobody to tell, whatever else is said."""
        self.assertIsInstance(self.notifier(), NoNotifier)
        self.assertIsInstance(self.notifier(WATCHDOG_USEC="1000000"), NoNotifier)

    def test_not_inherited(self) -> None:
        """Child processes do not hear what systemd has asked of this one."""
        pid = str(os.getpid())
        notifier = self.notifier(
            NOTIFY_SOCKET="/no/such/socket", WATCHDOG_USEC="3000000", WATCHDOG_PID=pid
        )
        self.assertIsInstance(notifier, SystemdNotifier)
        self.assertEqual(self.environ, {"HOME": "/"})
