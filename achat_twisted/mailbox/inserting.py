"""Entries that are made in a table of the mailbox's file, many with one statement."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from itertools import chain, islice
from typing import Any

_TOGETHER = 50
"""The entries that are made with one statement, as each waits for the interpreter's lock once."""


def insert(
    sql: sqlite3.Connection, into: str, entries: Iterable[tuple[Any, ...]], otherwise: str = ""
) -> None:
    """Make entries.

    @param into: the statement up to their values.
    @param otherwise: the rest of it: what is done if their places are taken.
    """
    left = iter(entries)
    while some := [*islice(left, _TOGETHER)]:
        places = f"({', '.join('?' * len(some[0]))})"
        sql.execute(
            f"{into} VALUES {', '.join([places] * len(some))} {otherwise}",
            [*chain.from_iterable(some)],
        )
