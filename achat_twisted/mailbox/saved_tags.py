"""Tags in a mailbox file, beside the copies with which alone they are true."""

from __future__ import annotations

from collections.abc import Callable

from achat_twisted.mailbox.accounts import Accounts
from achat_twisted.mailbox.committer import Committer
from achat_twisted.mailbox.row import Row
from achat_twisted.mailbox.rows import SharedRows
from achat_twisted.mailbox.tag_records import TagRecords
from achat_twisted.mailbox.tags import Counter, Tag


class SavedTags(TagRecords[Row]):
    """Remembers tags in the file as well: at each change, or else at the end alone.

    @ivar at_each_change: true if the file can vouch for them after a crash.
    """

    def __init__(
        self,
        accounts: Accounts[Row],
        rows: SharedRows[Row],
        now: Callable[[], float],
        committer: Committer,
    ) -> None:
        super().__init__(accounts, rows, now)
        self.at_each_change = False
        self._committer = committer

    def save_all(self) -> None:
        """Have the last commit write every tag."""
        for row, tag in self:
            self._committer.batch.tags.save(row.id, tag)
            row.note_first(self._committer.batch)

    def begin(self, name: str, tag: str, counter: Counter) -> Tag | None:
        record = super().begin(name, tag, counter)
        if self.at_each_change:
            self._accounts[name].note_first(self._committer.batch)
        return record

    def end(self, name: str, tag: Tag) -> None:
        super().end(name, tag)
        if self.at_each_change:
            self._committer.soon()

    def _save(self, row: Row, tag: Tag) -> None:
        # No commit is asked for, as the end of the turn asks for one: begun at once, it would have
        # one line, and those that come meanwhile wait for the next. That was 5 of 40 us a line.
        if self.at_each_change:
            self._committer.batch.tags.save(row.id, tag)

    def _erase(self, row: Row, tag: Tag) -> None:
        if self.at_each_change:
            self._committer.batch.tags.forget(row.id, tag)
            self._committer.soon()
