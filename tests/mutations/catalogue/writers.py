"""What waits in an outbox, what a writer knows to have arrived, and what the two leave."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_OUTBOX = "achat_twisted/broker/outbox.py"
_WRITER = "achat_twisted/broker/writer.py"
_TESTS = "tests.broker.test_writer"

WRITERS = (
    Mutation(
        "forget the tail",
        _WRITER,
        "return bytes(self._tail) + self._outbox.unfetched()",
        "return self._outbox.unfetched()",
        _TESTS,
    ),
    Mutation(
        "hand the tail back behind what waits",
        _WRITER,
        "return bytes(self._tail) + self._outbox.unfetched()",
        "return self._outbox.unfetched() + bytes(self._tail)",
        _TESTS,
    ),
    Mutation(
        "forget what waits in the outbox",
        _OUTBOX,
        'return b"".join([*queued, *(self._sealed or ()), *(self._batch or ())])',
        'return b""',
        "tests.broker.test_outbox",
    ),
    Mutation(
        "forget what waits for a commit",
        _OUTBOX,
        'return b"".join([*queued, *(self._sealed or ()), *(self._batch or ())])',
        'return b"".join([*queued, *(self._batch or ())])',
        "tests.broker.test_outbox",
    ),
    Mutation(
        "end ahead of what is queued",
        _OUTBOX,
        """\
        self._ending = True
""",
        """\
        self._ending = True
        self._queue.put(None)
""",
        "tests.broker.test_outbox",
    ),
    Mutation(
        "release what has come since the seal",
        _OUTBOX,
        "        if self._sealed:\n",
        "        self._sealed += self._batch\n        self._batch = []\n        if self._sealed:\n",
        "tests.broker.test_outbox",
    ),
    Mutation(
        "write on when shut",
        _OUTBOX,
        "        if self._shut:\n            return succeed(None)\n",
        "",
        "tests.broker.test_outbox",
    ),
    Mutation(
        "count written as delivered",
        _WRITER,
        "len(self._tail) - unwritten - self._outlet.outstanding())",
        "len(self._tail) - unwritten)",
        _TESTS,
    ),
    Mutation(
        "prune one line too many",
        _WRITER,
        r'self._tail.rfind(b"\n", 0, acknowledged) + 1',
        r'self._tail.find(b"\n", acknowledged) + 1',
        _TESTS,
    ),
    Mutation(
        "count half a line as delivered",
        _WRITER,
        r'self._tail.rfind(b"\n", 0, acknowledged) + 1',
        r'self._tail.find(b"\n", acknowledged - 1) + 1',
        _TESTS,
    ),
    Mutation(
        "prune one line too few",
        _WRITER,
        r'self._tail.rfind(b"\n", 0, acknowledged) + 1',
        r'self._tail.rfind(b"\n", 0, acknowledged - 1) + 1',
        _TESTS,
    ),
    Mutation(
        "look away from the last acknowledgement",
        _WRITER,
        "self._deadline.cancel()\n        self.prune()",
        "self._deadline.cancel()",
        _TESTS,
    ),
    Mutation(
        "never look while it streams",
        _WRITER,
        "if len(self._tail) > self._ask_at:",
        "if False:",
        _TESTS,
    ),
    Mutation(
        "remember a batch when it is written, not before",
        _WRITER,
        """\
            self.prune(unwritten=size)
        self._room = self._outlet.write(batch)
""",
        """\
            self.prune(unwritten=size)
        del self._tail[-len(batch) :]
        self._room = self._outlet.write(batch)
        self._tail += batch
""",
        _TESTS,
    ),
    Mutation(
        "do not wait for room",
        _WRITER,
        "            await self._has_room()\n",
        "",
        _TESTS,
    ),
    Mutation(
        "leave who gets low by a withdrawal behind",
        _OUTBOX,
        "self.written(sum(map(len, lines)))",
        "self.size -= sum(map(len, lines))",
        "tests.broker.test_outbox",
    ),
    Mutation(
        "write past what waits",
        _OUTBOX,
        "if not self._is_idle:",
        "if False:",
        "tests.broker.test_outbox",
    ),
    Mutation(
        "write at once though there is no room",
        _OUTBOX,
        "elif not write(batch):",
        "elif not write(batch) and False:",
        "tests.broker.test_outbox",
    ),
    Mutation(
        "write never at once again",
        _OUTBOX,
        "self._is_idle = not self._queue.pending",
        "pass",
        "tests.broker.test_outbox",
    ),
    Mutation(
        "take a write that failed for one that did not",
        _WRITER,
        "            self._failure = Failure()\n",
        "",
        "tests.broker.test_broker",
    ),
    Mutation(
        "close before all has arrived",
        _WRITER,
        "await self._outlet.finish(last)",
        "self._outlet.finish(last)",
        _TESTS,
    ),
    Mutation(
        "drop the notices that wait at the end",
        _WRITER,
        'last = b"".join(line for line in _lines(self._outbox.unfetched()) if _is_notice(line))',
        'last = b""',
        _TESTS,
    ),
    Mutation(
        "hand notices back as mail",
        _WRITER,
        "for line in _lines(self._unacknowledged()) if not _is_notice(line)]",
        "for line in _lines(self._unacknowledged())]",
        _TESTS,
    ),
    Mutation(
        "wait for ever for a peer that takes nothing",
        _WRITER,
        "        self._watch()\n        try",
        "        try",
        _TESTS,
    ),
    Mutation(
        "let a slow peer go",
        _WRITER,
        "if self._outlet.outstanding() < outstanding:",
        "if self._outlet.outstanding() == 0:",
        _TESTS,
    ),
)
