"""How a connection is read, how it is closed, and the order of a stop."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_LINK = "achat_twisted/link.py"
_LINGER = "achat_twisted/linger.py"
_READER = "achat_twisted/reader.py"
_SERVICE = "achat_twisted/service.py"
_TRANSPORT = "achat_twisted/transport.py"
_TALK = "tests.functional.test_conversation.ConversationTests"

CONNECTIONS = (
    Mutation(
        "close without linger",
        _LINK,
        """\
        self._linger = Linger(self._bottom, self._clock)
        return self._linger.flushed
""",
        """\
        self._bottom.loseConnection()
        return succeed(None)
""",
        "tests.test_link",
    ),
    Mutation(
        "close without half-closing",
        _LINK,
        "        self._bottom.loseWriteConnection()\n",
        "",
        "tests.test_link",
    ),
    Mutation(
        "linger over unread input",
        _LINK,
        "        self._bottom.discard()\n",
        "",
        "tests.test_link",
    ),
    Mutation(
        "take for sent what was written when it was gone",
        _LINK,
        "            self._unsent += len(data)\n",
        "",
        "tests.test_link",
    ),
    Mutation(
        "take for read a TLS record of which a part is missing",
        _LINK,
        "outstanding += TLS_RECORD",
        "pass",
        "tests.test_link",
    ),
    Mutation(
        "close before all is acknowledged",
        _LINGER,
        "if outstanding == 0 and (self._transport.input_over or now - self._input >= QUIET):",
        "if self._transport.input_over or now - self._input >= QUIET:",
        "tests.test_linger",
    ),
    Mutation(
        "close while input comes",
        _LINGER,
        "(self._transport.input_over or now - self._input >= QUIET)",
        "now >= 0",
        "tests.test_linger",
    ),
    Mutation(
        "linger for ever",
        _LINGER,
        "elif now - self._progress >= PATIENCE:",
        "elif now < 0:",
        "tests.test_linger",
    ),
    Mutation(
        "forget at the close what the kernel holds",
        _TRANSPORT,
        "self._final = self._look_back(reason)",
        "self._final = 0",
        f"{_TALK}.test_unread_lines_come_back",
    ),
    Mutation(
        "trust the kernel's count of a dead unix peer",
        _TRANSPORT,
        "        if reason.check(ConnectionDone):\n            return self._look()\n",
        "        if reason:\n            return super()._look()\n",
        f"{_TALK}.test_unread_lines_of_a_unix_socket_come_back",
    ),
    Mutation(
        "send twice what the kernel took at once",
        _TRANSPORT,
        "            data = data[sent:]\n",
        "            data = data[sent // 2 :]\n",
        "tests.test_transport",
    ),
    Mutation(
        "take lines in after the snapshot of the stop",
        _TRANSPORT,
        "        if self._to_read == 0 and self._on_all_read is not None:",
        "        if self._to_read != 0 and self._on_all_read is not None:",
        "tests.functional.test_stop",
    ),
    Mutation(
        "take lines in after the stop",
        _READER,
        "        self._deaf = True\n        self._waiting.clear()\n",
        "",
        "tests.test_reader",
    ),
    Mutation(
        "stop ahead of lines that are here",
        _READER,
        "lambda _: self._work([self.stopProducing])",
        "lambda _: self.stopProducing()",
        "tests.test_reader",
    ),
    Mutation(
        "drop the lines of a connection that broke",
        _READER,
        "while self._waiting and self._session and not (self._deaf or self._has_overdrawn()):",
        "while False:",
        "tests.test_reader",
    ),
    Mutation(
        "drop a last line without an end",
        _READER,
        "self._work([*self._splitter.finish(), self._no_more_lines])",
        "self._work([self._no_more_lines])",
        "tests.test_reader",
    ),
    Mutation(
        "let each short line that waits take fifty bytes",
        _READER,
        'if block.count("\\n") > _AT_ONCE:',
        "if not block:",
        "tests.test_reader",
    ),
    Mutation(
        "forget the lines that come later",
        _READER,
        "self._waiting.append(later)",
        "pass",
        "tests.test_reader",
    ),
    Mutation(
        "answer those who are gone",
        _READER,
        "self._session.deserted = True",
        "pass",
        "tests.test_reader",
    ),
    Mutation(
        "log what stands behind a slash",
        "achat_twisted/wire.py",
        'return "bad-line no such command"',
        "return super().__str__()",
        "tests.test_reader",
    ),
    Mutation(
        "let whoever has a session hold on to it for ever",
        "achat_twisted/factory.py",
        "        self._readers.discard(reader)\n        self._check_empty()\n",
        "        self._check_empty()\n",
        "tests.attacks.test_siege",
    ),
    Mutation(
        "take lines in during a pause",
        _READER,
        "while self._waiting and not self.paused and not self._deaf:",
        "while self._waiting and not self._deaf:",
        "tests.test_reader",
    ),
    Mutation(
        "wait for ever for a name",
        _READER,
        "        self.logins.add(self)\n        self._origin",
        "        self._origin",
        "tests.test_reader",
    ),
    Mutation(
        "end a connection for its login when it has logged in",
        _READER,
        '        self.logins.remove(self)\n        self._meter.login("welcome")\n',
        '        self._meter.login("welcome")\n',
        "tests.test_reader",
    ),
    Mutation(
        "forget the second when the first is late",
        "achat_twisted/deadlines.py",
        "        finally:\n            self._watch()\n",
        "        finally:\n            pass\n",
        "tests.test_deadlines",
    ),
    Mutation(
        "let others wait until one client's lines are worked off",
        _READER,
        "                    self._session.rest()\n",
        "                    pass\n",
        "tests.test_reader",
    ),
    Mutation(
        "take a run for one line",
        _READER,
        'session.taken += block.count("\\n")',
        "session.taken += 1",
        "tests.test_reader",
    ),
    Mutation(
        "take new lines in ahead of those that wait",
        _READER,
        "[*reversed(items), *self._waiting]",
        "[*self._waiting, *reversed(items)]",
        "tests.test_reader",
    ),
    Mutation(
        "take lines apart from behind",
        _READER,
        "self._waiting.extend(reversed(first.splitlines(keepends=True)))",
        "self._waiting.extend(first.splitlines(keepends=True))",
        "tests.test_reader",
    ),
    Mutation(
        "drop what stands behind the login in the same chunk",
        _READER,
        "            self._waiting.append(rest)\n",
        "            pass\n",
        "tests.test_reader",
    ),
    Mutation(
        "take in for who is gone",
        "achat_twisted/poller.py",
        "if transport.connected:\n                    self._take_in",
        "if True:\n                    self._take_in",
        "tests.test_poller",
    ),
    Mutation(
        "end a turn before all is taken in",
        "achat_twisted/poller.py",
        "        self._soon.append(call)\n",
        "        call()\n",
        "tests.test_poller",
    ),
    Mutation(
        "let a hang-up go by while nothing is read",
        "achat_twisted/poller.py",
        "elif event & _WRONG:",
        "elif False:",
        "tests.test_poller",
    ),
    Mutation(
        "take a hang-up for a loss, without a look",
        "achat_twisted/poller.py",
        "(event & _WRONG and self._reads(fd))",
        "False",
        "tests.test_poller",
    ),
    Mutation(
        "poll what is not to be polled any more",
        "achat_twisted/poller.py",
        "            self._epoll.unregister(fd)\n",
        "",
        "tests.test_poller",
    ),
    Mutation(
        "stop the broker before the readers",
        _SERVICE,
        "        await self._factory.stop_reading()\n        await self._broker.stopService()\n",
        "        await self._broker.stopService()\n        await self._factory.stop_reading()\n",
        "tests.test_service",
    ),
    Mutation(
        "close the mailbox ahead of the connections",
        _SERVICE,
        "        await self._factory.empty()\n",
        "",
        "tests.test_service",
    ),
    Mutation(
        "do not wait for the mailbox",
        _SERVICE,
        "await self._mailbox.close()",
        "self._mailbox.close()",
        "tests.test_service",
    ),
    Mutation(
        "stop without a deadline",
        _SERVICE,
        "            self._clock.callLater(self._grace, self._hurry),\n",
        "",
        "tests.test_service",
    ),
    Mutation(
        "let readers use up all of the grace",
        _SERVICE,
        "            self._clock.callLater(self._grace / 2, self._factory.cut_reading_short),\n",
        "",
        "tests.test_service",
    ),
    Mutation(
        "stop without a last resort",
        _SERVICE,
        "        self._deadlines.append(self._clock.callLater(LAST_RESORT, self._give_up))\n",
        "",
        "tests.test_service",
    ),
    Mutation(
        "reset whoever is slow at the end of the grace",
        _SERVICE,
        "        self._broker.cut_short()\n",
        "        self._factory.abort()\n",
        "tests.test_service",
    ),
)
