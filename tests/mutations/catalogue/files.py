"""Mail in a file: what is in it, and what is said to be."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_BATCH = "achat_twisted/mailbox/batch.py"
_CHECKUP = "achat_twisted/mailbox/checkup.py"
_COMMITTER = "achat_twisted/mailbox/committer.py"
_DATABASE = "achat_twisted/mailbox/database.py"
_SQLITE = "achat_twisted/mailbox/sqlite.py"
_TESTS = "tests.mailbox.test_mailbox.SqliteMailboxTests"
_FILE = "tests.mailbox.test_database"
_GATHERING = "tests.mailbox.test_batch"

FILES = (
    Mutation(
        "leave in the file what has arrived",
        _SQLITE,
        "        if in_file:\n            self._arrived(row)\n",
        "",
        _TESTS,
    ),
    Mutation(
        "delete one row too many",
        _SQLITE,
        "self._committer.batch.arrived[row.id] = row.start",
        "self._committer.batch.arrived[row.id] = row.start + 1",
        _TESTS,
    ),
    Mutation(
        "delete what has arrived for somebody else",
        _DATABASE,
        "DELETE FROM copy WHERE name = ? AND position < ?",
        "DELETE FROM copy WHERE name >= ? AND position < ?",
        _TESTS,
    ),
    Mutation(
        "leave the gaps of a crash",
        _DATABASE,
        "            self._close_gaps()\n",
        "            pass\n",
        _TESTS,
    ),
    Mutation(
        "close gaps in another order",
        _DATABASE,
        "row_number() OVER (ORDER BY position)",
        "row_number() OVER (ORDER BY position DESC)",
        _TESTS,
    ),
    Mutation(
        "hand back without a record",
        _SQLITE,
        "add(Span(row.id, row.start, now, together, len(lines)))",
        "pass",
        _TESTS,
    ),
    Mutation(
        "write a run as one copy",
        _BATCH,
        "enumerate(self.split(), self.first)",
        "enumerate([self.lines], self.first)",
        _FILE,
    ),
    Mutation(
        "write a run in the places of another",
        _BATCH,
        "enumerate(self.split(), self.first)",
        "enumerate(self.split(), self.first + 1)",
        _FILE,
    ),
    Mutation(
        "write a copy where one stands already",
        _DATABASE,
        '" ON CONFLICT DO NOTHING",',
        '"".replace("INSERT", "REPLACE"),',
        _FILE,
    ),
    Mutation(
        "forget what was on its way when the server crashed",
        _DATABASE,
        "            self._keep_records()\n",
        "",
        _FILE,
    ),
    Mutation(
        "let what was on its way at a crash be older than the rest",
        _DATABASE,
        "coalesce(nullif(since, 0), mail, 0), lines",
        "0.0, lines",
        _FILE,
    ),
    Mutation(
        "keep records for another crash",
        _DATABASE,
        '        self._sql.execute("DELETE FROM record")\n',
        "",
        _FILE,
    ),
    Mutation(
        "leave records of what has arrived in the file",
        _SQLITE,
        "        self._strike(row, row.start)\n",
        "",
        _TESTS,
    ),
    Mutation(
        "strike out a run of which a part has arrived",
        _SQLITE,
        "[*takewhile(before.__ge__, row.records or ())]",
        "[*(row.records or ())]",
        _TESTS,
    ),
    Mutation(
        "strike out what stands between",
        _DATABASE,
        "firsts = sorted(n for n in there if n - 1 not in there)",
        "firsts = [min(there, default=0) for n in there if n - 1 not in there]",
        _FILE,
    ),
    Mutation(
        "leave records of what is handed back",
        _SQLITE,
        "        self._strike(row, row.end)\n",
        "",
        _TESTS,
    ),
    Mutation(
        "count recorded lines as lost",
        _DATABASE,
        "            place not in recorded\n            and not",
        "            not",
        _FILE,
    ),
    Mutation(
        "forget records with a commit that fails",
        _BATCH,
        "        self.records += later.records\n",
        "",
        _GATHERING,
    ),
    Mutation(
        "forget what was struck out with a commit that fails",
        _BATCH,
        "        self.struck += later.struck\n",
        "",
        _GATHERING,
    ),
    Mutation(
        "leave records in a file that had gone when they were struck out",
        _DATABASE,
        "            batch.forget_records()  # even if the file has gone, as SQLite has them\n",
        "",
        _TESTS,
    ),
    Mutation(
        "call a file safe that has gone, as nothing is left to be written",
        _COMMITTER,
        "if batch or self.failing else None",
        "if batch else None",
        _TESTS,
    ),
    Mutation(
        "take a place in a batch that is taken",
        _BATCH,
        "elif spans[-1].end <= span.first:",
        "elif True:",
        _GATHERING,
    ),
    Mutation(
        "forget what stands between what is in a batch",
        _BATCH,
        "            filled += self._piece(span, lines, first, taken.first)\n",
        "",
        _GATHERING,
    ),
    Mutation(
        "leap over a gap in a batch",
        _BATCH,
        "if span.first > first + len(page) or size <= 0:",
        "if size <= 0:",
        _GATHERING,
    ),
    Mutation(
        "forget a whole run of which the first has arrived",
        _BATCH,
        "spans[: len(gone)] = self._piece(last, last.split(), before, last.end)",
        "del spans[: len(gone)]",
        _GATHERING,
    ),
    Mutation(
        "hold what has arrived for ever",
        _BATCH,
        "        if self.size > self.tidy_at:\n            self.drop_arrived()\n\n    def seal",
        "\n    def seal",
        _GATHERING,
    ),
    Mutation(
        "hold records of what has arrived for ever",
        _BATCH,
        "        if self.size > self.tidy_at:\n            self.drop_arrived()\n\n    def _fill_in",
        "\n    def _fill_in",
        _GATHERING,
    ),
    Mutation(
        "hand back in a place that is taken",
        _SQLITE,
        "row.start = row.head = row.head - len(lines)",
        "row.start = row.head",
        _TESTS,
    ),
    Mutation(
        "give a page of mail twice",
        _SQLITE,
        "row.head = row.written = head + len(lines)",
        "row.written = head + len(lines)",
        _TESTS,
    ),
    Mutation(
        "leave the places of lines passed by to others",
        _SQLITE,
        "        row.head += copies\n        row.end += copies\n",
        "",
        _TESTS,
    ),
    Mutation(
        "count all of the file's mail as arrived at the start",
        _SQLITE,
        "            row.end += mail.copies\n",
        "",
        _TESTS,
    ),
    Mutation(
        "give a name's mail to another name",
        _SQLITE,
        "            self._last_id = mail.id\n",
        "",
        _TESTS,
    ),
    Mutation(
        "forget names at the restart",
        _SQLITE,
        "        self._committer.batch.names[self._last_id] = name\n",
        "",
        _TESTS,
    ),
    Mutation(
        "accept what a full disk does not take",
        _SQLITE,
        "if self._committer.failing or self._committer.batch.size > SATURATED:",
        "if self._committer.batch.size > SATURATED:",
        _TESTS,
    ),
    Mutation(
        "accept more than the disk takes, without end",
        _SQLITE,
        "if self._committer.failing or self._committer.batch.size > SATURATED:",
        "if self._committer.failing:",
        _TESTS,
    ),
    Mutation(
        "look only in the file while the disk is full",
        _SQLITE,
        "if not lines:  # what",
        "if row.head < row.start:  # what",
        _TESTS,
    ),
    Mutation(
        "leap over a gap between the file and what could not be written",
        _DATABASE,
        "if position != first + len(page) or size <= 0:",
        "if size <= 0:",
        _TESTS,
    ),
    Mutation(
        "let mail expire that cannot be marked off",
        _SQLITE,
        "        if self._committer.failing:\n            return None\n        self._note",
        "        self._note",
        _TESTS,
    ),
    Mutation(
        "let expire more than is counted",
        _SQLITE,
        "        self._rows.shrink(row, copies, size)\n        self._log",
        "        self._log",
        _TESTS,
    ),
    Mutation(
        "let young mail in the file expire with the old",
        _DATABASE,
        "(:end IS NULL OR position < :end)",
        "(:end IS NULL OR position < 100)",
        _TESTS,
    ),
    Mutation(
        "forget a batch that failed",
        _COMMITTER,
        "        batch.drop_arrived()\n        self.batch = batch\n",
        "        batch.drop_arrived()\n",
        "tests.mailbox.test_committer",
    ),
    Mutation(
        "forget what has come since a batch that fails",
        _COMMITTER,
        "        batch.absorb(self.batch)\n",
        "",
        "tests.mailbox.test_committer",
    ),
    Mutation(
        "do not wait for the commit",
        _COMMITTER,
        "        return committed\n",
        "        return None\n",
        "tests.mailbox.test_committer",
    ),
    Mutation(
        "wait for the commit before one's own",
        _COMMITTER,
        "(self._waiting if self.batch else self._riding)",
        "(self._riding if self._running else self._waiting)",
        "tests.mailbox.test_committer",
    ),
    Mutation(
        "call a commit that failed safe",
        _COMMITTER,
        "self._tell(False)",
        "self._tell(True)",
        "tests.mailbox.test_committer",
    ),
    Mutation(
        "never try a commit again",
        _COMMITTER,
        "if self.batch or self._questions or self.failing:",
        "if self._questions:",
        "tests.mailbox.test_committer",
    ),
    Mutation(
        "wait for ever for a disk",
        _COMMITTER,
        "self._late = self._clock.callLater(LATE, ",
        "self._late = self._clock.callLater(1e9, ",
        "tests.mailbox.test_committer",
    ),
    Mutation(
        "close without the last commit",
        "achat_twisted/mailbox/ending.py",
        "lambda database: commit(database, batch)",
        "lambda database: commit(database, Batch())",
        "tests.mailbox.test_committer",
    ),
    Mutation(
        "lose lines at the end in silence",
        _COMMITTER,
        "        if remains.lost:\n",
        "        if False:\n",
        _TESTS,
    ),
    Mutation(
        "commit half of what goes together",
        _DATABASE,
        """\
        except BaseException:
            self._undo()
            raise

    def _undo""",
        """\
        except BaseException:
            self._sql.execute("COMMIT")
            raise

    def _undo""",
        _FILE,
    ),
    Mutation(
        "two servers on one file",
        _DATABASE,
        "PRAGMA locking_mode=EXCLUSIVE;\n",
        "",
        _FILE,
    ),
    Mutation(
        "open a newer version's file",
        _CHECKUP,
        "if its_version > version:",
        "if its_version < 0:",
        _FILE,
    ),
    Mutation(
        "open somebody else's file",
        _CHECKUP,
        "if application != APPLICATION:",
        "if application is None:",
        _FILE,
    ),
    Mutation(
        "upgrade a file without a copy of it",
        _DATABASE,
        '            self._sql.execute("VACUUM INTO ?", (str(backup),))\n',
        "            backup.touch()\n",
        _FILE,
    ),
)
