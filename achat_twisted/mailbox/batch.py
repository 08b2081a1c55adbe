"""A batch: what is to change in a mailbox's file, as long as it is not there yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


class Copy(NamedTuple):
    """A row of the table C{copy}."""

    name: int
    position: int
    since: float
    line: bytes


@dataclass(slots=True)
class Batch:
    """Changes that are committed together.

    @ivar names: by id; None for one that is forgotten.
    @ivar copies: those whose place in the row is taken are there already, and not written again.
    @ivar arrived: by name's id the position before which every copy has arrived.
    @ivar size: bytes of all lines.
    """

    names: dict[int, str | None] = field(default_factory=dict)
    copies: list[Copy] = field(default_factory=list)
    arrived: dict[int, int] = field(default_factory=dict)
    size: int = 0

    def __bool__(self) -> bool:
        return bool(self.names or self.copies or self.arrived)

    def add(self, copy: Copy) -> None:
        self.copies.append(copy)
        self.size += len(copy.line)

    def page(self, name: int, first: int, size: int) -> list[bytes]:
        """The lines for C{name} from position C{first} on, about C{size} bytes of them."""
        places = {copy.position: copy.line for copy in reversed(self.copies) if copy.name == name}
        lines: list[bytes] = []
        for position in sorted(place for place in places if place >= first):
            if size <= 0:
                break
            lines.append(places[position])
            size -= len(places[position])
        return lines

    def drop_arrived(self) -> None:
        """Forget the copies that have arrived before they could be written."""
        self.copies = [
            copy
            for copy in self.copies
            if copy.name not in self.arrived or copy.position >= self.arrived[copy.name]
        ]
        self.size = sum(len(copy.line) for copy in self.copies)

    def absorb(self, later: Batch) -> None:
        """Let the changes of C{later} follow these."""
        self.names.update(later.names)
        self.copies += later.copies
        self.arrived.update(later.arrived)
        self.size += later.size
