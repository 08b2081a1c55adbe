"""The ledger: every copy ends in exactly one column, and the sum can be checked at any time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Ledger:
    """What only ever grows, in copies; a copy is one accepted line for one recipient."""

    accepted: int = 0
    delivered: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    """By the word of the notice that told the sender: unknown or full."""

    def balance(self, *, kept: int, in_flight: int) -> Balance:
        """The ledger closed for a moment, with what the mailbox and the outboxes hold."""
        return Balance(self.accepted, self.delivered, kept, self.refused.total(), in_flight)


@dataclass(frozen=True, slots=True)
class Balance:
    """C{accepted = delivered + kept + refused + in flight}, in copies."""

    accepted: int
    delivered: int
    kept: int
    refused: int
    in_flight: int

    @property
    def missing(self) -> int:
        """Copies in no column; less than nothing if a copy is in two. Anything but 0 is a bug."""
        return self.accepted - self.delivered - self.kept - self.refused - self.in_flight

    def __str__(self) -> str:
        return (
            f"accepted {self.accepted} = delivered {self.delivered} + kept {self.kept}"
            f" + refused {self.refused} + in flight {self.in_flight}"
        )
