"""Rooms: what is said in each is numbered, worked off and confirmed by itself."""

from __future__ import annotations

from achat_twisted.client.incoming import IncomingInRoom
from achat_twisted.client.state import Reached, State


class Rooms:
    """The rooms of one name, over all connections.

    The server says of each, on each connection, which line comes next, and which era the numbers
    belong to: that of the room, which is another one when the room is made again.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._all: dict[str, IncomingInRoom] = {}
        self._told: dict[str, int] = {}  # what is confirmed, of the rooms heard on this connection
        self._changed: set[str] = set()

    def begin(self) -> None:
        """Know nothing of a connection: the server has yet to name the rooms."""
        self._told.clear()
        self._changed.clear()

    @property
    def here(self) -> list[str]:
        """The rooms that this connection hears."""
        return sorted(self._told)

    def joined(self, room: str, following: int, era: str) -> None:
        """Go on in a room with the line of that number, which comes next.

        What is said again on the same connection means nothing new: lines may be on their way.
        """
        if room not in self._all:
            self._all[room] = IncomingInRoom(self._state, room)
        row = self._all[room]
        if row.era != era:
            self._state.reach(room, Reached(era, 0))
            row.begin_era(following)
        elif room not in self._told:
            row.begin(following)
        else:
            return
        self._told[room] = row.confirmed

    def parted(self, room: str) -> None:
        """Forget a room; what was not worked off of it need not be any more."""
        self._all.pop(room, None)
        self._told.pop(room, None)
        self._state.leave(room)

    def era(self, room: str) -> str:
        """The era of a room that is heard."""
        return self._all[room].era

    def take(self, room: str, number: int | None) -> int | None:
        """Note that a line has come.

        @return: its number; None if it was handed out, or worked off, before, or if nobody has
            asked for that room.
        """
        if room not in self._told:
            return None
        self._changed.add(room)  # as one that was worked off is confirmed when it has come
        return self._all[room].take(number)

    def done(self, room: str, number: int, era: str) -> None:
        """Note that a line is worked off; if it does not matter any more, do nothing."""
        if room in self._all:
            self._all[room].done(number, era)
            self._changed.add(room)

    def confirmations(self) -> list[str]:
        """The lines that confirm what was not confirmed yet; they count as said."""
        said = []
        for room in sorted(self._changed & self._told.keys()):
            confirmed = self._all[room].confirmed
            if confirmed > self._told[room]:
                self._told[room] = confirmed
                said.append(f"/got {room} {confirmed}")
        self._changed.clear()
        return said
