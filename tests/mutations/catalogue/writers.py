"""Outboxes and writers: all that waits, all that has arrived, and all that is left."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_OUTBOX = "achat_twisted/broker/outbox.py"
_WRITER = "achat_twisted/broker/writer.py"
_TESTS = "tests.broker.test_writer"

WRITERS = (
    Mutation(
        "forget the tail",
        _WRITER,
        "return bytes(self._tail) + self._outbox.left()",
        "return self._outbox.left()",
        _TESTS,
    ),
    Mutation(
        "hand the tail back behind what waits",
        _WRITER,
        "return bytes(self._tail) + self._outbox.left()",
        "return self._outbox.left() + bytes(self._tail)",
        _TESTS,
    ),
    Mutation(
        "forget what waits in the outbox",
        _OUTBOX,
        'return b"".join([*self._waiting(), *(self._sealed or ()), *(self._batch or ())])',
        'return b""',
        "tests.broker.test_outbox",
    ),
    Mutation(
        "forget what waits for a commit",
        _OUTBOX,
        'return b"".join([*self._waiting(), *(self._sealed or ()), *(self._batch or ())])',
        'return b"".join([*self._waiting(), *(self._batch or ())])',
        "tests.broker.test_outbox",
    ),
    Mutation(
        "end ahead of what is queued",
        _OUTBOX,
        "        self._is_ending = True\n",
        "        self._is_ending = self.has_ended = True\n",
        "tests.broker.test_outbox",
    ),
    Mutation(
        "release what has come since the seal",
        _OUTBOX,
        '        batch = b"".join(self._sealed or ())\n',
        '        batch = b"".join([*(self._sealed or ()), *(self._batch or ())])\n'
        "        self._batch = None\n",
        "tests.broker.test_outbox",
    ),
    Mutation(
        "write behind the farewell",
        _WRITER,
        "        if self._has_ended:\n            return\n        batch",
        "        batch",
        _TESTS,
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
        "look away from what arrived before the connection was lost",
        _WRITER,
        "        try:\n            self.prune()\n",
        "        try:\n            pass\n",
        _TESTS,
    ),
    Mutation(
        "write on when the connection is lost",
        _WRITER,
        "            self._work.cancel()\n        try:\n",
        "            pass\n        try:\n",
        _TESTS,
    ),
    Mutation(
        "leave lines that were handed back in the outbox",
        _OUTBOX,
        "        self._batch = self._sealed = None\n        self._queue = None\n",
        "",
        "tests.broker.test_outbox",
    ),
    Mutation(
        "look away from the last acknowledgement",
        _WRITER,
        "        await self._outlet.finish(last)\n        self.prune()\n",
        "        await self._outlet.finish(last)\n",
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
        "            self.prune(unwritten=size)\n        room = self._outlet.write(batch)\n",
        "            self.prune(unwritten=size)\n"
        "        del self._tail[-len(batch) :]\n"
        "        room = self._outlet.write(batch)\n"
        "        self._tail += batch\n",
        _TESTS,
    ),
    Mutation(
        "do not wait for room",
        _WRITER,
        "            await self._wait_for(room)\n",
        "",
        _TESTS,
    ),
    Mutation(
        "leave who gets low by a withdrawal behind",
        _OUTBOX,
        "        return self.written(sum(map(len, lines)))\n",
        "        self.size -= sum(map(len, lines))\n        return False\n",
        "tests.broker.test_outbox",
    ),
    Mutation(
        "write past what waits",
        _WRITER,
        "        if self._work is not None:\n            if batch:",
        "        if False:\n            if batch:",
        _TESTS,
    ),
    Mutation(
        "write at once though there is no room",
        _WRITER,
        "            while room is None and self._outbox.has_waiting:",
        "            while self._outbox.has_waiting:",
        _TESTS,
    ),
    Mutation(
        "write never at once again",
        _WRITER,
        "        self._work = None\n\n",
        "        pass\n\n",
        _TESTS,
    ),
    Mutation(
        "take a write that failed for one that did not",
        _WRITER,
        "            self._end(Failure())\n            return\n",
        "            return\n",
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
        'last = b"".join(line for line in _lines(self._outbox.left()) if _is_notice(line))',
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
