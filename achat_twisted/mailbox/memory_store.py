"""The lines of shared rows, in memory."""

from __future__ import annotations

from collections import defaultdict, deque
from itertools import islice

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime

from achat_twisted.mailbox.page import Page
from achat_twisted.mailbox.rows import IStore, Room
from achat_twisted.mailbox.shared import SharedRow


class MemoryStore(IStore):
    """Keeps the lines of shared rows, each with the time since which it is kept."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._lines: defaultdict[str, deque[tuple[float, bytes]]] = defaultdict(deque)

    def takes(self) -> bool:
        return True

    def add(self, row: SharedRow, position: int, line: bytes) -> None:
        self._lines[row.name].append((self._clock.seconds(), line))

    def adopt(self, name: str, lines: deque[tuple[float, bytes]]) -> None:
        """Take over lines that were not shared before."""
        self._lines[name] = lines

    def page(self, row: SharedRow, position: int, size: int) -> Deferred[Page]:
        page = Page()
        for since, line in islice(self._lines[row.name], position - row.first, None):
            if size <= 0:
                break
            page.add(line, since)
            size -= len(line)
        return succeed(page)

    def old(self, row: SharedRow, before: float) -> int:
        """The position of the first line that was kept at a moment or later."""
        position = row.first
        for since, _ in self._lines[row.name]:
            if since >= before:
                break
            position += 1
        return position

    def dropped(self, row: SharedRow) -> None:
        lines = self._lines[row.name]
        while len(lines) > row.end - row.first:
            lines.popleft()

    def removed(self, row: SharedRow) -> None:
        self._lines.pop(row.name, None)

    def moved(self, row: SharedRow, name: str, device: str) -> None:
        """Write down nothing, as nothing outlives the process."""

    def changed(self, room: Room) -> None:
        """Write down nothing, likewise."""
