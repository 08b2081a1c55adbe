"""The tables of the mailbox's file that hold tags; see C{tags.sql}."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from achat_twisted.mailbox.inserting import insert
from achat_twisted.mailbox.tag_changes import TagChanges
from achat_twisted.mailbox.tags import Tag
from achat_twisted.wire.tags import Verdict

_CONFIRMED = "DELETE FROM refusal WHERE name = ? AND tag = ? AND last <= ?"
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


def write(sql: sqlite3.Connection, changes: TagChanges) -> None:
    """Make changes, which may be there already."""
    if changes.forgotten:
        for table in _TABLES:
            sql.executemany(f"DELETE FROM {table} WHERE name = ? AND tag = ?", changes.forgotten)
    entries = changes.entries
    insert(sql, "INSERT OR REPLACE INTO tag", ((*key, *saved) for key, saved in entries.items()))
    refusals = (
        (*key, each.first, each.last, each.word, each.subject, each.copies)
        for key, verdicts in changes.refusals.items()
        for each in verdicts.values()  # without the deep copies of astuple()
    )
    insert(sql, "INSERT OR REPLACE INTO refusal", refusals)
    if changes.confirmed:
        heard = [(*key, entries[key].heard) for key in changes.confirmed]
        sql.executemany(_CONFIRMED, heard)


def forget_names(sql: sqlite3.Connection, ids: Sequence[tuple[int]]) -> None:
    """Forget the tags of the names with these ids."""
    for table in _TABLES:
        sql.executemany(f"DELETE FROM {table} WHERE name = ?", ids)


def forget_all(sql: sqlite3.Connection) -> None:
    for table in _TABLES:
        sql.execute(f"DELETE FROM {table}")
