"""The ledger: every copy ends in exactly one column, and the sum can be checked at any time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Ledger:
    """The sums that only ever grow, in copies; a copy is one accepted line for one recipient."""

    accepted: int = 0
    inherited: int = 0
    """Copies that were in the mailbox when the server started."""

    delivered: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    """By the word of the sender's notice: unknown or full."""

    def balance(self, *, kept: int, expired: int, in_flight: int) -> Balance:
        """The balance at this moment, with what the mailbox and the outboxes hold."""
        return Balance(
            accepted=self.accepted,
            inherited=self.inherited,
            delivered=self.delivered,
            kept=kept,
            refused=Counter(self.refused),
            expired=expired,
            in_flight=in_flight,
        )


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
