"""The mailbox's file: all that is asked of SQLite, in one place.

Strategy: nothing here knows of Deferreds or threads. Each call is one transaction, or less, and
the caller sees to it that there is one at a time. A failure is a C{sqlite3.Error}.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib.resources import files
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

from achat_twisted.mailbox.batch import Batch, Span
from achat_twisted.mailbox.checkup import APPLICATION, explain, explain_failure, look_over
from achat_twisted.mailbox.files import Files
from achat_twisted.mailbox.mail_clock import Standing
from achat_twisted.mailbox.page import Page
from achat_twisted.mailbox.tags import Saved, Tag
from achat_twisted.wire.tags import Verdict

_PRAGMAS = """
PRAGMA locking_mode=EXCLUSIVE;
PRAGMA journal_mode=WAL;
PRAGMA wal_autocheckpoint=4000;
PRAGMA cache_size=-16384;
PRAGMA temp_store=MEMORY;
"""

_NAME = "INSERT OR REPLACE INTO name (id, name) VALUES (?, ?)"

_FIRST = "UPDATE name SET first = ? WHERE id = ?"

_TAG = "INSERT OR REPLACE INTO tag VALUES (?, ?, ?, ?, ?, ?)"

_REFUSAL = "INSERT INTO refusal VALUES (?, ?, ?, ?, ?, ?, ?)"

_TAGS = ("tag", "refusal")
"""The tables in which rows belong to a tag."""

_FORGOTTEN = "DELETE FROM name WHERE id = ?"

_ARRIVED = "DELETE FROM copy WHERE name = ? AND position < ?"

_STRUCK = "DELETE FROM record WHERE id BETWEEN ? AND ?"

_STANDING = "INSERT OR REPLACE INTO mail_clock VALUES (1, ?, ?)"

_AT_ONCE = 50
"""Rows that are written with one statement, as each waits for the interpreter's lock once."""

_REASONS = (sqlite3.Error, OSError, ValueError)
"""The errors of a file that cannot be used; all others are bugs."""


class Unusable(Exception):
    """A file that cannot be the mailbox; it says why, and was not changed."""


@dataclass(frozen=True)
class Schema:
    """The layout of the file.

    @ivar script: the SQL that lays out a new file.
    @ivar upgrades: the SQL that makes a file of version 1 one of version 2, and so on.
    """

    script: str
    upgrades: Sequence[str] = ()

    @property
    def version(self) -> int:
        return 1 + len(self.upgrades)


_FILES = files(__package__)

SCHEMA = Schema(
    (_FILES / "schema.sql").read_text(),
    [(_FILES / "record.sql").read_text() + (_FILES / "tags.sql").read_text()],
)

_MAIL_CLOCK = (_FILES / "mail_clock.sql").read_text()


def _ranges(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """The first and the last of each of the ranges that they make, as SQLite deletes a range in a
    third of the time.
    """
    there = {*numbers}
    firsts = sorted(n for n in there if n - 1 not in there)
    lasts = sorted(n for n in there if n + 1 not in there)
    return [*zip(firsts, lasts, strict=True)]


class Mail(NamedTuple):
    """A name, and the mail in the file for it."""

    id: int
    name: str
    copies: int
    size: int
    first: int
    oldest: float
    newest: float


class Database:
    """One mailbox file, open, and locked against any other server.

    @ivar durable: true if each commit outlives a crash of the machine; else L{sync} makes it.
    """

    def __init__(self, path: Path, *, durable: bool, schema: Schema = SCHEMA) -> None:
        """Open the file, or make it, and bring it to this version.

        @param durable: true if a commit outlives a crash of the machine, and not just of the
            server.
        @raise Unusable: if that cannot be done.
        """
        self.path = path
        self.durable = durable
        self._schema = schema
        files = None
        try:
            self._files = files = Files(path)
            version = look_over(path, schema.version)
            self._sql = sqlite3.connect(
                path, timeout=0, isolation_level=None, check_same_thread=False
            )
            try:
                self._prepare(path, version, durable)
                files.opened()
            except BaseException:
                self._sql.close()
                raise
        except BaseException as error:
            why = explain(error, files) if isinstance(error, _REASONS) else ""
            if files is not None:
                files.close()
            if not why:
                raise
            raise Unusable(f"the mailbox {path} cannot be used: {why}") from error

    def _prepare(self, path: Path, version: int, durable: bool) -> None:
        self._sql.executescript(_PRAGMAS)
        self._sql.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
        if version == 0:
            self._lay_out([self._schema.script, *self._schema.upgrades])
        elif version < self._schema.version:
            backup = path.with_name(f"{path.name}.version-{version}")
            backup.unlink(missing_ok=True)
            self._sql.execute("VACUUM INTO ?", (str(backup),))
            os.chmod(backup, 0o600)
            self._lay_out(self._schema.upgrades[version - 1 :])
        with self._transaction():
            self._sql.execute(_MAIL_CLOCK)
            self._keep_records()
            self._sql.execute(
                "DELETE FROM copy WHERE name IN (SELECT name FROM tag)"
                " AND position < (SELECT first FROM name WHERE id = copy.name)"
            )
            self._close_gaps()

    def _lay_out(self, steps: Sequence[str]) -> None:
        """Bring the file to this version, in one transaction."""
        try:
            self._sql.executescript(
                f"BEGIN IMMEDIATE; {''.join(steps)}"
                f"PRAGMA application_id={APPLICATION};"
                f"PRAGMA user_version={self._schema.version}; COMMIT"
            )
        except sqlite3.Error:
            self._undo()
            raise

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All of it, or none."""
        self._sql.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._sql.execute("COMMIT")
        except BaseException:
            self._undo()
            raise

    def _undo(self) -> None:
        if self._sql.in_transaction:  # some errors have ended it already
            self._sql.execute("ROLLBACK")

    def _keep_records(self) -> None:
        """Keep the lines that were on their way to somebody when the server before this crashed.

        One of version 1 says not when; it came after the mail clock was noted, by ten minutes at
        most.
        """
        batch = Batch()
        for name, first, since, lines, copies in self._sql.execute(
            "SELECT name, position, coalesce(nullif(since, 0), mail, 0), lines, copies"
            " FROM record LEFT JOIN mail_clock ORDER BY record.id"
        ):
            batch.add(Span(name, first, since, lines, copies))
        self._write(batch)
        self._sql.execute("DELETE FROM record")

    def _close_gaps(self) -> None:
        """Let each name's copies stand in a row without gaps, as all else takes for granted.

        A crash leaves a gap where copies went straight to their name between two that were kept.
        """
        gapped = self._sql.execute(
            "SELECT name, max(position) FROM copy GROUP BY name"
            " HAVING max(position) - min(position) >= count(*)"
        ).fetchall()
        for name, last in gapped:
            self._sql.execute(
                "INSERT INTO copy SELECT name, ? + row_number() OVER (ORDER BY position), since,"
                " line FROM copy WHERE name = ?",
                (last, name),
            )
            self._sql.execute("DELETE FROM copy WHERE name = ? AND position <= ?", (name, last))

    def mail(self) -> list[Mail]:
        """Every name, the longest known first, with the mail there is for it."""
        return [
            Mail(*row)
            for row in self._sql.execute(
                "SELECT name.id, name.name, count(line), coalesce(sum(length(line)), 0),"
                " coalesce(min(position), first), coalesce(min(since), 0), coalesce(max(since), 0)"
                " FROM name LEFT JOIN copy ON copy.name = name.id GROUP BY name.id ORDER BY name.id"
            )
        ]

    def tags(self) -> list[tuple[int, Tag]]:
        """Each tag with its name's id, the one unused for longest first."""
        tags = {
            (id_, name): Tag(name, *row)
            for id_, name, *row in self._sql.execute(
                "SELECT name, tag, era, lines, heard, used FROM tag ORDER BY used"
            )
        }
        for id_, name, *row in self._sql.execute("SELECT * FROM refusal ORDER BY first, last"):
            if (id_, name) in tags:  # or else somebody has deleted the tag by hand
                tags[id_, name].refuse(Verdict(*row))
        return [(id_, tag) for (id_, _), tag in tags.items()]

    def forget_tags(self) -> None:
        """Hold no tag any more, also after a crash of the machine.

        @raise OSError: if the disk does not take it.
        """
        with self._transaction():
            for table in _TAGS:
                self._sql.execute(f"DELETE FROM {table}")
        self.sync()

    def commit(self, batch: Batch) -> None:
        """Make all these changes, or none of them.

        They may be made again, which changes nothing.

        @raise Gone: if they were not made where the next start would find them.
        """
        try:
            with self._transaction():
                self._write(batch)
            batch.forget_records()  # even if the file has gone, as SQLite has them
        finally:
            self._files.check()

    def _write(self, batch: Batch) -> None:
        self._insert("copy", (row for span in batch for row in span.rows()))
        self._insert("record (id, name, position, copies, since, lines)", batch.records)
        names = batch.names.items()
        for statement, rows in (
            (_NAME, [(id_, name) for id_, name in names if name is not None]),
            (_ARRIVED, [*batch.arrived.items()]),
            (_FORGOTTEN, [(id_,) for id_, name in names if name is None]),
            (_STANDING, [batch.standing] if batch.standing else []),
            (_STRUCK, _ranges(batch.struck)),
            (_FIRST, [(first, id_) for id_, first in batch.firsts.items()]),
        ):
            if rows:
                self._sql.executemany(statement, rows)
        if batch.saved:
            self._write_tags(batch.saved)
        for id_, name in names:
            if name is None:
                for table in _TAGS:
                    self._sql.execute(f"DELETE FROM {table} WHERE name = ?", (id_,))

    def _write_tags(self, tags: Mapping[tuple[int, str], Saved | None]) -> None:
        for table in _TAGS:
            self._sql.executemany(f"DELETE FROM {table} WHERE name = ? AND tag = ?", tags)
        for key, saved in tags.items():
            if saved is not None:
                *row, refusals = saved
                self._sql.execute(_TAG, (*key, *row))
                self._sql.executemany(
                    _REFUSAL,
                    [
                        (*key, each.first, each.last, each.word, each.subject, each.copies)
                        for each in refusals  # without the deep copies of astuple()
                    ],
                )

    def _insert(self, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Add rows, except those whose places are taken, as they are there already."""
        left = iter(rows)
        while some := [*islice(left, _AT_ONCE)]:
            places = f"({', '.join('?' * len(some[0]))})"
            self._sql.execute(
                f"INSERT INTO {table} VALUES {', '.join([places] * len(some))}"
                " ON CONFLICT DO NOTHING",
                [*chain.from_iterable(some)],
            )

    def page(self, name: int, first: int, size: int) -> Page:
        """The lines for C{name} from position C{first} on, about C{size} bytes of them, and up to
        the first that is not here.
        """
        rows = self._sql.execute(
            "SELECT position, line, since FROM copy WHERE name = ? AND position >= ?"
            " ORDER BY position",
            (name, first),
        )
        page = Page()
        with closing(rows):
            for position, line, since in rows:
                if position != first + len(page) or size <= 0:
                    break
                page.add(line, since)
                size -= len(line)
        return page

    def count(self) -> int:
        """The number of copies in the file."""
        (copies,) = self._sql.execute("SELECT count(*) FROM copy").fetchone()
        return int(copies)

    def old(self, name: int, first: int, before: float) -> tuple[int, int, float]:
        """The copies for C{name} from position C{first} on, up to one that was kept at C{before} or
        later.

        @return: their number, their bytes, and when the oldest of the rest was kept.
        """
        (end,) = self._sql.execute(
            "SELECT min(position) FROM copy WHERE name = ? AND position >= ? AND since >= ?",
            (name, first, before),
        ).fetchone()
        copies, size = self._sql.execute(
            "SELECT count(*), coalesce(sum(length(line)), 0) FROM copy WHERE name = :name"
            " AND position >= :first AND (:end IS NULL OR position < :end)",
            {"name": name, "first": first, "end": end},
        ).fetchone()
        (oldest,) = self._sql.execute(
            "SELECT coalesce(min(since), 0) FROM copy WHERE name = ? AND position >= ?",
            (name, first if end is None else end),
        ).fetchone()
        return copies, size, 0.0 if end is None else oldest

    def standing(self) -> Standing | None:
        """The last noted standing of the mail clock; None if there is none."""
        row = self._sql.execute("SELECT mail, wall FROM mail_clock").fetchone()
        return None if row is None else Standing(*row)

    def rejuvenate(self, now: float) -> None:
        """Set all stamps later than C{now} back to it, whatever clock they came from."""
        self._sql.execute("UPDATE copy SET since = :now WHERE since > :now", {"now": now})

    def missing(self, places: Iterable[tuple[int, int]]) -> int:
        """The number of these places whose lines are neither copies nor in a record."""
        recorded = {
            (name, position)
            for name, first, copies in self._sql.execute(
                "SELECT name, position, copies FROM record"
            )
            for position in range(first, first + copies)
        }
        return sum(
            place not in recorded
            and not self._sql.execute(
                "SELECT 1 FROM copy WHERE name = ? AND position = ?", place
            ).fetchone()
            for place in places
        )

    def sync(self) -> None:
        """Have all that was committed outlive a crash of the machine.

        @raise OSError: if the disk does not take it.
        """
        self._files.sync()

    def rescue(self) -> Path:
        """Bring all that was committed to where the next start finds it, though a file has gone.

        @return: the file that has it all now: the database itself if only the WAL has gone, or
            else a copy.
        @raise OSError: if it cannot be written.
        """
        # The file that was opened is to have it all, wherever that is now.
        self._sql.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if self._files.has_database:
            return self.path
        copy = self._files.place_for_rescue()
        try:
            self._sql.execute("VACUUM INTO ?", (str(copy),))
            with copy.open("rb") as file:
                os.fsync(file.fileno())
        except BaseException:
            copy.unlink()
            raise
        return copy

    def explain(self, error: Exception) -> str:
        """The meaning of an error that was raised here, for the log."""
        return explain_failure(error, self._files)

    def close(self) -> None:
        self._sql.close()
        self._files.close()
