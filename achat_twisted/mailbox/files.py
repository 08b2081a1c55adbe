"""The mailbox's files as the file system has them: the database, and the WAL beside it.

SQLite goes on in files that were removed, moved or replaced under it, and says nothing. So this
module checks that they are in their places. The WAL, SQLite's write-ahead log, has all that was
committed since the last checkpoint; it is there while the database is open.
"""

from __future__ import annotations

import os
from pathlib import Path
from stat import S_ISVTX, S_IWOTH

from twisted.logger import Logger

from achat_twisted.tools.errors import Unavailable
from achat_twisted.tools.rights import refuse_if_writable, warn_if_readable

_BLOCK = 2**20
"""Bytes that are read at a time."""


def wal_of(path: Path) -> Path:
    """The place of the WAL: C{PATH-wal}, beside the file itself where C{path} is a link to it."""
    file = path.resolve()
    return file.with_name(f"{file.name}-wal")


class Gone(Unavailable):
    """A file of the mailbox's is not in its place any more."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} was removed, moved or replaced under the server; put back the file that was"
            " there, or restart the server, which saves what it has"
        )


class Files:
    """The files of one mailbox, open; to be made before SQLite opens them, and closed after it.

    If any descriptor of the database were closed before, SQLite's lock would be gone, see
    C{fcntl(2)}.
    """

    _log = Logger()

    def __init__(self, path: Path) -> None:
        """Make the file if there is none, for its owner alone.

        @raise OSError: if that cannot be.
        @raise ValueError: if others may write one of them, and so anybody's mail.
        """
        self.path = path
        self.wal = wal_of(path)
        path.touch(mode=0o600)
        for file in filter(Path.exists, (path, self.wal)):
            mode = file.stat().st_mode
            if file.is_file():
                refuse_if_writable(file, mode)
                warn_if_readable(file, mode)
        folder = path.resolve().parent
        if folder.stat().st_mode & (S_IWOTH | S_ISVTX) == S_IWOTH:
            self._log.warn(
                "anybody may remove {path}, or put another file there; chmod o-w {folder}",
                path=path,
                folder=folder,
            )
        # A pipe, which is no mailbox either, must not hold up the start.
        self._open_database = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        self._open_wal = -1
        self._database = os.fstat(self._open_database)

    def opened(self) -> None:
        """Note which file is the WAL, as SQLite has made it by now."""
        self._open_wal = os.open(self.wal, os.O_RDONLY | os.O_CLOEXEC)
        self._wal = os.fstat(self._open_wal)

    @property
    def has_database(self) -> bool:
        """True while the database is in its place."""
        return _is_at(self.path, self._database)

    @property
    def has_wal(self) -> bool:
        """True while the WAL is in its place."""
        return _is_at(self.wal, self._wal)

    def check(self) -> None:
        """See that both are in their places; it takes 4 µs.

        @raise Gone: if not.
        """
        if not self.has_database:
            raise Gone(self.path)
        if not self.has_wal:
            raise Gone(self.wal)

    def sync(self) -> None:
        """Have the disk take what the WAL holds, so that it outlives a crash of the machine.

        That is what SQLite itself does at each commit with C{synchronous=FULL}.

        @raise OSError: if the disk does not take it.
        """
        os.fdatasync(self._open_wal)

    def read_through(self) -> None:
        """See that the disk can read all of the database.

        @raise OSError: if it cannot.
        """
        offset = 0
        while block := os.pread(self._open_database, _BLOCK, offset):
            offset += len(block)

    def place_for_rescue(self) -> Path:
        """Make an empty file for a copy of the whole mailbox: in its place, if that is free."""
        place = self.path
        while place.exists():
            place = place.with_name(f"{place.name}.rescued")
        place.touch(mode=0o600)
        return place

    def close(self) -> None:
        """Close them; to be called when SQLite has."""
        for descriptor in (self._open_database, self._open_wal):
            if descriptor >= 0:
                os.close(descriptor)
        self._open_database = self._open_wal = -1


def _is_at(path: Path, file: os.stat_result) -> bool:
    """True if that file is the one at C{path}; as it is open, no other gets its inode."""
    try:
        return os.path.samestat(os.stat(path), file)
    except OSError:
        return False
