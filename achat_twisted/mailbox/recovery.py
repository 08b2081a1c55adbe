"""The recovery of a mailbox's file after a crash: its copies stand in rows again."""

from __future__ import annotations

import sqlite3

from achat_twisted.mailbox.batch import Batch, Span
from achat_twisted.mailbox.changes import write
from achat_twisted.mailbox.shared import FORGOTTEN


def recover(sql: sqlite3.Connection) -> None:
    """Put copies in their places, in the transaction that runs; nothing, after an ordered stop."""
    _keep_records(sql)
    sql.execute(
        "DELETE FROM copy WHERE name IN (SELECT name FROM tag)"
        " AND position < (SELECT first FROM name WHERE id = copy.name)"
    )
    _close_gaps(sql)
    _part_single_readers(sql)


def _part_single_readers(sql: sqlite3.Connection) -> None:
    """Let names whose devices are all forgotten have rows that only they read again."""
    single = sql.execute(
        "SELECT name, coalesce(min(CASE tag WHEN '' THEN position END), max(position)) FROM cursor"
        " WHERE row = name GROUP BY name HAVING max(tag NOT IN ('', :forgotten)) = 0",
        {"forgotten": FORGOTTEN},
    ).fetchall()
    for name, position in single:
        sql.execute("DELETE FROM copy WHERE name = ? AND position < ?", (name, position))
        sql.execute("UPDATE name SET first = max(first, ?) WHERE id = ?", (position, name))
        sql.execute("DELETE FROM cursor WHERE name = ? AND row = name", (name,))


def _keep_records(sql: sqlite3.Connection) -> None:
    """Keep the lines that were on their way to somebody when the server before this crashed.

    One of version 1 says not when; it came after the mail clock was noted, by ten minutes at most.
    """
    batch = Batch()
    for name, first, since, lines, copies in sql.execute(
        "SELECT name, position, coalesce(nullif(since, 0), mail, 0), lines, copies"
        " FROM record LEFT JOIN mail_clock ORDER BY record.id"
    ):
        batch.add(Span(name, first, since, lines, copies))
    write(sql, batch)
    sql.execute("DELETE FROM record")


def _close_gaps(sql: sqlite3.Connection) -> None:
    """Let each name's copies stand in a row without gaps, as all else takes for granted.

    A crash leaves a gap where copies went straight to their name between two that were kept.
    """
    gapped = sql.execute(
        "SELECT name, max(position) FROM copy GROUP BY name"
        " HAVING max(position) - min(position) >= count(*)"
    ).fetchall()
    for name, last in gapped:
        sql.execute(
            "INSERT INTO copy SELECT name, ? + row_number() OVER (ORDER BY position), since, line"
            " FROM copy WHERE name = ?",
            (last, name),
        )
        sql.execute("DELETE FROM copy WHERE name = ? AND position <= ?", (name, last))
