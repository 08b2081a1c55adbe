"""A platter: what is left of the mailbox's file when the power fails.

A machine writes what was committed when it likes, in order, unless it is told to do so at once. So
the file goes back to the last sync, or to one of the commits behind that.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

from achat_twisted.mailbox.batch import Batch
from achat_twisted.mailbox.files import wal_of
from tests.disk import FakeDisk, FullDatabase

_LATEST = 3
"""The most commits behind the last sync that are remembered."""

_FULL = 2
"""C{PRAGMA synchronous}, if each commit waits for the disk."""

_State = dict[Path, bytes | None]


class Platter:
    """The states of the files that a power cut may leave."""

    def __init__(self, path: Path, rng: Random, *, is_watched: bool) -> None:
        """@param is_watched: true if the power may fail; to remember takes a while each time."""
        self._paths = (path, wal_of(path))
        self._rng = rng
        self._is_watched = is_watched
        self._states: list[_State] = []  # the one that was synced first

    def write(self, *, is_synced: bool) -> None:
        """Something is written, and all that is written by now may be there to stay."""
        if not self._is_watched:
            return
        if is_synced:
            self._states.clear()
        self._states.append(
            {path: path.read_bytes() if path.exists() else None for path in self._paths}
        )
        del self._states[1:-_LATEST]

    def fail(self) -> None:
        """Let the files be what is left of them; nobody may have them open."""
        if self._states:
            for path, content in self._rng.choice(self._states).items():
                if content is None:
                    path.unlink(missing_ok=True)
                else:
                    path.touch(0o600)
                    path.write_bytes(content)
            self.write(is_synced=True)


class PlatterDatabase(FullDatabase):
    """A database on a platter, which waits for no real disk."""

    def __init__(
        self,
        path: Path,
        disk: FakeDisk,
        platter: Platter,
        *,
        durable: bool,
        on_commit: Callable[[], None] = lambda: None,
    ) -> None:
        self._platter = platter
        self._on_commit = on_commit
        super().__init__(path, disk, durable=durable)

    def _prepare(self, version: int) -> None:
        super()._prepare(version)
        (synchronous,) = self._sql.execute("PRAGMA synchronous").fetchone()
        self._waits = synchronous == _FULL
        self._sql.execute("PRAGMA synchronous=OFF")
        self._platter.write(is_synced=self._waits)

    def commit(self, batch: Batch) -> None:
        super().commit(batch)
        self._on_commit()
        self._platter.write(is_synced=self._waits)

    def sync(self) -> None:
        super().sync()
        self._platter.write(is_synced=True)
