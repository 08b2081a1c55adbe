"""A look at a file before it is used, and the words for what is wrong with one."""

from __future__ import annotations

import errno
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from achat_twisted.mailbox.files import Files, wal_of

APPLICATION = 0x61636861  # "acha"
"""The mark of our files, see C{PRAGMA application_id}."""

_DAMAGED = "it is damaged; restore it from a backup, or move it away"

_CANNOT_OPEN = "it cannot be opened; its directory must exist, and be writable"

_FULL = "the disk is full"

_MEANINGS = {
    "BUSY": "another server uses it",
    "LOCKED": "another server uses it",
    "NOTADB": "it is not a database",
    "FULL": _FULL,
    "IOERR": "it cannot be read or written; is it a file, on a disk that works and has room?",
    "CORRUPT": _DAMAGED,
    "CANTOPEN": _CANNOT_OPEN,
    "READONLY": "it cannot be written; the file and its directory must be writable",
}

_ERRORS = {
    **dict.fromkeys((errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EROFS), _CANNOT_OPEN),
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), _FULL),
}


def look_over(path: Path, version: int) -> int:
    """See if a file can be our mailbox, without changing anything.

    @return: its version, 0 for a file that holds nothing yet.
    @raise sqlite3.Error: if it cannot; a fault found here has its reason as text.
    """
    if not path.stat().st_size:
        return 0
    address = f"file:{quote(str(path))}?mode=ro"
    if not wal_of(path).exists():
        address += "&immutable=1"  # or else SQLite makes files beside it even to read
    with closing(sqlite3.connect(address, uri=True, timeout=0)) as sql:
        (application,) = sql.execute("PRAGMA application_id").fetchone()
        (its_version,) = sql.execute("PRAGMA user_version").fetchone()
        tables = sql.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
        if not (application or its_version or tables):
            return 0
        if application != APPLICATION:
            raise sqlite3.DatabaseError("it is a database, but not a mailbox of achat")
        if its_version > version:
            raise sqlite3.DatabaseError(
                f"it has version {its_version}, and this achat knows versions up to {version};"
                " use the achat that wrote it, or a newer one"
            )
        (verdict,) = sql.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise Damaged(verdict.splitlines()[-1])
        if not {("name",), ("copy",)} <= set(tables):
            raise Damaged("a table is missing")
        return int(its_version)


class Damaged(sqlite3.DatabaseError):
    """The file does not hold what was written into it, as far as SQLite can tell."""

    def __init__(self, found: str) -> None:
        super().__init__(f"{_DAMAGED} ({found})")


def explain(error: Exception, files: Files | None) -> str:
    """The meaning of a failure at the start, for the person who starts the server.

    @param files: those that it happened with, if they could be opened.
    """
    if files is not None and (unreadable := _unreadable(error, files)):
        return f"it cannot be read: {unreadable.strerror}; look at the disk"
    if isinstance(error, OSError):
        return _ERRORS.get(error.errno or 0, f"{_MEANINGS['IOERR']} ({error.strerror})")
    return _MEANINGS.get(_name(error), str(error))


def explain_failure(error: Exception, files: Files) -> str:
    """The meaning of a failure of an open mailbox, for the log."""
    if unreadable := _unreadable(error, files):
        return f"{files.path} cannot be read: {unreadable.strerror}"
    return str(error)


def _unreadable(error: Exception, files: Files) -> OSError | None:
    """The disk's own error for a file that SQLite takes for damaged; None if it has none.

    A page that the disk cannot read is called damaged by SQLite, too: C{SQLITE_IOERR_CORRUPTFS}.
    """
    if isinstance(error, Damaged) or _name(error) == "CORRUPT":
        try:
            files.read_through()
        except OSError as unreadable:
            return unreadable
    return None


def _name(error: Exception) -> str:
    """The kind of an error of SQLite's, as in C{SQLITE_FULL} or C{SQLITE_IOERR_READ}."""
    return getattr(error, "sqlite_errorname", "SQLITE_").split("_")[1]
