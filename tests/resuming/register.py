"""The register: what a server has accepted for rows that are shared, and which readers are due it.

It is the truth that the judge compares with what clients know.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from achat_twisted.mailbox.accounts import MailLimits
from achat_twisted.mailbox.interfaces import IMailbox
from achat_twisted.mailbox.rows import Room, SharedRows
from achat_twisted.mailbox.shared import SharedRow
from tests.resuming.follower import Follower
from tests.resuming.model import Mode
from tests.resuming.server import AGE, Server

Reader = tuple[str, str]
"""A name and its device; no device, for the sessions without one."""


@dataclass
class Entry:
    """A line that a shared row has accepted.

    @ivar row: the room, or the name.
    @ivar era: that of the room; of a name, nothing.
    @ivar readers: all that have a cursor on the row at that moment.
    @ivar fallen: those of them that have not got it before it fell off.
    @ivar parted: those whose cursor has gone before that.
    """

    ident: str
    row: str
    era: str
    position: int
    readers: set[Reader]
    fallen: set[Reader] = field(default_factory=set)
    parted: set[Reader] = field(default_factory=set)


class Register:
    """All lines that shared rows have accepted, over all lives of a server.

    @ivar entries: by line and row; of a line that was accepted again after a crash, the last one.
    """

    def __init__(self) -> None:
        self.entries: dict[tuple[str, str], Entry] = {}
        self._at: dict[tuple[str, str, int], str] = {}

    def of_room(self, room: str, era: str, position: int) -> str:
        """The line of a room that has that number; nothing, if it is from before a crash."""
        return self._at.get((room, era, position), "")

    def accepted(self, row: SharedRow, line: bytes) -> None:
        ident = line.decode().partition(": ")[2].split()[0]
        era = row.era if isinstance(row, Room) else ""
        position = row.end - 1
        readers = {(name, device) for name in row for device in row.cursors(name)}
        self.entries[ident, row.name] = Entry(ident, row.name, era, position, readers)
        self._at[row.name, era, position] = ident

    def refused(self, row: SharedRow, line: bytes) -> None:
        self.entries.pop((line.decode().partition(": ")[2].split()[0], row.name), None)

    def parts(self, room: Room, name: str) -> None:
        """A name is about to leave a room."""
        for entry in self._of(room):
            for device, position in room.cursors(name).items():
                if position <= entry.position:
                    entry.parted.add((name, device))

    def look(self, rows: SharedRows[Any]) -> None:
        """Note what has fallen off, and which cursors have gone."""
        for row in rows:
            for entry in self._of(row):
                for name, device in entry.readers - entry.fallen - entry.parted:
                    position = row.cursors(name).get(device)
                    if position is None:
                        entry.parted.add((name, device))
                    elif position <= entry.position < row.first:
                        entry.fallen.add((name, device))

    def _of(self, row: SharedRow) -> Iterator[Entry]:
        era = row.era if isinstance(row, Room) else ""
        for entry in self.entries.values():
            if (entry.row, entry.era) == (row.name, era):
                yield entry


class WatchedRows(SharedRows[Any]):
    """The shared rows of a mailbox, as the broker has them: what it asks of them is registered."""

    def __init__(self, rows: SharedRows[Any], register: Register) -> None:
        self.__dict__ = vars(rows)  # so that both are the same, whoever changes something
        self._register = register

    def post(self, row: SharedRow, line: bytes) -> bool:
        is_accepted = super().post(row, line)
        (self._register.accepted if is_accepted else self._register.refused)(row, line)
        return is_accepted

    def part(self, room: Room, name: str) -> None:
        self._register.parts(room, name)
        super().part(room, name)


class RoomServer(Server):
    """A server in which anyone may make rooms, and whose operator changes them.

    @ivar register: what was accepted.
    @ivar faults: what was wrong with it, in words.
    """

    def __init__(
        self, mode: Mode, path: Path, rng: Random, follower: Follower, *, power_fails: bool
    ) -> None:
        self.register = Register()
        self.faults: set[str] = set()
        super().__init__(mode, path, rng, follower, power_fails=power_fails)

    def draw_limits(self, rng: Random) -> tuple[int, MailLimits]:
        outbox, per_room = rng.choice([250, 600, 4000]), rng.choice([900, 10**6])
        per_name = rng.choice([3500, 10**6])
        return outbox, MailLimits(per_name=per_name, per_room=per_room, age=AGE)

    def _start(self) -> None:
        super()._start()
        self._house.broker.room_commands.let_anyone_make(True)

    def _open_mailbox(self) -> IMailbox:
        mailbox = super()._open_mailbox()
        mailbox.rows = WatchedRows(mailbox.rows, self.register)
        return mailbox

    def turn(self) -> None:
        super().turn()
        self.register.look(self._mailbox.rows)

    def put_out(self, name: str) -> None:
        """An operator puts a name out of each room."""
        for room in self._mailbox.rows.joined(name):
            self._house.broker.rooms.put_out(room, name)

    def let_in(self, name: str) -> None:
        """An operator lets a name into each room."""
        for room in self._mailbox.rows.rooms():
            if name not in room:
                self._house.broker.rooms.let_in(room, name)

    def remove_rooms(self) -> None:
        for room in [*self._mailbox.rows.rooms()]:
            self._house.broker.rooms.remove(room)

    def end(self) -> None:
        super().end()
        self._compare()

    def _end_life(self) -> None:
        self._left = self._mailbox.copies()
        super()._end_life()

    def _compare(self) -> None:
        """See that an ordered stop has left as many copies as the next life inherits."""
        inherited = self._mailbox.copies()
        if self.mode is not Mode.MEMORY and inherited != self._left:
            self.faults.add(f"{self._left} copies were left, and {inherited} are inherited")
