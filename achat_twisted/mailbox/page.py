"""A page of mail: some lines of a row, and since when each has been kept."""

from __future__ import annotations


class Page(list[bytes]):
    """Lines, in order.

    @ivar since: for each line when it was kept, in seconds, by the mailbox's own clock.
    """

    def __init__(self) -> None:
        super().__init__()
        self.since: list[float] = []

    def add(self, line: bytes, since: float) -> None:
        """Add a line behind the others."""
        self.append(line)
        self.since.append(since)
