"""The ledger: every copy ends in exactly one column, and the sum can be checked at any time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from achat_twisted.mailbox.interfaces import IMailbox


class Ledger:
    """The sums that only ever grow, in copies; a copy is one accepted line for one recipient.

    @ivar inherited: copies that were in the mailbox when the server started.
    @ivar refused: by the word of the sender's notice: unknown or full.
    """

    def __init__(self, mailbox: IMailbox) -> None:
        self.accepted = self.inherited = self.delivered = 0
        self.refused: Counter[str] = Counter()
        self._mailbox = mailbox
        self._expired_before = 0

    def open(self) -> None:
        """Begin with what is in the mailbox."""
        self.inherited = self._mailbox.copies()
        self._expired_before = self._mailbox.expired

    def balance(self, in_flight: int) -> Balance:
        """The balance at this moment, with what the mailbox holds.

        @param in_flight: the copies that the sessions hold.
        """
        return Balance(
            accepted=self.accepted,
            inherited=self.inherited,
            delivered=self.delivered,
            kept=self._mailbox.copies(),
            refused=Counter(self.refused),
            expired=self._mailbox.expired - self._expired_before,
            in_flight=in_flight,
        )

    def estimate(self) -> Balance:
        """The balance, with all that is in no other column as in flight.

        Nothing is counted here: a client that keeps asking must not keep the others waiting.
        """
        balance = self.balance(in_flight=0)
        return replace(balance, in_flight=balance.missing)


@dataclass(frozen=True, slots=True)
class Balance:
    """Left and right side of the ledger, in copies.

    C{accepted + inherited = delivered + kept + refused + expired + in flight}
    """

    accepted: int
    inherited: int
    delivered: int
    kept: int
    refused: Counter[str]
    expired: int
    in_flight: int

    @property
    def missing(self) -> int:
        """Copies in no column; negative if a copy is in two. Anything but 0 is a bug."""
        right = self.delivered + self.kept + self.refused.total() + self.expired + self.in_flight
        return self.accepted + self.inherited - right

    def __str__(self) -> str:
        reasons = ", ".join(f"{word} {copies}" for word, copies in sorted(self.refused.items()))
        refused = f"{self.refused.total()} ({reasons})" if reasons else "0"
        return (
            f"accepted {self.accepted} + inherited {self.inherited} = delivered {self.delivered}"
            f" + kept {self.kept} + refused {refused} + expired {self.expired}"
            f" + in flight {self.in_flight}"
        )
