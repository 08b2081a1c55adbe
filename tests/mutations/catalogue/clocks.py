"""The clocks for waiting, for stamps, and for the age of mail."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_CLOCK = "achat_twisted/tools/clock.py"
_MAIL_CLOCK = "achat_twisted/mailbox/mail_clock.py"
_SQLITE = "achat_twisted/mailbox/sqlite.py"
_WALL = "tests.functional.test_clock.WallClockTests"
_AGE = "tests.mailbox.test_mailbox.AgeTests"

CLOCKS = (
    Mutation(
        "have the server wait by the wall clock",
        "achat_twisted/tap.py",
        "    wait_steadily(twistds)\n",
        "",
        f"{_WALL}.test_server",
    ),
    Mutation(
        "strike before what came in a suspension is read",
        _CLOCK,
        "if gap > SUSPENDED and",
        "if not gap and",
        "tests.functional.test_clock.SuspensionTests tests.tools.test_clock",
    ),
    Mutation(
        "take an idle process for one that was suspended",
        _CLOCK,
        "        reactor.callLater(BEAT, beat)\n",
        "        reactor.callLater(BEAT, lambda: None)\n",
        "tests.tools.test_clock",
    ),
    Mutation(
        "take a busy process for one that was suspended",
        _CLOCK,
        " and self._cpu() - self._busy < gap / 2",
        "",
        "tests.tools.test_clock",
    ),
    Mutation(
        "take one that was busy before for one that is busy",
        _CLOCK,
        "        steady.beat()\n",
        "",
        "tests.tools.test_clock",
    ),
    Mutation(
        "let time stand still in a process that gets none",
        _CLOCK,
        "gap - COUNTED",
        "gap",
        "tests.tools.test_clock",
    ),
    Mutation(
        "say since when somebody is here by a clock that nobody has",
        "achat_twisted/broker/maker.py",
        "allowance, now = self._allowance(outlet), wall()",
        "allowance, now = self._allowance(outlet), self._clock.seconds()",
        "tests.operator.test_admin",
    ),
    Mutation(
        "let mail age by all of the time between two servers",
        _MAIL_CLOCK,
        "min(max(0.0, wall - last.wall), age * DOWNTIME)",
        "max(0.0, wall - last.wall)",
        f"tests.mailbox.test_mail_clock {_AGE}",
    ),
    Mutation(
        "let mail grow younger between two servers",
        _MAIL_CLOCK,
        "max(0.0, wall - last.wall)",
        "wall - last.wall",
        f"tests.mailbox.test_mail_clock {_AGE}",
    ),
    Mutation(
        "take a step of the wall clock for time between two servers",
        _MAIL_CLOCK,
        "wall - last.wall)",
        "wall - last.mail)",
        f"tests.mailbox.test_mail_clock {_AGE}",
    ),
    Mutation(
        "forget how old mail was when the server stopped",
        _SQLITE,
        "            self._expiry.stop()\n            self._note_time()\n",
        "            self._expiry.stop()\n",
        _AGE,
    ),
    Mutation(
        "forget at a crash how old mail was",
        _SQLITE,
        "            return None\n        self._note_time()\n",
        "            return None\n",
        _AGE,
    ),
    Mutation(
        "forget where the clock of a new file began",
        _SQLITE,
        "        if last is None:\n            self._note_time()\n",
        "",
        _AGE,
    ),
    Mutation(
        "keep mail from the future for ever",
        _SQLITE,
        "if newest is not None and newest > now:",
        "if newest is None:",
        _AGE,
    ),
    Mutation(
        "let a clock from the future expire what is new",
        _MAIL_CLOCK,
        "else min(newest, wall)",
        "else newest",
        "tests.mailbox.test_mail_clock",
    ),
)
