"""From the mailbox to those who are behind."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_FEEDER = "achat_twisted/broker/feeder.py"

FEEDING = (
    Mutation(
        "go live while the mailbox still has mail",
        _FEEDER,
        "elif not left:",
        "elif lines:",
        "tests.broker.test_broker",
    ),
    Mutation(
        "tell the mailbox nothing of lines passed by",
        _FEEDER,
        "self._mailbox.pass_by(session.name, session.passed)",
        "pass",
        "tests.broker.test_feeder",
    ),
    Mutation(
        "tell the mailbox twice of lines passed by",
        _FEEDER,
        "        session.passed = 0\n",
        "",
        "tests.broker.test_feeder",
    ),
    Mutation(
        "lose the mail on its way to a broken connection",
        _FEEDER,
        "            session.fetch.cancel()\n",
        "            pass\n",
        "tests.broker.test_broker",
    ),
    Mutation(
        "wait for a page of mail for ever",
        _FEEDER,
        "            fetch.addTimeout(FETCH, self._clock)\n",
        "",
        "tests.broker.test_broker",
    ),
    Mutation(
        "let a goodbye wait for a flood",
        _FEEDER,
        "(session.owed <= 0 or not left)",
        "not left",
        "tests.broker.test_broker",
    ),
    Mutation(
        "hold nobody for a disk that is behind",
        _FEEDER,
        "self._pace.press(sender)",
        "pass",
        "tests.broker.test_feeder",
    ),
    Mutation(
        "let all go on at once for one page of mail",
        _FEEDER,
        "session.pace.ease_one()",
        "session.pace.ease()",
        "tests.broker.test_broker",
    ),
)
