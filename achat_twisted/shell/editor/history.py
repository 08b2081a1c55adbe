"""The history: lines typed earlier, in a file of the user's own."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from prompt_toolkit.history import FileHistory, History, InMemoryHistory

_LONGEST = 2**20
"""The bytes of the file above which its older half is forgotten."""


def place(environ: Mapping[str, str]) -> Path:
    """The path of the file, by the XDG Base Directory Specification (0.8)."""
    folder = environ.get("XDG_STATE_HOME", "")
    home = folder if os.path.isabs(folder) else os.path.expanduser("~/.local/state")
    return Path(home, "achat", "history")


def open_history(environ: Mapping[str, str]) -> History:
    """The history in its file, which nobody else may read; in memory if there can be no file."""
    path = place(environ)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
        _shorten(path)
    except OSError:
        return InMemoryHistory()
    return _Lenient(str(path))


class _Lenient(FileHistory):
    """A history for which no line is lost: if the file takes no more, the chat goes on."""

    def store_string(self, string: str) -> None:
        with suppress(OSError):
            super().store_string(string)


def _shorten(path: Path) -> None:
    """Forget the older half of a file that has become too long, at the beginning of an entry."""
    if path.stat().st_size <= _LONGEST:
        return
    content = path.read_bytes()
    start = content.find(b"\n# ", len(content) - _LONGEST // 2)
    shorter = path.with_name(f"{path.name}.{os.getpid()}")
    with open(os.open(shorter, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content[start:] if start >= 0 else b"")
    shorter.replace(path)
