"""Changes to the mailbox's file: the entries that a batch makes in its tables."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from achat_twisted.mailbox import row_tables, tag_tables
from achat_twisted.mailbox.batch import Batch
from achat_twisted.mailbox.inserting import insert

_NAME = "INSERT OR REPLACE INTO name (id, name) VALUES (?, ?)"
_FIRST = "UPDATE name SET first = ? WHERE id = ?"
_FORGOTTEN = "DELETE FROM name WHERE id = ?"
_ARRIVED = "DELETE FROM copy WHERE name = ? AND position < ?"
_STRUCK = "DELETE FROM record WHERE id BETWEEN ? AND ?"
_STANDING = "INSERT OR REPLACE INTO mail_clock VALUES (1, ?, ?)"

_IS_THERE = "ON CONFLICT DO NOTHING"
"""The fate of an entry that has been made already, and whose place is taken."""


def write(sql: sqlite3.Connection, batch: Batch) -> None:
    """Make the changes of a batch, which may be there already, in the transaction that runs."""
    copies = (entry for span in batch for entry in span.entries())
    insert(sql, "INSERT INTO copy", copies, _IS_THERE)
    records = "INSERT INTO record (id, name, position, copies, since, lines)"
    insert(sql, records, batch.records, _IS_THERE)
    names = batch.names.items()
    forgotten = [(id_,) for id_, name in names if name is None]
    for statement, entries in (
        (_NAME, [(id_, name) for id_, name in names if name is not None]),
        (_ARRIVED, [*batch.arrived.items()]),
        (_FORGOTTEN, forgotten),
        (_STANDING, [batch.standing] if batch.standing else []),
        (_STRUCK, _ranges(batch.struck)),
        (_FIRST, [(first, id_) for id_, first in batch.firsts.items()]),
    ):
        if entries:
            sql.executemany(statement, entries)
    if batch.tags:
        tag_tables.write(sql, batch.tags)
    if batch.cursors or batch.rooms:
        row_tables.write(sql, batch.cursors, batch.rooms)
    if forgotten:
        tag_tables.forget_names(sql, forgotten)
        row_tables.forget_names(sql, forgotten)


def _ranges(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """The first and the last of each of the ranges that they make, as SQLite deletes a range in a
    third of the time.
    """
    there = {*numbers}
    firsts = sorted(n for n in there if n - 1 not in there)
    lasts = sorted(n for n in there if n + 1 not in there)
    return [*zip(firsts, lasts, strict=True)]
