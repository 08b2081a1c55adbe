"""The log's file, which can be replaced by a new one on request."""

from __future__ import annotations

import errno
import os
import stat
from io import FileIO
from pathlib import Path

from twisted.logger import Logger
from twisted.python.logfile import LogFile


class RenewableFile:
    """Appends to a file, whatever others do to it meanwhile.

    Strategy: there is one descriptor, and C{dup2(2)} puts another file behind it in one step. So
    nothing is lost in between, and its writers need not know. As it appends (C{O_APPEND}), others
    may truncate the file.

    @ivar file: to write to; it has no buffer, so that writes are in the file at once.
    """

    _log = Logger()

    def __init__(self, path: Path) -> None:
        """@raise OSError: if it cannot be opened."""
        self._path = path.absolute()  # as a daemon changes its directory
        self.file = _open(self._path)

    def renew(self) -> None:
        """Go on at the path, in a new file.

        Somebody may have moved the old one away already, as C{logrotate(8)} does; otherwise it is
        moved now, to the path with C{.1} added, and older ones to C{.2} and so on. If that cannot
        be done the log stays where it is, and says so.
        """
        try:
            if self._is_in_place():
                self._move_away()
            with _open(self._path) as new:
                os.dup2(new.fileno(), self.file.fileno(), inheritable=False)
        except OSError as error:
            self._log.error("the log stays in its old file: {error}", error=error)

    def _move_away(self) -> None:
        file = LogFile.fromFullPath(self._path)
        file.rotate()
        file.close()
        if self._is_in_place():  # Twisted does not say so
            raise PermissionError(errno.EACCES, "nothing can be renamed", str(self._path.parent))

    def _is_in_place(self) -> bool:
        """Tell if the path still names the regular file that is written to."""
        ours = os.fstat(self.file.fileno())
        try:
            return stat.S_ISREG(ours.st_mode) and os.path.samestat(ours, self._path.stat())
        except FileNotFoundError:
            return False


def _open(path: Path) -> FileIO:
    return path.open("ab", buffering=0)
