"""Presence, the way of a line, and the end of a session."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_FEED = "achat_twisted/broker/feed.py"
_ANSWERS = "achat_twisted/broker/answers.py"
_PRESENCE = "achat_twisted/broker/presence.py"
_SESSION = "achat_twisted/broker/session.py"
_BROKER = "achat_twisted/broker/broker.py"
_TESTS = "tests.broker.test_broker"
_ROUTING = "tests.broker.test_broker.RoutingTests"
_DURABLE = "tests.broker.test_durable"

SESSIONS = (
    Mutation(
        "keep a session live whose connection is lost",
        _SESSION,
        "        self.answers.tallies = None\n        self.feed.cut()\n",
        "        self.answers.tallies = None\n",
        "tests.mailbox.test_mailbox",
    ),
    Mutation(
        "read a name that has come again ahead of what it has said before",
        _BROKER,
        "            session.rest()  # as what the name has said before comes first\n",
        "            pass\n",
        "tests.reader.test_lines",
    ),
    Mutation(
        "take in what lost connections of a name have said in any order",
        _PRESENCE,
        "lost[0] is session for lost in map",
        "bool(lost) for lost in map",
        "tests.reader.test_lines",
    ),
    Mutation(
        "never read a name that has come again",
        _PRESENCE,
        "if lost else self.places.get(place)]",
        "if lost else None]",
        "tests.reader.test_lines",
    ),
    Mutation(
        "swallow what is true at a kick",
        _SESSION,
        "committed.addCallback(self._cut)",
        "committed.addCallback(lambda _: self._cut(False))",
        "tests.broker.test_durable",
    ),
    Mutation(
        "swallow what is true already at a kick",
        _SESSION,
        "self._cut(is_safe=True)",
        "self._cut(is_safe=False)",
        "tests.broker.test_durable",
    ),
    Mutation(
        "tell at a kick what may not be true",
        _ANSWERS,
        '.items() if key[0] != "kept"}',
        ".items()}",
        "tests.broker.test_durable",
    ),
    Mutation(
        "swallow what was withheld at a kick",
        _ANSWERS,
        "        if is_safe:\n            for answer in self.withheld:",
        "        if is_safe:\n            for answer in ():",
        "tests.broker.test_durable",
    ),
    Mutation(
        "remove a session twice",
        _SESSION,
        "        if self.stage is Stage.OVER:\n"
        "            return\n"
        "        self.stage = Stage.OVER\n",
        "        self.stage = Stage.OVER\n",
        _TESTS,
    ),
    Mutation(
        "remove the newer session's entry",
        _PRESENCE,
        "if self.places.get(place) is session:",
        "if place in self.places:",
        _TESTS,
    ),
    Mutation(
        "drop the hand-back",
        _FEED,
        "self._mailbox.hand_back(self.name, *self.outbox.kept(left))",
        "self._mailbox.hand_back(self.name, *self.outbox.kept([]))",
        _TESTS,
    ),
    Mutation(
        "let a newer session overtake an older one's lines",
        _PRESENCE,
        "if all(self._count[place] == 1 for place in session.places):",
        "if session.places:",
        _TESTS,
    ),
    Mutation(
        "send straight to who is behind",
        _BROKER,
        "if feed.state is _LIVE:",
        "if feed.state in (FeedState.LIVE, FeedState.BEHIND):",
        _TESTS,
    ),
    Mutation(
        "send a run straight to who is behind",
        _BROKER,
        "peer is None or peer.feed.state is not _LIVE or",
        "peer is None or",
        _TESTS,
    ),
    Mutation(
        "overfill an outbox with a run",
        _BROKER,
        " or not peer.outbox.takes(lines):",
        ":",
        _TESTS,
    ),
    Mutation(
        "count a run as one copy",
        _BROKER,
        'copies = post.text.count("\\n") + 1',
        "copies = 1",
        _TESTS,
    ),
    Mutation(
        "record a run as one line",
        "achat_twisted/mailbox/sqlite.py",
        'lines.count(b"\\n")',
        "1",
        "tests.mailbox.test_mailbox",
    ),
    Mutation(
        "count one copy for all lines for a name",
        _BROKER,
        "            self._ledger.accepted += copies\n            if self._is_durable:",
        "            self._ledger.accepted += 1\n            if self._is_durable:",
        _TESTS,
    ),
    Mutation(
        "put lines together though a recipient would get them out of order",
        "achat_twisted/wire/lines.py",
        "return posts if len(set(everybody)) == len(everybody) else None",
        "return posts",
        "tests.wire.test_lines",
    ),
    Mutation(
        "put a command together with lines",
        "achat_twisted/wire/lines.py",
        """ or names[:1] == "/" or len(recipients) > most:""",
        " or len(recipients) > most:",
        "tests.wire.test_lines",
    ),
    Mutation(
        "let lines that are put together have any number of recipients",
        "achat_twisted/wire/lines.py",
        """ or names[:1] == "/" or len(recipients) > most:""",
        """ or names[:1] == "/":""",
        "tests.wire.test_lines",
    ),
    Mutation(
        "deliver to some before it is seen that others have no room",
        _BROKER,
        "                deliveries.append((peer, lines, copies))\n        for",
        "                peer.deliver(lines)\n"
        "                deliveries.append((peer, b'', copies))\n        for",
        _TESTS,
    ),
    Mutation(
        "count lines that are put together as one",
        "achat_twisted/reader/runs.py",
        "session.taken += count",
        "session.taken += 1",
        "tests.reader.test_lines",
    ),
    Mutation(
        "take doubled names for a run, out of order",
        "achat_twisted/wire/lines.py",
        " or len(set(recipients)) < count:",
        ":",
        "tests.wire.test_lines",
    ),
    Mutation(
        "leave white space in a run",
        "achat_twisted/wire/lines.py",
        "    if not _is_trimmed(text):\n        return None\n",
        "",
        "tests.wire.test_lines",
    ),
    Mutation(
        "take lines for others into a run",
        "achat_twisted/wire/lines.py",
        'if block.count(f"\\n{head}") != following or',
        "if",
        "tests.wire.test_lines",
    ),
    Mutation(
        "take control characters in with a block",
        "achat_twisted/wire/lines.py",
        "if text.isascii() or not _CONTROL.search(",
        "if text or not _CONTROL.search(",
        "tests.wire.test_lines",
    ),
    Mutation(
        "take long lines in with a block",
        "achat_twisted/wire/lines.py",
        "if len(lines) > max_line + 1 and not _are_short(lines, max_line):",
        "if False:",
        "tests.wire.test_lines",
    ),
    Mutation(
        "take the last piece of a line for a line",
        "achat_twisted/reader/lines.py",
        " and self._splitter.is_between",
        "",
        "tests.reader.test_lines",
    ),
    Mutation(
        "let a line that comes alone overtake those that wait",
        "achat_twisted/reader/lines.py",
        "not (self._waiting or self.paused)",
        "not self.paused",
        "tests.reader.test_lines",
    ),
    Mutation(
        "take a line that comes alone from who is not to be read",
        "achat_twisted/reader/lines.py",
        "not (self._waiting or self.paused)",
        "not self._waiting",
        "tests.reader.test_lines",
    ),
    Mutation(
        "count no line that comes alone",
        "achat_twisted/reader/lines.py",
        "                session.taken += 1\n                self._broker.post",
        "                self._broker.post",
        "tests.reader.test_lines",
    ),
    Mutation(
        "take control characters in with a line that comes alone",
        "achat_twisted/wire/lines.py",
        " or not line.isprintable():",
        ":",
        "tests.wire.test_lines",
    ),
    Mutation(
        "take a command that comes alone for a post",
        "achat_twisted/wire/lines.py",
        """or name[0] == "/" or "," in name""",
        """or "," in name""",
        "tests.wire.test_lines",
    ),
    Mutation(
        "never spill",
        _BROKER,
        "if outbox.is_full:",
        "if outbox.size < 0:",
        _TESTS,
    ),
    Mutation(
        "begin for ever a session without mail that is to end",
        _FEED,
        "        if self._is_draining:\n            self._session.all_fed()\n        else:",
        "        if True:",
        "tests.broker.test_broker",
    ),
    Mutation(
        "tell the mailbox nothing of what has arrived",
        _FEED,
        "self._mailbox.delivered(self.name, copies)",
        "pass",
        _DURABLE,
    ),
    Mutation(
        "record nothing with --durable",
        _BROKER,
        "if self._mailbox.record(name, line):",
        "if False:",
        _DURABLE,
    ),
    Mutation(
        "record nothing of a run with --durable",
        _BROKER,
        "if self._mailbox.record(peer.name, lines):",
        "if False:",
        _DURABLE,
    ),
    Mutation(
        "take in more than the disk takes with --durable",
        _BROKER,
        "committed = self._mailbox.commit()\n",
        "committed = None\n",
        _DURABLE,
    ),
    Mutation(
        "not say that more is recorded than the disk takes",
        "achat_twisted/mailbox/sqlite.py",
        "return batch.size > PRESSED",
        "return False",
        _DURABLE,
    ),
    Mutation(
        "hold for ever who sends more than the disk takes",
        _BROKER,
        "committed.addCallback(lambda _: sender.release(committed))",
        "pass",
        _DURABLE,
    ),
    Mutation(
        "keep copies for unknown names in silence",
        _BROKER,
        """\
            outcome = "unknown"
        elif""",
        """\
            self._mailbox.enroll(name)
            self._mailbox.hand_back(name, [line])
            return
        elif""",
        _ROUTING,
    ),
    Mutation(
        "refuse without a notice",
        _BROKER,
        "        sender.tally(outcome, name)\n",
        """\
        if outcome == "kept":
            sender.tally(outcome, name)
""",
        _ROUTING,
    ),
    Mutation(
        "keep without a notice",
        _BROKER,
        "        sender.tally(outcome, name)\n",
        """\
        if outcome != "kept":
            sender.tally(outcome, name)
""",
        _TESTS,
    ),
    Mutation(
        "leave refused copies out of the ledger",
        _BROKER,
        "self._ledger.refused[outcome] += 1",
        "pass",
        _TESTS,
    ),
    Mutation(
        "let a goodbye leave mail behind",
        _FEED,
        "        if self._is_live:\n            self._session.all_fed()\n",
        "        self._session.all_fed()\n",
        _TESTS,
    ),
    Mutation(
        "write on after a takeover",
        _SESSION,
        "            self.writer.cut()\n",
        "            self.all_fed()\n",
        _TESTS,
    ),
    Mutation(
        "take over before the commit",
        _SESSION,
        "committed = self._turns.commit()",
        "committed = None",
        _DURABLE,
    ),
    Mutation(
        "take names over as fast as anybody likes",
        "achat_twisted/broker/takeover.py",
        "if self._fights.lasts(place):",
        "if False:",
        _TESTS,
    ),
    Mutation(
        "let the wait be short for ever",
        "achat_twisted/tools/backoff.py",
        "min(2 * self.wait(key), self._longest) or FIRST",
        "FIRST",
        "tests.tools.test_backoff",
    ),
    Mutation(
        "let people in while the broker drains",
        _BROKER,
        "        if not self.running or self.draining:\n            raise wire.busy()\n",
        "",
        _TESTS,
    ),
    Mutation(
        "be drained before the writers have ended",
        _PRESENCE,
        " and not self.sessions:",
        ":",
        _TESTS,
    ),
    Mutation(
        "believe that the ledger balances",
        "achat_twisted/broker/ledger.py",
        "return self.accepted + self.inherited - right",
        "return right - right",
        "tests.broker.test_ledger",
    ),
)
