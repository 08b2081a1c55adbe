"""The mail clock: what is believed of the time in which no server ran."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.mailbox.mail_clock import MailClock, Standing

DAY = 86_400.0
AGE = 30 * DAY
TENTH = 3 * DAY

STARTS: list[tuple[str, Standing | None, float | None, float, float]] = [
    ("a new file", None, None, 1000.0, 1000.0),
    ("a short pause", Standing(500.0, 500.0), 450.0, 505.0, 505.0),
    ("a clock that was wrong all the time", Standing(500.0, 9000.0), 450.0, 9005.0, 505.0),
    ("a clock that was set back meanwhile", Standing(500.0, 9000.0), 450.0, 0.0, 500.0),
    ("a clock that was set forward meanwhile", Standing(500.0, 500.0), 450.0, 1e9, 500.0 + TENTH),
    ("a file from before there was such a clock", None, 1000.0, 1005.0, 1005.0),
    ("such a file, unused for long", None, 1000.0, 1e9, 1000.0 + TENTH),
    ("such a file with mail from the future", None, 1e9, 1000.0, 1000.0),
]
"""The last standing, the newest stamp, the wall clock's time, and the start."""


class MailClockTests(SynchronousTestCase):
    """L{MailClock}."""

    def setUp(self) -> None:
        self.running, self.wall = Clock(), Clock()
        self.running.advance(77.0)
        self.clock = MailClock(self.running, self.wall.seconds)

    def test_start(self) -> None:
        """It starts where it stood, and a tenth of the age later at most."""
        for what, last, newest, wall, start in STARTS:
            self.wall.rightNow = wall
            self.clock.start(last, newest, AGE)
            self.assertEqual(self.clock.now(), start, what)

    def test_running_time(self) -> None:
        """It goes on by running time, whatever the wall clock does."""
        self.clock.start(Standing(500.0, 0.0), None, AGE)
        for step in (31 * DAY, -400 * DAY, 0.0):
            self.wall.advance(step)
            self.running.advance(10.0)
        self.assertEqual(self.clock.now(), 530.0)
        self.assertEqual(self.clock.standing(), Standing(530.0, -369 * DAY))
