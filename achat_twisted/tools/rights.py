"""Files that are for their owner alone: what their modes let others do."""

from __future__ import annotations

from pathlib import Path
from stat import S_IRWXG, S_IRWXO, S_IWGRP, S_IWOTH

from twisted.logger import Logger

_log = Logger()


def warn_if_readable(path: Path, mode: int) -> None:
    """Say in the log that others than its owner have rights to a file of that mode, if so."""
    if mode & (S_IRWXG | S_IRWXO):
        _log.warn("{path} can be read by others; chmod 600 it", path=path)


def refuse_if_writable(path: Path, mode: int) -> None:
    """Take no file for what it says that others than its owner may write.

    @raise ValueError: if that is so, in one sentence.
    """
    if mode & (S_IWGRP | S_IWOTH):
        raise ValueError(f"others may write {path}; chmod 600 it, if you still trust what it says")
