"""A row: the places of one name's copies in a mailbox file, and how far its sessions have got."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from achat_twisted.mailbox.accounts import Account
from achat_twisted.mailbox.batch import Batch


class Row(Account):
    """One name's row of copies, each of which has a I{position} in it.

    Copies before C{start} have arrived, those before C{head} are on their way, and those before
    C{end} are kept. So it takes one number to say what has arrived, and a copy that is handed back
    stands where it stood before.

    @ivar id: the name's number in the file.
    @ivar written: of the copies before C{head}, those from this position on are not in the file,
        unless they were recorded.
    @ivar records: by the position behind its last line, the id of each record that has not arrived,
        in order; None for most, as a dict takes 64 bytes.
    """

    __slots__ = ("end", "head", "id", "records", "start", "written")

    def __init__(self, name: str, id_: int, first: int = 1) -> None:
        super().__init__(name)
        self.id = id_
        self.start = self.head = self.end = self.written = first
        self.records: dict[int, int] | None = None

    def strike(self, before: int) -> Sequence[int]:
        """Forget the records of lines that all stand before a position; return their ids."""
        records = self.records or {}
        return [*map(records.pop, [*takewhile(before.__ge__, records)])]

    def note_first(self, batch: Batch) -> None:
        """Write where it begins, with what makes it begin there, if any tag rests on that.

        A row with several readers begins elsewhere, as its own store writes.
        """
        if self.tags and self.shared is None:
            batch.firsts[self.id] = self.start
