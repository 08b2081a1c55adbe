"""The layout of the mailbox's file, and the way from that of an older version."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from achat_twisted.mailbox.checkup import APPLICATION

_FILES = files(__package__)


@contextmanager
def transaction(sql: sqlite3.Connection) -> Iterator[None]:
    """All of it, or none."""
    sql.execute("BEGIN IMMEDIATE")
    try:
        yield
        sql.execute("COMMIT")
    except BaseException:
        if sql.in_transaction:  # some errors have ended it already
            sql.execute("ROLLBACK")
        raise


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

    def lay_out(self, sql: sqlite3.Connection, path: Path, version: int) -> None:
        """Bring a file of that version to this one, after a copy of it is made; 0 is a new file."""
        if version == 0:
            self._run(sql, [self.script, *self.upgrades])
        elif version < self.version:
            backup = path.with_name(f"{path.name}.version-{version}")
            backup.unlink(missing_ok=True)
            sql.execute("VACUUM INTO ?", (str(backup),))
            os.chmod(backup, 0o600)
            self._run(sql, self.upgrades[version - 1 :])

    def _run(self, sql: sqlite3.Connection, steps: Sequence[str]) -> None:
        with transaction(sql):
            # The script begins anew, as Python commits what was begun before one.
            sql.executescript(
                f"BEGIN IMMEDIATE; {''.join(steps)} PRAGMA application_id={APPLICATION};"
                f" PRAGMA user_version={self.version};"
            )


SCHEMA = Schema(
    (_FILES / "schema.sql").read_text(),
    [
        (_FILES / "record.sql").read_text() + (_FILES / "tags.sql").read_text(),
        (_FILES / "rooms.sql").read_text(),
    ],
)

MAIL_CLOCK = (_FILES / "mail_clock.sql").read_text()
"""A table that every version may have, or not."""
