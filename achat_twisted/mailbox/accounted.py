"""The part that every mailbox has in common: what it answers at once, from its accounts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic

from achat_twisted.mailbox.accounts import Accounts, AnyAccount, MailLimits
from achat_twisted.mailbox.rows import IStore, SharedRows


class Accounted(Generic[AnyAccount]):
    """Knows the names, and how much is kept for each; where, is for a class below to say."""

    def __init__(self, accounts: Accounts[AnyAccount], store: IStore) -> None:
        self._gone = 0
        self._accounts = accounts
        self.rows = SharedRows(store, accounts)

    @property
    def expired(self) -> int:
        return self._gone + self.rows.expired

    def limit(self, limits: MailLimits) -> None:
        self._accounts.limits = limits

    def introduce(self, name: str) -> None:
        self._accounts.introduce(name)

    def enroll(self, name: str) -> None:
        self._accounts.enroll(name)

    def knows(self, name: str) -> bool:
        return self._accounts.get(name) is not None

    def names(self) -> Sequence[str]:
        return [name for name in self._accounts.names() if self.rows.room(name) is None]

    def purge(self, name: str) -> int:
        row = self.rows.get(name)
        if row is None:
            return self._purge(name)
        if self._accounts[name].sessions:
            raise ValueError(f"{name} has a session")
        copies = row.kept
        self.rows.drop(row, row.end)
        return copies

    def _purge(self, name: str) -> int:
        """Throw away all copies in the row of a name, which only it reads."""
        raise NotImplementedError

    def count(self, name: str) -> int:
        account = self._accounts.get(name)
        if account is None:
            return 0
        return account.copies if account.shared is None else account.shared.kept

    def size_for(self, name: str) -> int:
        account = self._accounts.get(name)
        return account.size if account else 0

    def copies(self) -> int:
        return self._accounts.copies + self.rows.kept

    def size(self) -> int:
        return self._accounts.size
