"""The end of a turn: the answers that clients get then, and those who are held back."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_ANSWERS = "achat_twisted/broker/answers.py"
_SESSION = "achat_twisted/broker/session.py"
_TURNS = "achat_twisted/broker/turns.py"
_PACE = "achat_twisted/limits/pacing.py"
_BROKER = "achat_twisted/broker/broker.py"
_TESTS = "tests.broker.test_broker"
_DURABLE = "tests.broker.test_durable"

TURNS = (
    Mutation(
        "say one line too many in the bye",
        _SESSION,
        "wire.bye(self.lines)",
        "wire.bye(self.lines + 1)",
        _TESTS,
    ),
    Mutation(
        "count no refused line towards the bye",
        "achat_twisted/reader/lines.py",
        "self._session.taken += 1",
        "self._session.taken += 0",
        "tests.reader.test_lines",
    ),
    Mutation(
        "forget the tallies of who is slow to read",
        _ANSWERS,
        "            self.settle()\n        for answer",
        "            self.settle()\n        self.tallies = None\n        for answer",
        f"{_TESTS}.InvariantTests",
    ),
    Mutation(
        "forget the tallies at the end of a turn without a commit",
        _SESSION,
        "if self.answers.tallies or self.holds:",
        "if self.holds:",
        _TESTS,
    ),
    Mutation(
        "never read on who has read its answers, where nothing is committed",
        _SESSION,
        "if self.answers.tallies or self.holds:",
        "if self.answers.tallies:",
        _TESTS,
    ),
    Mutation(
        "let answers pile up for who does not read",
        _ANSWERS,
        "has_unread = self._unread > min(_UNREAD, self._outbox.limit // 4)",
        "has_unread = False",
        _TESTS,
    ),
    Mutation(
        "take more from who has read a little of its answers",
        _ANSWERS,
        "            self._outbox.low_mark = min(self._outbox.low_mark, _UNREAD // 2)\n",
        "",
        _TESTS,
    ),
    Mutation(
        "wait for an empty outbox after answers that were not read",
        _ANSWERS,
        "            self._outbox.low_mark = self._outbox.limit // 4\n",
        "",
        _TESTS,
    ),
    Mutation(
        "let all go on in one turn",
        _TURNS,
        "        left = min(_RESUMED, len(self._resuming))",
        "        left = len(self._resuming)",
        _TESTS,
    ),
    Mutation(
        "let a crowd hand all back in one turn",
        _TURNS,
        "left -= 1 + session.left_behind // _HANDED_BACK",
        "left -= 1",
        _TESTS,
    ),
    Mutation(
        "ask everybody for acknowledgements at once",
        _TURNS,
        "self._asking[:_AT_A_TIME], self._asking[_AT_A_TIME:]",
        "self._asking, []",
        _TESTS,
    ),
    Mutation(
        "feed everybody at once when there is room again",
        "achat_twisted/broker/shares.py",
        "if share < self.limit else _FED",
        "if share < self.limit else 2**31",
        _TESTS,
    ),
    Mutation(
        "answer /sync before the commit",
        _ANSWERS,
        "            self._promises += (answer,)\n",
        "            pass\n",
        _DURABLE,
    ),
    Mutation(
        "answer /sync though the commit has failed",
        _ANSWERS,
        "        if not is_safe:\n            self.withheld",
        "        if False:\n            self.withheld",
        _DURABLE,
    ),
    Mutation(
        "send the answer to /sync away with a takeover",
        _ANSWERS,
        "            self._withdraw(self.sealed + self._promises)\n",
        "",
        _DURABLE,
    ),
    Mutation(
        "never ask again for a /sync that is in doubt",
        _SESSION,
        "        if not self.is_withheld:",
        "        if True:",
        _DURABLE,
    ),
    Mutation(
        "release a turn's lines before the commit",
        _TURNS,
        """\
        if committed is None:
            self._serve(touched, _DISPATCH)
""",
        """\
        if committed is None or touched:
            self._serve(touched, _DISPATCH)
""",
        _DURABLE,
    ),
    Mutation(
        "forget who waits for a long commit",
        _SESSION,
        "self.writer.is_asked or self.outbox.size > 0",
        "self.writer.is_asked",
        "tests.broker.test_durable",
    ),
    Mutation(
        "commit for each of many that converse",
        _TURNS,
        "if len(self._touched) < self._company:",
        "if False:",
        _DURABLE,
    ),
    Mutation(
        "wait for company as long as a slow disk takes",
        _TURNS,
        "min((self._clock.seconds() - since) / 2, _PAUSE)",
        "(self._clock.seconds() - since) / 2",
        _DURABLE,
    ),
    Mutation(
        "wait for company that is here",
        _TURNS,
        "elif len(self._touched) == self._company and self._end is not None:",
        "elif False:",
        _DURABLE,
    ),
    Mutation(
        "keep two waiting for company",
        _TURNS,
        "len(touched) if len(touched) >= _COMPANY else 0",
        "len(touched)",
        _DURABLE,
    ),
    Mutation(
        "begin no commit for a turn that waits for one",
        "achat_twisted/mailbox/committer.py",
        "        self.soon()\n        committed",
        "        committed",
        _DURABLE,
    ),
    Mutation(
        "never look for acknowledgements while all is quiet",
        _SESSION,
        "        self.writer.look()\n",
        "",
        _TESTS,
    ),
    Mutation(
        "let one client's bug stop the others' turn",
        _TURNS,
        "except Exception:",
        "except KeyError:",
        _TESTS,
    ),
    Mutation(
        "go on in the middle of another one's work",
        "achat_twisted/broker/reading.py",
        "            if not self.holds:\n                self.go_on()",
        "            if not self.holds:\n                self.resume()",
        _TESTS,
    ),
    Mutation(
        "go on while another hold lasts",
        "achat_twisted/broker/reading.py",
        "            if not self.holds:\n                self.go_on()\n",
        "            self.source.resumeProducing()\n",
        _TESTS,
    ),
    Mutation(
        "hold a sender for ever",
        _PACE,
        "self._timer = self._clock.callLater(max(0.0, wait), self._let_go)",
        "pass",
        "tests.limits.test_pacing",
    ),
    Mutation(
        "hold senders for a recipient that has stalled",
        _PACE,
        "if self._stalled or sender in self._held:",
        "if sender in self._held:",
        "tests.limits.test_pacing",
    ),
    Mutation(
        "hold nobody",
        _BROKER,
        "feed.pace.press(sender)",
        "pass",
        f"{_TESTS}.InvariantTests.test_8_a_reader_that_cannot_go_on",
    ),
)
