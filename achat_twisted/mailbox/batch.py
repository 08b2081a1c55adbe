"""A batch: what is to change in a mailbox's file, as long as it is not there yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from achat_twisted.mailbox.mail_clock import Standing


class Place(NamedTuple):
    """Whose copy, and where it stands in the row; see C{schema.sql}."""

    name: int
    position: int


class Line(NamedTuple):
    """What stands there, and since when."""

    since: float
    line: bytes


_TIDY = 8 * 2**20
"""Bytes more of lines, after which those that have arrived are looked for."""


@dataclass(slots=True)
class Batch:
    """Changes that are committed together.

    @ivar names: by id; None for one that is forgotten.
    @ivar copies: those whose place is taken in the file are there already, and not written again.
    @ivar arrived: by name's id the position before which every copy has arrived.
    @ivar standing: where the mail clock stands, if that is to be noted.
    @ivar size: bytes of all lines.
    """

    names: dict[int, str | None] = field(default_factory=dict)
    copies: dict[Place, Line] = field(default_factory=dict)
    arrived: dict[int, int] = field(default_factory=dict)
    standing: Standing | None = None
    size: int = 0
    tidy_at: int = _TIDY

    def __bool__(self) -> bool:
        return bool(self.names or self.copies or self.arrived or self.standing)

    def add(self, place: Place, line: Line) -> None:
        """One more copy, unless there is one at that place."""
        if place not in self.copies:
            self.copies[place] = line
            self.size += len(line.line)
            if self.size > self.tidy_at:
                self.drop_arrived()

    def page(self, name: int, first: int, size: int) -> list[bytes]:
        """The lines for C{name} from position C{first} on, about C{size} bytes of them, and up to
        the first that is not here.
        """
        lines: list[bytes] = []
        while size > 0 and (found := self.copies.get(Place(name, first + len(lines)))):
            lines.append(found.line)
            size -= len(found.line)
        return lines

    def drop_arrived(self) -> None:
        """Forget the copies that have arrived before they could be written."""
        self.copies = {
            place: line
            for place, line in self.copies.items()
            if place.name not in self.arrived or place.position >= self.arrived[place.name]
        }
        self.size = sum(len(line.line) for line in self.copies.values())
        self.tidy_at = 2 * self.size + _TIDY

    def absorb(self, later: Batch) -> None:
        """Let the changes of C{later} follow these."""
        self.names.update(later.names)
        self.arrived.update(later.arrived)
        self.standing = later.standing or self.standing
        for place, line in later.copies.items():
            self.add(place, line)
