"""Tags in a mailbox file, beside the copies with which alone they are true."""

from __future__ import annotations

from collections.abc import Callable

from achat_twisted.mailbox.accounts import Accounts
from achat_twisted.mailbox.committer import Committer
from achat_twisted.mailbox.row import Row
from achat_twisted.mailbox.tag_records import TagRecords
from achat_twisted.mailbox.tags import Tag


class SavedTags(TagRecords[Row]):
    """Remembers tags in the file as well: at each change, or else at the end alone.

    @ivar at_each_change: true if the file can vouch for them after a crash.
    """

    def __init__(
        self, accounts: Accounts[Row], now: Callable[[], float], committer: Committer
    ) -> None:
        super().__init__(accounts, now)
        self.at_each_change = False
        self._committer = committer

    def save_all(self) -> None:
        """Have the last commit write every tag."""
        for row, tag in self:
            self._write(row, tag)

    def _save(self, row: Row, tag: Tag) -> None:
        if self.at_each_change:
            self._write(row, tag)
            self._committer.soon()

    def _erase(self, row: Row, tag: Tag) -> None:
        if self.at_each_change:
            self._committer.batch.tags[row.id, tag.name] = None
            self._committer.soon()

    def _write(self, row: Row, tag: Tag) -> None:
        self._committer.batch.tags[row.id, tag.name] = tag
        row.note_first(self._committer.batch)
