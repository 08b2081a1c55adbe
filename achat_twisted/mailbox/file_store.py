"""The lines of shared rows, in the mailbox's file."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred

from achat_twisted.mailbox.accounts import Accounts
from achat_twisted.mailbox.batch import SavedRoom, Span
from achat_twisted.mailbox.committer import Committer
from achat_twisted.mailbox.page import Page
from achat_twisted.mailbox.row import Row
from achat_twisted.mailbox.rows import IStore, Room
from achat_twisted.mailbox.shared import SharedRow

SATURATED = 64 * 2**20
"""The bytes waiting for a commit from which on new copies are refused."""


class FileStore(IStore):
    """Keeps the lines of shared rows in the file, and notes each move of a cursor.

    @ivar vouches: true if what is in the file is true after a crash, so that it holds the eras.
    """

    def __init__(
        self, committer: Committer, accounts: Accounts[Row], now: Callable[[], float]
    ) -> None:
        """@param now: the time by the clock that mail ages by, in seconds."""
        self.vouches = False
        self._committer = committer
        self._accounts = accounts
        self._now = now

    def takes(self) -> bool:
        return not self._committer.failing and self._committer.batch.size <= SATURATED

    def add(self, row: SharedRow, position: int, line: bytes) -> None:
        id_ = self._accounts[row.name].id
        self._committer.batch.add(Span(id_, position, self._now(), line, 1))
        self._committer.soon()

    def page(self, row: SharedRow, position: int, size: int) -> Deferred[Page]:
        id_ = self._accounts[row.name].id
        page = self._committer.ask(lambda database: database.page(id_, position, size))
        return page.addCallback(self._found, row, position, size)

    def _found(self, page: Page, row: SharedRow, position: int, size: int) -> Page | Deferred[Page]:
        if page or position >= row.end:
            return page
        if position < row.first:
            return page  # they have fallen off meanwhile
        page = self._committer.batch.page(self._accounts[row.name].id, position, size)
        if not page:
            raise LookupError(f"line {position} of {row.name} is not where it should be")
        return page

    def dropped(self, row: SharedRow) -> None:
        id_ = self._accounts[row.name].id
        self._committer.batch.arrived[id_] = row.first
        self._committer.batch.firsts[id_] = row.first
        self._committer.soon()

    def moved(self, row: SharedRow, name: str, device: str) -> None:
        key = self._accounts[name].id, device, self._accounts[row.name].id
        self._committer.batch.cursors[key] = row.cursors(name).get(device)
        self._committer.soon()

    def changed(self, room: Room) -> None:
        self.save(room, vouches=self.vouches)
        self._committer.soon()

    def save(self, room: Room, *, vouches: bool) -> None:
        """Have the next commit write a room, with its era if the file vouches for that."""
        rights = room.rights
        self._committer.batch.rooms[self._accounts[room.name].id] = SavedRoom(
            room.era if vouches else "", rights.is_open, rights.is_quiet, (*rights.owners,)
        )

    def removed(self, row: SharedRow) -> None:
        self._committer.batch.rooms[self._accounts[row.name].id] = None
        self._committer.soon()
