"""Changes to the mailbox's file: the entries that a batch makes in its tables."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from itertools import chain, islice
from typing import Any

from achat_twisted.mailbox import tag_tables
from achat_twisted.mailbox.batch import Batch

_NAME = "INSERT OR REPLACE INTO name (id, name) VALUES (?, ?)"
_FIRST = "UPDATE name SET first = ? WHERE id = ?"
_FORGOTTEN = "DELETE FROM name WHERE id = ?"
_ARRIVED = "DELETE FROM copy WHERE name = ? AND position < ?"
_STRUCK = "DELETE FROM record WHERE id BETWEEN ? AND ?"
_STANDING = "INSERT OR REPLACE INTO mail_clock VALUES (1, ?, ?)"

_TOGETHER = 50
"""The entries that are made with one statement, as each waits for the interpreter's lock once."""


def write(sql: sqlite3.Connection, batch: Batch) -> None:
    """Make the changes of a batch, which may be there already, in the transaction that runs."""
    _insert(sql, "copy", (entry for span in batch for entry in span.entries()))
    _insert(sql, "record", batch.records)
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
    if batch.saved:
        tag_tables.write(sql, batch.saved)
    if forgotten:
        tag_tables.forget_names(sql, forgotten)


def _insert(sql: sqlite3.Connection, table: str, entries: Iterable[tuple[Any, ...]]) -> None:
    """Make entries, except those whose places are taken, as they are there already."""
    left = iter(entries)
    while some := [*islice(left, _TOGETHER)]:
        places = f"({', '.join('?' * len(some[0]))})"
        sql.execute(
            f"INSERT INTO {table} VALUES {', '.join([places] * len(some))} ON CONFLICT DO NOTHING",
            [*chain.from_iterable(some)],
        )


def _ranges(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """The first and the last of each of the ranges that they make, as SQLite deletes a range in a
    third of the time.
    """
    there = {*numbers}
    firsts = sorted(n for n in there if n - 1 not in there)
    lasts = sorted(n for n in there if n + 1 not in there)
    return [*zip(firsts, lasts, strict=True)]
