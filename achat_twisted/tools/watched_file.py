"""A file that is read again when it has changed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Generic, TypeVar

from twisted.logger import Logger

from achat_twisted.tools.errors import Unusable
from achat_twisted.tools.rights import refuse_if_writable, warn_if_readable

Content = TypeVar("Content")


class WatchedFile(Generic[Content]):
    """The content of a file as it is now: each use looks at the file first, which takes 2 µs.

    Any thread may use it. A file that cannot be read or parsed leaves the former content in force,
    and is logged once.
    """

    _log = Logger()
    _content: Content

    def __init__(
        self, path: Path, parse: Callable[[bytes], Content], *, is_secret: bool = False
    ) -> None:
        """@param parse: turns the file's bytes into its content, or raises C{ValueError}.
        @param is_secret: true if the log is to warn when anyone but its owner can read it.
        """
        self.path = path
        self._parse = parse
        self._is_secret = is_secret
        self._stamp: tuple[int, ...] | None = None
        self._lock = Lock()

    def open(self) -> None:
        """Read it.

        @raise Unusable: if it cannot be read or parsed.
        """
        with self._lock:
            self._stamp = self._look()
            self._content = self._read()

    def content(self) -> Content:
        """Its content; to be called after L{open}."""
        with self._lock:
            stamp = self._look()
            if stamp != self._stamp:
                self._stamp = stamp
                try:
                    self._content = self._read()
                except Unusable as error:
                    self._log.error("{error}; its former content stays in force", error=error)
                else:
                    self._log.info("{path} has changed, and was read again", path=self.path)
            return self._content

    def _look(self) -> tuple[int, ...] | None:
        """The parts of the file's status that change with it; None if there is no such file."""
        try:
            status = os.stat(self.path)
        except OSError:
            return None
        return (status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_size)

    def _read(self) -> Content:
        try:
            with open(self.path, "rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                refuse_if_writable(self.path, mode)
                content = self._parse(file.read())
        except OSError as error:
            raise Unusable(f"{self.path} cannot be read: {error.strerror}") from None
        except ValueError as error:
            raise Unusable(f"{self.path} cannot be used: {error}") from None
        if self._is_secret:
            warn_if_readable(self.path, mode)
        return content
