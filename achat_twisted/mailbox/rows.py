"""The shared rows of a mailbox: rooms and their members, and names with devices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Generic, Protocol

from twisted.internet.defer import Deferred

from achat_twisted.mailbox.accounts import LINE_COST, Accounts, AnyAccount
from achat_twisted.mailbox.page import Page
from achat_twisted.mailbox.shared import FORGOTTEN, SharedRow

CURSOR_COST = 512
"""The bytes that a cursor counts against the limits of the mailbox."""

_LAG = 16
"""The part of a name's limit that may be kept for the slowest of its devices alone."""

_PART = 16
"""The part of the largest room that goes when all rooms together have too much: it takes 2 ms to
find that among L{MOST_ROOMS}.
"""

MOST_ROOMS = 10_000
"""The most rooms of a server."""

MOST_JOINED = 100
"""The most rooms of a name, as its login begins with each of them, and others wait for that."""


@dataclass(slots=True)
class Rights:
    """The rights in a room.

    @ivar is_open: true if everybody may join.
    @ivar is_quiet: true if only owners may say something.
    @ivar owners: names that may let others in, put them out, and close the room.
    """

    is_open: bool = True
    is_quiet: bool = False
    owners: set[str] = field(default_factory=set)


class Room(SharedRow):
    """A room: a shared row that names join and leave, and that loses what is old.

    @ivar era: made up with the room, and what its numbers belong to.
    """

    __slots__ = ("era", "rights")

    def __init__(
        self, name: str, first: int = 1, era: str = "", rights: Rights | None = None
    ) -> None:
        super().__init__(name, first)
        self.era = era or token_hex(6)
        self.rights = rights or Rights()

    @property
    def is_needed(self) -> bool:
        """True: it is there until it is removed."""
        return True


class IStore(Protocol):
    """The place where the lines of shared rows are, and their cursors."""

    def takes(self) -> bool:
        """True if lines can be added just now."""

    def add(self, row: SharedRow, position: int, line: bytes) -> None:
        """Add a line at the end of a row."""

    def page(self, row: SharedRow, position: int, size: int) -> Deferred[Page]:
        """Lines from a position on, about C{size} bytes, at least one if there is any."""

    def dropped(self, row: SharedRow) -> None:
        """Note that the lines before the first one of the row have gone."""

    def moved(self, row: SharedRow, name: str, device: str) -> None:
        """Note that a cursor has moved, has come, or has gone."""

    def changed(self, room: Room) -> None:
        """Note that a room is new, or has other rights."""

    def removed(self, row: SharedRow) -> None:
        """Note that a row has gone, with all of its lines and cursors."""


class SharedRows(Generic[AnyAccount]):
    """Knows all shared rows, and sees to it that they stay within the limits.

    @ivar expired: the number of copies that fell off, or whose name left, before they were got.
    """

    def __init__(self, store: IStore, accounts: Accounts[AnyAccount]) -> None:
        self.expired = 0
        self._store = store
        self._accounts = accounts
        self._all: dict[str, SharedRow] = {}
        self._in_rooms = 0  # bytes of all rooms, as they count towards the limits
        self._rooms = 0
        self._ended: dict[str, int] = {}  # where rooms ended that are removed

    def get(self, name: str) -> SharedRow | None:
        return self._all.get(name)

    def room(self, name: str) -> Room | None:
        row = self._all.get(name)
        return row if isinstance(row, Room) else None

    def rooms(self) -> Iterator[Room]:
        return (row for row in self._all.values() if isinstance(row, Room))

    def __iter__(self) -> Iterator[SharedRow]:
        return iter(self._all.values())

    @property
    def kept(self) -> int:
        """The number of copies in all shared rows."""
        return sum(row.kept for row in self._all.values())

    @property
    def lines(self) -> int:
        """The number of lines in all shared rows."""
        return sum(row.end - row.first for row in self._all.values())

    # Rows

    def adopt(self, row: SharedRow) -> None:
        """Add a row that the store has already, with its lines and cursors."""
        self._add(row)
        self._charge(row, row.size + LINE_COST * (row.end - row.first))
        for name in row:
            self._charge_cursors(name, len(row.cursors(name)))
            if isinstance(row, Room):
                self._add_room(self._accounts.introduce(name), row)

    def make_room(self, name: str, rights: Rights) -> Room | None:
        """Make a room that there is not; None if there are too many.

        One that is made again begins behind the numbers that it had, or else a C{/got} for one of
        them that is under way yet would be taken for the word on a new line.
        """
        if self._rooms >= MOST_ROOMS:
            return None
        room = Room(name, self._ended.pop(name, 1), rights=rights)
        self._add(room)
        self._store.changed(room)
        self._store.dropped(room)
        return room

    def changed(self, room: Room) -> None:
        """Write down a room that has other rights."""
        self._store.changed(room)

    def remove_room(self, room: Room) -> None:
        """Remove a room with all that was said in it; its members are not told here."""
        for name in list(room):
            self.part(room, name)
        self._drop(room, room.end)
        self._rooms -= 1
        self._ended[room.name] = room.end
        if len(self._ended) > MOST_ROOMS:
            del self._ended[next(iter(self._ended))]
        self._accounts.remove(self._accounts[room.name])

    def forget(self, account: AnyAccount) -> None:
        """Forget the row of an account that is no more."""
        if account.shared is not None:
            del self._all[account.name]
            self._store.removed(account.shared)

    def _add(self, row: SharedRow) -> None:
        account = self._accounts.introduce(row.name)
        account.shared = self._all[row.name] = row
        if row.is_needed:
            self._accounts.used(account)
        self._rooms += isinstance(row, Room)

    # Cursors

    def joined(self, name: str) -> Iterable[Room]:
        """The rooms of a name."""
        account = self._accounts.get(name)
        names = (account and account.rooms) or ()
        return [room for each in names if (room := self.room(each)) is not None]

    def join(self, room: Room, name: str) -> bool:
        """Make a name a member, from the next line on; False if there is no room for that."""
        if not self.can_join(name):
            return False
        self._add_room(self._accounts.introduce(name), room)
        for device in ["", *self.devices(name)]:
            self._place(room, name, device, room.end)
        return True

    def can_join(self, name: str) -> bool:
        """True if there is room for a name in one more room."""
        account = self._accounts.get(name)
        if account is not None and len(account.rooms or ()) >= MOST_JOINED:
            return False
        return self._accounts.has_room(CURSOR_COST * (1 + len(self.devices(name))))

    def part(self, room: Room, name: str) -> None:
        """Let a member go; what it has not got is thrown away."""
        devices = list(room.cursors(name))
        self.expired += room.leave(name)
        self._charge_cursors(name, -len(devices))
        for device in devices:
            self._store.moved(room, name, device)
        account = self._accounts[name]
        if account.rooms is not None:
            account.rooms.pop(room.name, None)
        self._accounts.unused(account)

    def devices(self, name: str) -> list[str]:
        """The devices of a name."""
        row = self._all.get(name)
        return row.devices(name) if row else []

    def follow(self, row: SharedRow, name: str, device: str) -> None:
        """See to it that a reader has a cursor; a new one begins where the foremost one stands."""
        if device not in row.cursors(name):
            self._place(row, name, device, row.front(name) if name in row else row.first)

    def advance(self, row: SharedRow, name: str, device: str, position: int) -> int:
        """Move a cursor forward.

        @return: the number of copies that have been delivered by that.
        """
        if device not in row.cursors(name):
            return 0
        over = row.advance(name, device, position)
        self._store.moved(row, name, device)
        if not isinstance(row, Room) and row.last > row.first:
            self._drop(row, row.last)
        return over

    def forget_device(self, name: str, device: str) -> None:
        """Remove the cursors of a device."""
        for row in filter(None, [self._all.get(name), *self.joined(name)]):
            if device and device in row.cursors(name):
                self._remove(row, name, device)

    def _add_room(self, account: AnyAccount, room: Room) -> None:
        if account.rooms is None:
            account.rooms = {}
        account.rooms[room.name] = None
        self._accounts.used(account)

    # Lines

    def post(self, row: SharedRow, line: bytes) -> bool:
        """Add a line; False if that cannot be just now."""
        if not self._store.takes() or not self._make_way(row, len(line) + LINE_COST):
            return False
        self._charge(row, len(line) + LINE_COST)
        self._store.add(row, row.append(len(line)), line)
        if row.end == row.first + 1:
            self._accounts.used(self._accounts[row.name])
        return True

    def page(self, row: SharedRow, position: int, size: int) -> Deferred[Page]:
        """Lines from a position on, about C{size} bytes, at least one if there is any."""
        return self._store.page(row, position, size)

    def lagging(self, row: SharedRow) -> int:
        """The position before which lines of a name should go, though a device has not got them.

        The sessions of such devices must end first, as their numbers are not to jump.
        """
        front = row.front(row.name)
        most = self._accounts.limits.per_name // _LAG + row.size_since(front)
        return min(front, row.fitting(most)) if row.size > most else row.first

    def drop(self, row: SharedRow, before: int) -> None:
        """Let the lines before a position fall off."""
        if before > row.first:
            self._drop(row, before)
            if not isinstance(row, Room) and len(row.cursors(row.name)) > 1:
                self._forget_nameless(row)

    def _forget_nameless(self, row: SharedRow) -> None:
        """Remove the cursor of sessions without a device, if it has fallen off."""
        if row.cursors(row.name).get("", row.first) < row.first:
            self._remove(row, row.name, "")

    def _remove(self, row: SharedRow, name: str, device: str) -> None:
        """Remove one cursor; that of the forgotten ones may come in its place."""
        before = len(row.cursors(name))
        row.remove(name, device)
        self._store.moved(row, name, device)
        self._store.moved(row, name, FORGOTTEN)
        self._charge_cursors(name, len(row.cursors(name)) - before)

    def _make_way(self, row: SharedRow, cost: int) -> bool:
        """Tell if there is room for a line; for one in a room, the oldest lines make way.

        If it is all rooms together that have too much, those are lines of the largest, a part of
        it at a time: or else a few that are full would leave nothing for the others.
        """
        limits = self._accounts.limits
        if not isinstance(row, Room):
            kept = row.size_since(row.front(row.name)) + LINE_COST * row.kept
            return kept + cost <= limits.per_name and self._accounts.has_room(cost)
        excess = self._excess(cost)
        if excess > 0 and not self._thin_out(excess):
            return False
        if (excess := self._cost(row) + cost - limits.per_room) > 0:
            self._drop(row, self._cheapest(row, excess))
        return True

    def _thin_out(self, excess: int) -> bool:
        """Let lines of the largest room go; nothing, if all of them would not be enough."""
        largest = max(self.rooms(), key=self._cost)
        if excess > self._cost(largest):
            return False
        part = self._cost(largest) // _PART
        self._drop(largest, self._cheapest(largest, max(excess, part)))
        return True

    def _excess(self, cost: int) -> int:
        """The bytes by which all rooms, or all mail, would have too much with so many more."""
        limits = self._accounts.limits
        return max(
            self._in_rooms + cost - limits.total // 2, self._accounts.size + cost - limits.total
        )

    def _cheapest(self, room: Room, excess: int) -> int:
        """The position before which lines must go to make up for so many bytes."""
        at = room.first
        size = room.size
        while at < room.end and size - room.size_since(at) + LINE_COST * (at - room.first) < excess:
            at += 1
        return at

    def _cost(self, row: SharedRow) -> int:
        return row.size + LINE_COST * (row.end - row.first)

    def _drop(self, row: SharedRow, before: int) -> None:
        cost = self._cost(row)
        self.expired += row.drop(before)
        self._charge(row, self._cost(row) - cost)
        self._store.dropped(row)
        if not row.is_needed:
            self._accounts.unused(self._accounts[row.name])

    def _place(self, row: SharedRow, name: str, device: str, position: int) -> None:
        row.place(name, device, position)
        self._store.moved(row, name, device)
        self._charge_cursors(name, 1)

    def _charge(self, row: SharedRow, size: int) -> None:
        self._accounts.charge(self._accounts[row.name], size)
        if isinstance(row, Room):
            self._in_rooms += size

    def _charge_cursors(self, name: str, cursors: int) -> None:
        self._accounts.charge(self._accounts[name], CURSOR_COST * cursors)
