"""The tables of the mailbox's file that hold tags; see C{tags.sql}."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

from achat_twisted.mailbox.tags import Saved, Tag
from achat_twisted.wire.tags import Verdict

_TAG = "INSERT OR REPLACE INTO tag VALUES (?, ?, ?, ?, ?, ?)"
_REFUSAL = "INSERT INTO refusal VALUES (?, ?, ?, ?, ?, ?, ?)"
_TABLES = ("tag", "refusal")


def read(sql: sqlite3.Connection) -> list[tuple[int, Tag]]:
    """Each tag with its name's id, the one unused for longest first."""
    tags = {
        (id_, name): Tag(name, *facts)
        for id_, name, *facts in sql.execute(
            "SELECT name, tag, era, lines, heard, used FROM tag ORDER BY used"
        )
    }
    for id_, name, *verdict in sql.execute("SELECT * FROM refusal ORDER BY first, last"):
        if (id_, name) in tags:  # or else somebody has deleted the tag by hand
            tags[id_, name].refuse(Verdict(*verdict))
    return [(id_, tag) for (id_, _), tag in tags.items()]


def write(sql: sqlite3.Connection, tags: Mapping[tuple[int, str], Saved | None]) -> None:
    """Put tags in place of what is there of them; None for one that is forgotten."""
    for table in _TABLES:
        sql.executemany(f"DELETE FROM {table} WHERE name = ? AND tag = ?", tags)
    for key, saved in tags.items():
        if saved is not None:
            *facts, refusals = saved
            sql.execute(_TAG, (*key, *facts))
            sql.executemany(
                _REFUSAL,
                [
                    (*key, each.first, each.last, each.word, each.subject, each.copies)
                    for each in refusals  # without the deep copies of astuple()
                ],
            )


def forget_names(sql: sqlite3.Connection, ids: Sequence[tuple[int]]) -> None:
    """Forget the tags of the names with these ids."""
    for table in _TABLES:
        sql.executemany(f"DELETE FROM {table} WHERE name = ?", ids)


def forget_all(sql: sqlite3.Connection) -> None:
    for table in _TABLES:
        sql.execute(f"DELETE FROM {table}")
