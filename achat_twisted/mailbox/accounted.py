"""The part that every mailbox has in common: what it answers at once, from its accounts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic

from achat_twisted.mailbox.accounts import Accounts, AnyAccount, MailLimits


class Accounted(Generic[AnyAccount]):
    """Knows the names, and how much is kept for each; where, is for a class below to say."""

    def __init__(self, accounts: Accounts[AnyAccount]) -> None:
        self.expired = 0
        self._accounts = accounts

    def limit(self, limits: MailLimits) -> None:
        self._accounts.limits = limits

    def introduce(self, name: str) -> None:
        self._accounts.introduce(name)

    def enroll(self, name: str) -> None:
        self._accounts.enroll(name)

    def knows(self, name: str) -> bool:
        return self._accounts.get(name) is not None

    def names(self) -> Sequence[str]:
        return self._accounts.names()

    def count(self, name: str) -> int:
        account = self._accounts.get(name)
        return account.copies if account else 0

    def size_for(self, name: str) -> int:
        account = self._accounts.get(name)
        return account.size if account else 0

    def copies(self) -> int:
        return self._accounts.copies

    def size(self) -> int:
        return self._accounts.size
