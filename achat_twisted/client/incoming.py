"""Messages: counted as they come, handed out once, and confirmed when they are worked off."""

from __future__ import annotations

from achat_twisted.client.state import State


class Incoming:
    """The messages of one name, over all connections.

    A message is I{handed out} once in an era, as long as the program lives; it may be worked off at
    any time, in any order. It is I{confirmed} when all up to it are worked off.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._number = 0  # of the last message that this connection has brought
        self._handed_out = state.numbers.got

    def begin(self, message: int) -> None:
        """Go on with the message of that number, which comes next; 0 if none come.

        Those below it never come: they have expired, or somebody else has confirmed them.
        """
        self._number = max(0, message - 1)
        if self._number > self._state.numbers.got:
            self._advance(self._number)

    def begin_era(self, message: int) -> None:
        """The same, where numbers from before mean nothing any more."""
        self._state.numbers.got = self._handed_out = self._number = max(0, message - 1)
        self._state.forget_done(2**63)

    def take(self) -> int | None:
        """Count a message.

        @return: its number; None if it was handed out, or worked off, before.
        """
        self._number = number = self._number + 1
        if number <= max(self._state.numbers.got, self._handed_out):
            return None
        self._handed_out = number
        return None if self._state.is_done(number) else number

    def is_open(self, number: int, era: str) -> bool:
        """True if it matters that the message is worked off: it is of this era, and was not yet."""
        numbers = self._state.numbers
        return era == numbers.era and number > numbers.got and not self._state.is_done(number)

    def done(self, number: int, era: str) -> None:
        """Note that a message is worked off; if it does not matter any more, do nothing."""
        if not self.is_open(number, era):
            return
        if number == self._state.numbers.got + 1:
            self._advance(number)
        else:
            self._state.mark_done(number)

    @property
    def confirmed(self) -> int:
        """The number up to which messages of this connection may be confirmed."""
        return min(self._state.numbers.got, self._number)

    def _advance(self, number: int) -> None:
        """Note that all up to that number are worked off, and those that were ahead of it."""
        while self._state.is_done(number + 1):
            number += 1
        self._state.numbers.got = number
        self._state.forget_done(number)
