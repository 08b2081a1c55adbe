"""Files for their owner alone: checks of what their modes let others do."""

from __future__ import annotations

from pathlib import Path
from stat import S_IRWXG, S_IRWXO, S_IWGRP, S_IWOTH

from twisted.logger import Logger

_log = Logger()


def warn_if_readable(path: Path, mode: int) -> None:
    """Log a warning if anyone but its owner has rights to a file of that mode."""
    if mode & (S_IRWXG | S_IRWXO):
        _log.warn("{path} can be read by others; chmod 600 it", path=path)


def refuse_if_writable(path: Path, mode: int) -> None:
    """Refuse a file that anyone but its owner may write.

    @raise ValueError: if so, in one sentence.
    """
    if mode & (S_IWGRP | S_IWOTH):
        raise ValueError(f"others may write {path}; chmod 600 it, if you still trust what it says")
