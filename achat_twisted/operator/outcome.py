"""The outcome of a reload, as an operator is told of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

HIDDEN = "hidden"
"""In place of a value that may be a secret."""


class Change(NamedTuple):
    """An option that has another value now: both as people write them."""

    option: str
    old: str
    new: str

    def __str__(self) -> str:
        return self.option if self.old == HIDDEN else f"{self.option} {self.old} -> {self.new}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """Everything that has become of a reload.

    @ivar taken: the changes that are in force now.
    @ivar waiting: those that wait for the next start.
    @ivar error: the reason, in one sentence, why nothing was changed, or not everything; empty if
        all went well.
    """

    taken: Sequence[Change] = ()
    waiting: Sequence[Change] = ()
    error: str = ""
