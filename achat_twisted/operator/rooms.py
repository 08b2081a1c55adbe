"""The operator's rooms: those that there are, who is in them, and who may do what."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from achat_twisted import wire
from achat_twisted.broker.rooms import Rooms
from achat_twisted.mailbox.interfaces import IMailbox
from achat_twisted.mailbox.rows import Rights, Room
from achat_twisted.operator.protocol import Facts, NotDone
from achat_twisted.wire.rooms import check_room


class RoomDesk:
    """Does what an operator wants of rooms."""

    def __init__(self, rooms: Rooms, mailbox: IMailbox) -> None:
        self._rooms = rooms
        self._rows = mailbox.rows
        self._errands: dict[str, Callable[[str, Sequence[str]], Iterator[Facts]]] = {
            "add": self._add,
            "remove": self._remove,
            "members": self._members,
            "let-in": self._let_in,
            "put-out": self._put_out,
            "open": self._open,
            "closed": self._closed,
            "owners": self._owners,
        }

    def do(self, request: str) -> Iterator[Facts]:
        """Do what C{request} says: C{list}; or a word, a room, and names with commas between them.

        @return: what is to be told.
        @raise NotDone: if it cannot be done.
        """
        word, _, rest = request.partition(" ")
        room, _, names = rest.strip().partition(" ")
        if word == "list":
            return self._list()
        if word not in self._errands:
            raise NotDone(f"room takes list, or one of {', '.join(self._errands)} and a room")
        try:
            check_room(room)
        except wire.BadLine as error:
            raise NotDone(error.notice.detail) from None
        listed = [name for each in names.split(",") if (name := each.strip())]
        return self._errands[word](room, listed)

    def _list(self) -> Iterator[Facts]:
        for room in sorted(self._rows.rooms(), key=lambda room: room.name):
            yield _facts(room)

    def _add(self, name: str, owners: Sequence[str]) -> Iterator[Facts]:
        if self._rows.room(name) is not None:
            raise NotDone(f"there is a room {name} already")
        _check_names(owners)
        room = self._rows.make_room(name, Rights(is_open=True, owners={*owners}))
        if room is None:
            raise NotDone(f"{name} cannot be made, as there are too many rooms")
        yield _facts(room)

    def _remove(self, name: str, _: Sequence[str]) -> Iterator[Facts]:
        room = self._room(name)
        members, lines = len(room), room.end - room.first
        yield {"members": members, "lines": lines, "copies": self._rooms.remove(room)}

    def _members(self, name: str, _: Sequence[str]) -> Iterator[Facts]:
        room = self._room(name)
        for member in sorted(room):
            yield {
                "name": member,
                "left": room.end - room.front(member),
                "devices": len(room.devices(member)),
                "owner": "yes" if member in room.rights.owners else "no",
            }

    def _let_in(self, name: str, names: Sequence[str]) -> Iterator[Facts]:
        room = self._room(name)
        for member in names:
            if member not in room:
                try:
                    wire.check_name(member)
                    self._rooms.let_in(room, member)
                except wire.WireError as error:
                    raise NotDone(f"{member} is not let in: {error.notice.detail}") from None
        yield _facts(room)

    def _put_out(self, name: str, names: Sequence[str]) -> Iterator[Facts]:
        room = self._room(name)
        for member in names:
            if member not in room:
                raise NotDone(f"{member} is not in {name}")
            self._rooms.put_out(room, member)
        yield _facts(room)

    def _open(self, name: str, _: Sequence[str]) -> Iterator[Facts]:
        return self._change(name, is_open=True)

    def _closed(self, name: str, _: Sequence[str]) -> Iterator[Facts]:
        return self._change(name, is_open=False)

    def _change(self, name: str, *, is_open: bool) -> Iterator[Facts]:
        room = self._room(name)
        room.rights.is_open = is_open
        self._rows.changed(room)
        yield _facts(room)

    def _owners(self, name: str, names: Sequence[str]) -> Iterator[Facts]:
        room = self._room(name)
        _check_names(names)
        room.rights.owners = {*names}
        self._rows.changed(room)
        yield _facts(room)

    def _room(self, name: str) -> Room:
        room = self._rows.room(name)
        if room is None:
            raise NotDone(f"there is no room {name}")
        return room


def _check_names(names: Sequence[str]) -> None:
    """@raise NotDone: if one of them is no name."""
    for name in names:
        try:
            wire.check_name(name)
        except wire.Refused as refusal:
            raise NotDone(f"{name!r} is no name: {refusal.notice.detail}") from None


def _facts(room: Room) -> Facts:
    return {
        "room": room.name,
        "members": len(room),
        "lines": room.end - room.first,
        "bytes": room.size,
        "kept": room.kept,
        "door": "open" if room.rights.is_open else "closed",
        "quiet": "yes" if room.rights.is_quiet else "no",
        "owners": ", ".join(sorted(room.rights.owners)) or "-",
    }
