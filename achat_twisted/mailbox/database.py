"""The mailbox's file: all that is asked of SQLite, in one place.

Strategy: nothing here knows of Deferreds or threads. Each call is one transaction, or less, and
the caller sees to it that there is one at a time. A failure is a C{sqlite3.Error}.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from achat_twisted.mailbox import row_tables, tag_tables
from achat_twisted.mailbox.batch import Batch
from achat_twisted.mailbox.changes import write
from achat_twisted.mailbox.checkup import explain, explain_failure, look_over
from achat_twisted.mailbox.files import Files
from achat_twisted.mailbox.layout import MAIL_CLOCK, SCHEMA, Schema, transaction
from achat_twisted.mailbox.mail_clock import Standing
from achat_twisted.mailbox.page import Page
from achat_twisted.mailbox.recovery import recover
from achat_twisted.mailbox.shared import SharedRow
from achat_twisted.mailbox.tags import Tag
from achat_twisted.tools.errors import Unusable

_PRAGMAS = """
PRAGMA locking_mode=EXCLUSIVE;
PRAGMA journal_mode=WAL;
PRAGMA wal_autocheckpoint=4000;
PRAGMA cache_size=-16384;
PRAGMA temp_store=MEMORY;
"""

_REASONS = (sqlite3.Error, OSError, ValueError)
"""The errors of a file that cannot be used; all others are bugs."""


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
                self._prepare(version)
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

    def _prepare(self, version: int) -> None:
        self._sql.executescript(_PRAGMAS)
        self._sql.execute(f"PRAGMA synchronous={'FULL' if self.durable else 'NORMAL'}")
        self._schema.lay_out(self._sql, self.path, version)
        with transaction(self._sql):
            self._sql.execute(MAIL_CLOCK)
            recover(self._sql)

    def mail(self) -> list[Mail]:
        """Every name, the longest known first, with the mail there is for it."""
        return [
            Mail(*facts)
            for facts in self._sql.execute(
                "SELECT name.id, name.name, count(line), coalesce(sum(length(line)), 0),"
                " coalesce(min(position), first), coalesce(min(since), 0), coalesce(max(since), 0)"
                " FROM name LEFT JOIN copy ON copy.name = name.id GROUP BY name.id ORDER BY name.id"
            )
        ]

    def tags(self) -> list[tuple[int, Tag]]:
        return tag_tables.read(self._sql)

    def shared(self, names: Mapping[int, str]) -> list[SharedRow]:
        """Each row with several readers.

        @param names: by id.
        """
        return row_tables.read(self._sql, names)

    def vouch_no_more(self) -> None:
        """Hold no tag and no era any more, also after a crash of the machine.

        @raise OSError: if the disk does not take it.
        """
        with transaction(self._sql):
            tag_tables.forget_all(self._sql)
            row_tables.forget_eras(self._sql)
        self.sync()

    def commit(self, batch: Batch) -> None:
        """Make all these changes, or none of them.

        They may be made again, which changes nothing.

        @raise Gone: if they were not made where the next start would find them.
        """
        try:
            with transaction(self._sql):
                write(self._sql, batch)
            batch.forget_records()  # even if the file has gone, as SQLite has them
        finally:
            self._files.check()

    def page(self, name: int, first: int, size: int) -> Page:
        """The lines for C{name} from position C{first} on, about C{size} bytes of them, and up to
        the first that is not here.
        """
        entries = self._sql.execute(
            "SELECT position, line, since FROM copy WHERE name = ? AND position >= ?"
            " ORDER BY position",
            (name, first),
        )
        page = Page()
        with closing(entries):
            for position, line, since in entries:
                if position != first + len(page) or size <= 0:
                    break
                page.add(line, since)
                size -= len(line)
        return page

    def count(self) -> int:
        (copies,) = self._sql.execute("SELECT count(*) FROM copy").fetchone()
        return int(copies)

    def kept_in_shared_rows(self) -> int:
        """The number of copies in rows with several readers, as their cursors tell."""
        return row_tables.kept(self._sql)

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
        standing = self._sql.execute("SELECT mail, wall FROM mail_clock").fetchone()
        return standing and Standing(*standing)

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
        return explain_failure(error, self._files)

    def close(self) -> None:
        self._sql.close()
        self._files.close()
