"""The tags of all names: found or made, counted towards the limits, and forgotten in the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Generic

from zope.interface import implementer

from achat_twisted.mailbox.accounts import Accounts, AnyAccount
from achat_twisted.mailbox.interfaces import ITags
from achat_twisted.mailbox.rows import SharedRows
from achat_twisted.mailbox.tags import TAG_COST, Counter, Tag

MOST_TAGS = 100
"""The most tags of one name; beyond that the one that is unused for longest is forgotten."""


@implementer(ITags)
class TagRecords(Generic[AnyAccount]):
    """Remembers tags with the accounts of their names, here for as long as the process lives."""

    def __init__(
        self,
        accounts: Accounts[AnyAccount],
        rows: SharedRows[AnyAccount],
        now: Callable[[], float],
    ) -> None:
        """@param now: the time by the clock that mail ages by, in seconds."""
        self._accounts = accounts
        self._rows = rows
        self._now = now
        self._count = 0

    def __iter__(self) -> Iterator[tuple[AnyAccount, Tag]]:
        for account in self._accounts:
            for tag in (account.tags or {}).values():
                yield account, tag

    def begin(self, name: str, tag: str, counter: Counter) -> Tag | None:
        account = self._accounts.introduce(name)
        record = (account.tags or {}).get(tag)
        if record is not None and record.is_unheard:
            self._forget(account, record)  # so its client finds another era
            record = None
        if record is None:
            # A full mailbox does not keep out a name that comes to empty it.
            if account.tags and not self._accounts.takes(account, TAG_COST):
                return None
            record = Tag(tag)
            self.add(account, record)
        account.tags_here += not record.is_here
        record.begin(counter)
        self._accounts.used(account)
        self._use(account, record)
        return record

    def add(self, account: AnyAccount, tag: Tag) -> None:
        """Remember one more tag, the one used last."""
        if account.tags is None:
            account.tags = {}
        account.tags[tag.name] = tag
        self._count += 1
        self._weigh(account, tag)

    def changed(self, name: str, tag: Tag) -> bool:
        account = self._accounts[name]
        self._save(account, tag)
        return self._weigh(account, tag)

    def end(self, name: str, tag: Tag) -> None:
        account = self._accounts[name]
        account.tags_here -= tag.is_here
        tag.end()
        self._use(account, tag)
        self._accounts.unused(account)

    def forget(self, name: str, tag: Tag) -> None:
        account = self._accounts[name]
        if account.tags and account.tags.get(tag.name) is tag:
            self._forget(account, tag)
            self._rows.forget_device(name, tag.name)

    def _forget(self, account: AnyAccount, tag: Tag) -> None:
        """Forget a tag, but not what its device has got."""
        del (account.tags or {})[tag.name]
        self._count -= 1
        self._accounts.charge(account, -tag.counted)
        self._erase(account, tag)

    def drop(self, account: AnyAccount) -> None:
        """Forget the tags of an account that is no more."""
        self._count -= len(account.tags or ())

    def forget_old(self) -> None:
        """Forget the tags that have been without a session for as long as mail is kept."""
        before = self._now() - self._accounts.limits.age
        for account, tag in [*self]:
            if not tag.is_here and tag.used < before:
                self.forget(account.name, tag)

    def of(self, name: str) -> Sequence[Tag]:
        account = self._accounts.get(name)
        return [*((account and account.tags) or {}).values()]

    def count(self) -> int:
        return self._count

    def _use(self, account: AnyAccount, tag: Tag) -> None:
        """Put a tag last, as a session with it begins or ends; forget those that are too many."""
        tags = account.tags or {}
        tag.used = self._now()
        tags[tag.name] = tags.pop(tag.name)
        self._save(account, tag)
        self._forget_surplus(account, tags)

    def _forget_surplus(self, account: AnyAccount, tags: dict[str, Tag]) -> None:
        """Forget the tags that are unused for longest, of those that are too many.

        If all go that are unused, as sessions alone are too many, it is the one used last. So it
        looks at a hundred or so at most, where a name may have sessions with 10,000.
        """
        unused = len(tags) - account.tags_here
        surplus = min(unused, max(0, len(tags) - MOST_TAGS))
        order = tags.values() if surplus < unused else reversed(tags.values())
        for tag in [*islice((each for each in order if not each.is_here), surplus)]:
            self.forget(account.name, tag)

    def _weigh(self, account: AnyAccount, tag: Tag) -> bool:
        """Count what a tag takes now; False if it has grown, and is full, or the mailbox is."""
        size = tag.size
        growth = size - tag.counted
        has_room = growth <= 0 or (self._accounts.takes(account, growth) and not tag.is_full)
        tag.counted = size
        self._accounts.charge(account, growth)
        return has_room

    def _save(self, account: AnyAccount, tag: Tag) -> None:
        """Write down what has become of a tag: nowhere, as nothing outlives the process."""
        tag.unsaved = None

    def _erase(self, account: AnyAccount, tag: Tag) -> None:
        """Write down that a tag is forgotten: nowhere, likewise."""
