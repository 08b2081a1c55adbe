"""From the mailbox to those who are behind."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_FEED = "achat_twisted/broker/feed.py"

FEEDING = (
    Mutation(
        "strike out what an older session has not got",
        "achat_twisted/mailbox/sqlite.py",
        "        if lines:  # or else",
        "        if True:  # or else",
        "tests.broker.test_durable",
    ),
    Mutation(
        "go live while the mailbox still has mail",
        _FEED,
        "elif not left:",
        "elif lines:",
        "tests.broker.test_broker",
    ),
    Mutation(
        "tell the mailbox nothing of lines passed by",
        _FEED,
        "self._mailbox.pass_by(self.name, self.passed)",
        "pass",
        "tests.broker.test_feed",
    ),
    Mutation(
        "tell the mailbox twice of lines passed by",
        _FEED,
        "        self._mailbox.pass_by(self.name, self.passed)\n        self.passed = 0\n",
        "        self._mailbox.pass_by(self.name, self.passed)\n",
        "tests.broker.test_feed",
    ),
    Mutation(
        "lose the mail on its way to a broken connection",
        _FEED,
        "            self._fetch.cancel()\n",
        "            pass\n",
        "tests.broker.test_broker",
    ),
    Mutation(
        "wait for a page of mail for ever",
        _FEED,
        "            fetch.addTimeout(FETCH, self._clock)\n",
        "",
        "tests.broker.test_broker",
    ),
    Mutation(
        "let a goodbye wait for a flood",
        _FEED,
        "(self._owed <= 0 or not left)",
        "not left",
        "tests.broker.test_broker",
    ),
    Mutation(
        "hold nobody for a disk that is behind",
        "achat_twisted/broker/backpressure.py",
        "self._pace.press(sender)",
        "pass",
        "tests.broker.test_feed",
    ),
    Mutation(
        "let all go on at once for one page of mail",
        _FEED,
        "self.pace.ease_one()",
        "self.pace.ease()",
        "tests.broker.test_broker",
    ),
)
