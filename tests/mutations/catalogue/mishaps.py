"""Mishaps of a mailbox in a file: files that go, disks that fail, systems without threads."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_NEWCOMERS = "achat_twisted/login/newcomers.py"
_ANSWERS = "achat_twisted/broker/answers.py"
_COMMITTER = "achat_twisted/mailbox/committer.py"
_DATABASE = "achat_twisted/mailbox/database.py"
_ENDING = "achat_twisted/mailbox/ending.py"
_FILES = "achat_twisted/mailbox/files.py"
_TESTS = "tests.mailbox.test_files"

MISHAPS = (
    Mutation(
        "commit into a file that nobody finds again",
        _DATABASE,
        "            self._files.check()\n",
        "            pass\n",
        _TESTS,
    ),
    Mutation(
        "commit into a log that nobody finds again",
        _FILES,
        "        if not self.has_wal:\n            raise Gone(self.wal)\n",
        "",
        _TESTS,
    ),
    Mutation(
        "save mail over the file that somebody has put there",
        _FILES,
        "        while place.exists():\n",
        "        while False:\n",
        _TESTS,
    ),
    Mutation(
        "leave half of the mail in a log that belongs to no file",
        _DATABASE,
        '        self._sql.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()\n',
        "",
        _TESTS,
    ),
    Mutation(
        "save no mail when its file has gone",
        _ENDING,
        "        if outcome.check(Gone):\n",
        "        if False:\n",
        "tests.mailbox.test_mailbox",
    ),
    Mutation(
        "count lines as kept that could not be written at the end",
        "achat_twisted/mailbox/sqlite.py",
        "return super().copies() - self._lost",
        "return super().copies()",
        "tests.mailbox.test_mailbox",
    ),
    Mutation(
        "close the ledger before the mailbox",
        "achat_twisted/server/service.py",
        "        await self._mailbox.close()  # it logs what is lost, which is not kept\n"
        "        balance = self._broker.balance()\n",
        "        balance = self._broker.balance()\n        await self._mailbox.close()\n",
        "tests.server.test_service",
    ),
    Mutation(
        "use files that others can write",
        "achat_twisted/tools/rights.py",
        "    if mode & (S_IWGRP | S_IWOTH):\n",
        "    if False:\n",
        f"{_TESTS} tests.tools.test_watched_file",
    ),
    Mutation(
        "say nothing of files that others can read",
        "achat_twisted/tools/rights.py",
        "    if mode & (S_IRWXG | S_IRWXO):\n",
        "    if False:\n",
        f"{_TESTS} tests.tools.test_watched_file",
    ),
    Mutation(
        "call a disk that cannot be read a damaged mailbox",
        "achat_twisted/mailbox/checkup.py",
        "            files.read_through()\n",
        "            pass\n",
        _TESTS,
    ),
    Mutation(
        "leave to a power cut all since the last checkpoint",
        _COMMITTER,
        "self._sync = self._clock.callLater(SYNC, self._ask_for_sync)",
        "pass",
        "tests.mailbox.test_committer",
    ),
    Mutation(
        "never begin again what found no thread",
        _COMMITTER,
        "self._not_begun = self._clock.callLater(RETRY, self._begin, batch, questions)",
        "self._not_begun = self._clock.callLater(1e9, self._begin, batch, questions)",
        "tests.mailbox.test_committer",
    ),
    Mutation(
        "lose at the stop what found no thread",
        _COMMITTER,
        "        elif self._running:\n            self._take_back(self._committing)\n",
        "",
        "tests.mailbox.test_committer",
    ),
    Mutation(
        "raise in whoever has work for a thread",
        "achat_twisted/tools/threads.py",
        "except (RuntimeError, MemoryError):",
        "except MemoryError:",
        "tests.tools.test_threads",
    ),
    Mutation(
        "wait at the stop for threads that never were",
        "achat_twisted/tools/threads.py",
        "            return\n        self._threads.append(thread)",
        "            pass\n        self._threads.append(thread)",
        "tests.tools.test_threads",
    ),
    Mutation(
        "have one thread work while others could",
        "achat_twisted/tools/threads.py",
        "if len(self._threads) <= self._unfinished and",
        "if not self._threads and",
        "tests.tools.test_threads",
    ),
    Mutation(
        "start a thread for each piece of work",
        "achat_twisted/tools/threads.py",
        "        self._unfinished -= 1\n",
        "",
        "tests.tools.test_threads",
    ),
    Mutation(
        "call a bug what is a want of threads",
        "achat_twisted/login/passwords.py",
        ".addErrback(_unavailable)",
        "",
        "tests.login.test_passwords",
    ),
    Mutation(
        "say that a line is kept before it is safe",
        _ANSWERS,
        'if notice.word == "kept":',
        "if False:",
        "tests.broker.test_durable",
    ),
    Mutation(
        "promise out of order",
        _ANSWERS,
        "        if self.withheld:\n            self.withheld += (answer,)\n",
        "        if False:\n            self.withheld += (answer,)\n",
        "tests.broker.test_durable",
    ),
    Mutation(
        "expect strangers for ever",
        _NEWCOMERS,
        "if not self._left or self._clock.seconds() >= self._end:",
        "if not self._left:",
        "tests.login.test_newcomers",
    ),
    Mutation(
        "expect strangers without end",
        _NEWCOMERS,
        "not self._left or ",
        "",
        "tests.login.test_newcomers",
    ),
    Mutation(
        "keep mail for names that nobody can have",
        _NEWCOMERS,
        "            wire.check_name(name)\n",
        "            pass\n",
        "tests.login.test_newcomers",
    ),
    Mutation(
        "look for the log beside the link",
        _FILES,
        "    file = path.resolve()\n",
        "    file = path\n",
        _TESTS,
    ),
)
