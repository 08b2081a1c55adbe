"""Messages: numbered as they come, handed out once, and confirmed when they are worked off."""

from __future__ import annotations

from collections import deque

from achat_twisted.client.state import ALL, Reached, State


class Incoming:
    """The messages of one name, over all connections.

    A message is I{handed out} once in an era, as long as the program lives; it may be worked off at
    any time, in any order. It is I{confirmed} when all up to it are worked off.
    """

    room = ""

    def __init__(self, state: State) -> None:
        self._state = state
        self._number = 0  # of the last message that this connection has brought
        self._handed_out = self.got
        self._heard: deque[int] = deque()  # all that came and were not confirmed when that was set

    @property
    def era(self) -> str:
        """The era of the numbers; empty if there is none yet."""
        return self._state.numbers.era

    @property
    def got(self) -> int:
        """The number up to which all are worked off."""
        return self._state.numbers.got

    @got.setter
    def got(self, number: int) -> None:
        self._state.numbers.got = number

    def begin(self, following: int) -> None:
        """Go on with the message of that number, which comes next; 0 if none come.

        Those below it never come: they have expired, or somebody else has confirmed them.
        """
        self._number = max(0, following - 1)
        if self._number > self.got:
            self._advance(self._number)

    def begin_era(self, following: int) -> None:
        """The same, where numbers from before mean nothing any more."""
        self._heard.clear()
        self.got = self._handed_out = self._number = max(0, following - 1)
        self._state.forget_done(ALL, self.room)

    def take(self, number: int | None = None) -> int | None:
        """Note that a message has come.

        @param number: its number, if the server says it; else messages are counted.
        @return: its number; None if it was handed out, or worked off, before.
        """
        self._number = number = self._number + 1 if number is None else number
        if number <= max(self.got, self._handed_out):
            return None
        self._handed_out = number
        self._heard.append(number)
        if not self._state.is_done(number, self.room):
            return number
        self._advance(self.got)
        return None

    def is_open(self, number: int, era: str) -> bool:
        """True if it matters that the message is worked off: it is of this era, and was not yet."""
        return era == self.era and number > self.got and not self._state.is_done(number, self.room)

    def done(self, number: int, era: str) -> None:
        """Note that a message is worked off; if it does not matter any more, do nothing."""
        if not self.is_open(number, era):
            return
        self._forget_heard()
        if self._heard and self._heard[0] == number:
            self._advance(number)
        else:
            self._state.mark_done(number, self.room)

    @property
    def confirmed(self) -> int:
        """The number up to which messages of this connection may be confirmed."""
        return min(self.got, self._number)

    def _advance(self, number: int) -> None:
        """Note that all up to that number are worked off, and those that were ahead of it.

        Numbers may have holes, so the ones that have come tell which is next.
        """
        self._forget_heard()
        for each in self._heard:
            if each > number and not self._state.is_done(each, self.room):
                break
            number = max(number, each)
        if number > self.got:
            self.got = number
            self._state.forget_done(number, self.room)

    def _forget_heard(self) -> None:
        """Forget what was worked off before; not at once, as a transaction may take that back."""
        while self._heard and self._heard[0] <= self.got:
            self._heard.popleft()


class IncomingInRoom(Incoming):
    """The lines of one room, which have an era and numbers of their own."""

    def __init__(self, state: State, room: str) -> None:
        self.room = room
        super().__init__(state)

    @property
    def era(self) -> str:
        return self._reached.era

    @property
    def got(self) -> int:
        return self._reached.number

    @got.setter
    def got(self, number: int) -> None:
        self._state.reach(self.room, Reached(self.era, number))

    @property
    def _reached(self) -> Reached:
        return self._state.rooms.get(self.room, _NOWHERE)


_NOWHERE = Reached("", 0)
