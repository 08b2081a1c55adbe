"""Clients that resume: from their file to the file of those that they write to."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_TAKEOVER = "achat_twisted/broker/takeover.py"
_DATABASE = "achat_twisted/mailbox/database.py"
_MEMORY = "achat_twisted/mailbox/memory.py"
_RECORDS = "achat_twisted/mailbox/tag_records.py"
_PRESENCE = "achat_twisted/broker/presence.py"
_SQLITE = "achat_twisted/mailbox/sqlite.py"
_TAGGED = "achat_twisted/broker/tagged.py"
_TAGS = "achat_twisted/mailbox/tags.py"
_TURNS = "achat_twisted/broker/turns.py"

_SCHEDULES = "tests.resuming.test_schedules.ScheduleTests"

RESUMING = (
    Mutation(
        "let a tag be told of refusals without end",
        _RECORDS,
        "        if record is not None and record.is_unheard:\n",
        "        if False:\n",
        "tests.reader.test_resuming",
    ),
    Mutation(
        "take in what TLS has brought with the login line",
        "achat_twisted/broker/broker.py",
        "        if opening.tag:\n            self._turns.resume(session)",
        "        if False:\n            self._turns.resume(session)",
        "tests.reader.test_resuming",
    ),
    Mutation(
        "tell refusals once",
        _TAGGED,
        "for verdict in tag.refusals.values():",
        "for verdict in ():",
        "tests.reader.test_resuming",
    ),
    Mutation(
        "take in half a line of a client that has died",
        _TAGGED,
        "is_numbered = True",
        "is_numbered = False",
        "tests.reader.test_resuming",
    ),
    Mutation(
        "tell refusals again for ever",
        _TAGS,
        "if verdict.last <= lines]:",
        "if verdict.last < 0]:",
        "tests.reader.test_resuming",
    ),
    Mutation(
        "tell a name's tags of each other's refusals",
        _TAGGED,
        "for verdict in tag.refusals.values():",
        "for verdict in [v for each in self._mailbox.tags.of(self.name)"
        " for v in each.refusals.values()]:",
        "tests.reader.test_resuming",
    ),
    Mutation(
        "confirm one message with each /got",
        _TAGGED,
        "        if confirmed:\n            self.window.got",
        "        if confirmed:\n            confirmed = 1\n            self.window.got",
        "tests.reader.test_resuming",
    ),
    Mutation(
        "remember a tag that only sends",
        _TAGGED,
        "if self.opening.only_sends and self.tag.heard == self.tag.lines:",
        "if False:",
        "tests.reader.test_resuming",
    ),
    Mutation(
        "count commands among a tag's lines",
        _TAGS,
        "self._counter.taken - self._counter.commands",
        "self._counter.taken",
        f"{_SCHEDULES}.test_in_memory",
    ),
    Mutation(
        "begin no new era with a new record",
        _TAGS,
        "self.era = era or token_hex(6)",
        'self.era = era or token_hex(6)[:0] + "1"',
        f"{_SCHEDULES}.test_in_memory",
    ),
    Mutation(
        "save the number of a tag's lines later than their copies",
        _TAGS,
        "Saved(self.era, self.lines,",
        "Saved(self.era, self._before,",
        f"{_SCHEDULES}.test_durable",
    ),
    Mutation(
        "let a power cut bring tags back that the file does not vouch for",
        _DATABASE,
        "row_tables.forget_eras(self._sql)\n        self.sync()",
        "row_tables.forget_eras(self._sql)",
        "tests.resuming.test_platter",
    ),
    Mutation(
        "wait for no disk, with what is to outlive a power cut",
        _DATABASE,
        "'FULL' if self.durable else 'NORMAL'",
        "'NORMAL'",
        f"{_SCHEDULES}.test_durable",
    ),
    Mutation(
        "forget when a message came that was on its way",
        _SQLITE,
        "copies, self._mail_clock.now(), lines)",
        "copies, 0.0, lines)",
        "tests.reader.test_resuming",
    ),
    Mutation(
        "save no refusals",
        "achat_twisted/mailbox/tag_tables.py",
        "for each in verdicts.values()  # without",
        "for each in ()  # without",
        f"{_SCHEDULES}.test_durable",
    ),
    Mutation(
        "forget where an empty row begins",
        _DATABASE,
        "coalesce(min(position), first)",
        "coalesce(min(position), 1)",
        f"{_SCHEDULES}.test_durable",
    ),
    Mutation(
        "tell a tag what is not safe, while commits fail",
        _TAGGED,
        "            self._is_unsafe = True\n            self.hold(_UNSAFE)\n",
        "            super().dispatch()\n",
        "tests.reader.test_resuming",
    ),
    Mutation(
        "hold a tag for ever, after commits have failed",
        _TAGGED,
        "            self.release(_UNSAFE)\n",
        "            pass\n",
        "tests.reader.test_resuming",
    ),
    Mutation(
        "hold a tag for ever, after a commit was late while nothing was on its way to it",
        _TURNS,
        "if not session.watched:  # nothing",
        "if False:  # nothing",
        "tests.reader.test_resuming",
    ),
    Mutation(
        "tell a tag what is not committed yet",
        _TURNS,
        "        self._serve(touched, _END_TURN)\n",
        "        self._serve(touched, _END_TURN)\n"
        "        tagged = [each for each in touched if hasattr(each, 'tag')]\n"
        "        self._serve(tagged, methodcaller('dispatch'))\n",
        f"{_SCHEDULES}.test_durable",
    ),
    Mutation(
        "take in what is said before it is known where to go on",
        _TAGGED,
        "if self.source.has_spoken:",
        "if self.source.has_spoken and not self.tag:",
        "tests.reader.test_resuming",
    ),
    Mutation(
        "remember two tags of a name",
        _RECORDS,
        "MOST_TAGS = 100",
        "MOST_TAGS = 2",
        _SCHEDULES,
    ),
    Mutation(
        "forget what a sender has not confirmed",
        _TAGGED,
        "self.opening.only_sends and self.tag.heard == self.tag.lines",
        "self.opening.only_sends",
        "tests.reader.test_resuming",
    ),
    Mutation(
        "vouch for a file after a crash, though no commit was waited for",
        _SQLITE,
        "            database.vouch_no_more()",
        "            pass",
        "tests.reader.test_resuming",
    ),
    Mutation(
        "vouch for no file after a stop",
        "achat_twisted/mailbox/saved_tags.py",
        "            self._committer.batch.tags.save(row.id, tag)\n            row",
        "            row",
        f"{_SCHEDULES}.test_in_a_file",
    ),
    Mutation(
        "throw away mail in memory under a session",
        _MEMORY,
        "            if not mail.sessions:\n",
        "            if mail:\n",
        "tests.mailbox.test_mailbox",
    ),
    Mutation(
        "throw away mail in a file for which a session has come meanwhile",
        _SQLITE,
        "if row.sessions or row.head != head:",
        "if row.head != head:",
        "tests.mailbox.test_mailbox",
    ),
    Mutation(
        "begin a session before the older one is over",
        _PRESENCE,
        "if all(self._count[place] == 1 for place in session.places):",
        "if session:",
        f"{_SCHEDULES}.test_in_memory",
    ),
    Mutation(
        "let clients fight for a tag as fast as they like",
        _TAKEOVER,
        "            self._fight(name, (name, opening.tag))",
        "            pass",
        "tests.reader.test_resuming",
    ),
    Mutation(
        "refuse a client whose connection breaks again and again",
        _TAKEOVER,
        "same.stage is Stage.HERE and same.feed.has_begun:",
        "same.stage is Stage.HERE:",
        "tests.reader.test_resuming",
    ),
    Mutation(
        "keep a sender waiting for another session of its name",
        _PRESENCE,
        "        for place in session.places:\n            self._lost.setdefault(place, [])",
        "        for place in [session.name]:\n            self._lost.setdefault(place, [])",
        "tests.reader.test_resuming",
    ),
    Mutation(
        "forget refusals whose last line is not confirmed",
        _TAGS,
        "if verdict.last <= lines]:",
        "if verdict.first <= lines]:",
        "tests.mailbox.test_tags",
    ),
    Mutation(
        "leave refusals in the file that a client has confirmed",
        "achat_twisted/mailbox/tag_changes.py",
        "                self.confirmed.add(key)\n",
        "",
        "tests.mailbox.test_database",
    ),
    Mutation(
        "write the refusals of a tag that was forgotten when a commit failed",
        "achat_twisted/mailbox/tag_changes.py",
        "        for key in later.forgotten:\n            self._drop(key)\n",
        "",
        "tests.mailbox.test_database",
    ),
    Mutation(
        "forget the refusals of a commit that failed",
        "achat_twisted/mailbox/tag_changes.py",
        "self.refusals[key].update(tag.unsaved)",
        "self.refusals[key] = tag.unsaved",
        "tests.mailbox.test_database",
    ),
    Mutation(
        "let a client with a tag send without end what is refused to it",
        _TAGGED,
        "        self.allowance = _UNSAVED\n        super().tally(word, name)\n",
        "        super().tally(word, name)\n",
        "tests.reader.test_resuming",
    ),
    Mutation(
        "let a client with a tag send bad lines without end",
        _TAGGED,
        "        self.allowance = _UNSAVED\n        self.answers.fault",
        "        self.answers.fault",
        "tests.reader.test_resuming",
    ),
    Mutation(
        "count a notice among the messages that are not got",
        "achat_twisted/broker/window.py",
        "self._without_notices(batch) if is_mixed else batch",
        "batch",
        "tests.broker.test_window",
    ),
    Mutation(
        "take the notices behind a batch for messages",
        "achat_twisted/broker/window.py",
        "self._outbox.has_notices = self._outbox.size > len(batch)",
        "self._window.has_notices = False",
        "tests.broker.test_window",
    ),
    Mutation(
        "take the copies of an older session, though this one has not begun",
        _SQLITE,
        "        if lines:  # or else",
        "        if row:  # or else",
        "tests.mailbox.test_mailbox",
    ),
    Mutation(
        "take a tag for used as long as its name is known",
        _RECORDS,
        "tag.used < before:",
        "tag.used < 0:",
        "tests.reader.test_resuming",
    ),
)
