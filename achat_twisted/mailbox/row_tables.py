"""The tables of the mailbox's file for rows with several readers; see C{rooms.sql}."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

from achat_twisted.mailbox.batch import SavedRoom
from achat_twisted.mailbox.rows import Rights, Room
from achat_twisted.mailbox.shared import SharedRow

_CURSOR = "INSERT OR REPLACE INTO cursor VALUES (?, ?, ?, ?)"
_NO_CURSOR = "DELETE FROM cursor WHERE name = ? AND tag = ? AND row = ?"
_ROOM = "INSERT OR REPLACE INTO room VALUES (?, ?, ?, ?)"
_NO_ROOM = "DELETE FROM room WHERE id = ?"
_NO_OWNERS = "DELETE FROM owner WHERE room = ?"
_OWNER = "INSERT INTO owner VALUES (?, ?)"


Cursor = tuple[int, str, int]
"""The key of a cursor: the reader's id, its device, and the row's id."""


def read(sql: sqlite3.Connection, names: Mapping[int, str]) -> list[SharedRow]:
    """All shared rows, with their cursors and the sizes of their lines.

    @param names: by id.
    """
    rows: dict[int, SharedRow] = {}
    for id_, era, is_open, is_quiet in sql.execute("SELECT * FROM room").fetchall():
        owners = {name for (name,) in sql.execute("SELECT name FROM owner WHERE room = ?", [id_])}
        rights = Rights(bool(is_open), bool(is_quiet), owners)
        rows[id_] = Room(names[id_], _first(sql, id_), era, rights)
    for (id_,) in sql.execute("SELECT DISTINCT row FROM cursor").fetchall():
        if id_ not in rows:
            rows[id_] = SharedRow(names[id_], _first(sql, id_))
    for id_, row in rows.items():
        for (size,) in sql.execute(
            "SELECT length(line) FROM copy WHERE name = ? ORDER BY position", [id_]
        ):
            row.append(size)
    for name, tag, id_, position in sql.execute(
        "SELECT name, tag, row, position FROM cursor ORDER BY row, name, position DESC"
    ):
        if name in names:
            row = rows[id_]
            row.place(names[name], tag, min(position, row.end))
    return [*rows.values()]


def _first(sql: sqlite3.Connection, id_: int) -> int:
    """The position of the first line in a row; of the next one, if there is none."""
    (first,) = sql.execute(
        "SELECT coalesce((SELECT min(position) FROM copy WHERE name = name.id), first)"
        " FROM name WHERE id = ?",
        [id_],
    ).fetchone()
    return int(first)


def write(
    sql: sqlite3.Connection,
    cursors: Mapping[Cursor, int | None],
    rooms: Mapping[int, SavedRoom | None],
) -> None:
    """Put cursors and rooms in place of what is there of them; None for one that is gone."""
    there = [(*key, position) for key, position in cursors.items() if position is not None]
    gone = [key for key, position in cursors.items() if position is None]
    sql.executemany(_CURSOR, there)
    sql.executemany(_NO_CURSOR, gone)
    for id_, room in rooms.items():
        sql.execute(_NO_OWNERS, [id_])
        if room is None:
            sql.execute(_NO_ROOM, [id_])
        else:
            sql.execute(_ROOM, (id_, room.era, room.is_open, room.is_quiet))
            sql.executemany(_OWNER, [(id_, owner) for owner in room.owners])


def forget_eras(sql: sqlite3.Connection) -> None:
    """Vouch for no number of a room any more."""
    sql.execute("UPDATE room SET era = ''")


def forget_names(sql: sqlite3.Connection, ids: Sequence[tuple[int]]) -> None:
    """Forget the cursors of the names with these ids, and those in their rows."""
    for column in ("name", "row"):
        sql.executemany(f"DELETE FROM cursor WHERE {column} = ?", ids)


def kept(sql: sqlite3.Connection) -> int:
    """The number of copies in shared rows, as their cursors tell."""
    (copies,) = sql.execute(
        "WITH reach AS (SELECT id, coalesce(min(position), first) AS first,"
        "  coalesce(max(position) + 1, first) AS end"
        "  FROM name LEFT JOIN copy ON copy.name = name.id"
        "  WHERE id IN (SELECT row FROM cursor) GROUP BY id),"
        " front AS (SELECT row, max(position) AS position FROM cursor GROUP BY row, name)"
        " SELECT coalesce(sum(end - max(position, first)), 0) FROM front JOIN reach ON row = id"
    ).fetchone()
    return int(copies)
