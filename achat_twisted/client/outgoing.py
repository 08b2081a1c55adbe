"""Lines: said in order, numbered as the server numbers them, and kept until their fate is known."""

from __future__ import annotations

from collections.abc import Iterable

from achat_twisted.client.errors import Refusal
from achat_twisted.client.events import Settled
from achat_twisted.client.state import State
from achat_twisted.wire.tags import Verdict

WINDOW = 1000
"""The most lines that are said, and not settled."""


class Outgoing:
    """The lines of one client, over all connections.

    All numbers here are places; those on the wire count from C{base}.

    @ivar said: the last line that was said on this connection, or that the server has from before.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self.said = state.numbers.settled
        self._ever_said = 0
        self._kept: dict[int, list[str]] = {}
        self._refused: dict[int, list[Refusal]] = {}

    @property
    def outstanding(self) -> int:
        """The number of lines that are said, and not settled."""
        return max(0, self.said - self._state.numbers.settled)

    @property
    def settled(self) -> int:
        """The number of the last line of this era whose fate is known, as on the wire."""
        return self._state.numbers.settled - self._state.numbers.base

    # Where it goes on

    def fits(self, taken: int, *, is_new_era: bool) -> bool:
        """Tell if the server can have taken in so many lines of this tag.

        If not, the state is an older copy of itself, or another program uses the tag.
        """
        numbers = self._state.numbers
        if is_new_era:
            return taken == 0
        return numbers.settled <= numbers.base + taken <= self._state.last

    def begin(self, taken: int) -> None:
        """Go on behind the lines that the server has taken in."""
        numbers = self._state.numbers
        self.said = numbers.base + taken
        numbers.taken = max(numbers.taken, self.said)
        self._ever_said = max(self._ever_said, self.said)

    def begin_era(self) -> tuple[Settled | None, int]:
        """Number anew: the oldest line that no server is known to have taken in is line 1.

        @return: those that one had taken in, whose fate is what was heard of it; and the number of
            lines in doubt, which were said, and are said again.
        """
        numbers = self._state.numbers
        settled = self._settle(numbers.taken)
        numbers.base = numbers.taken = self.said = numbers.settled
        doubtful = max(0, self._ever_said - numbers.base)
        self._ever_said = 0
        return settled, doubtful

    # What is said

    def next_lines(self) -> list[str]:
        """The lines that may be said now; they count as said."""
        room = WINDOW - self.outstanding
        if self.said >= self._state.last or room <= 0:
            return []
        lines = list(self._state.lines(self.said, room))
        self.said += len(lines)
        self._ever_said = max(self._ever_said, self.said)
        return lines

    # What is heard

    def taken(self, number: int) -> None:
        """Note that the server has taken in the lines up to that number."""
        numbers = self._state.numbers
        numbers.taken = max(numbers.taken, min(numbers.base + number, self.said))

    def synced(self, number: int) -> Settled | None:
        """Note that the server has told the fate of all lines up to that number.

        @return: the fate of those that had none; None if there are none.
        """
        self.taken(number)
        return self._settle(min(self._state.numbers.base + number, self.said))

    def judge(self, verdict: Verdict) -> None:
        """Note a verdict; those on lines that are settled have been heard before."""
        numbers = self._state.numbers
        self.taken(verdict.last)
        first = max(numbers.base + verdict.first, numbers.settled + 1)
        last = min(numbers.base + verdict.last, self.said)
        for place in range(first, last + 1):
            if verdict.word == "kept":
                names = self._kept.setdefault(place, [])
                if verdict.subject not in names:
                    names.append(verdict.subject)
            else:
                self._refuse(place, verdict)

    def _refuse(self, place: int, verdict: Verdict) -> None:
        recipient, detail = (verdict.subject, "") if verdict.copies else ("", verdict.subject)
        line = self._state.line(place)
        refusal = Refusal(place, line, recipient, verdict.word, detail)
        refused = self._refused.setdefault(place, [])
        if refusal not in refused:
            refused.append(refusal)
            self._state.refuse(refusal)

    def _settle(self, last: int) -> Settled | None:
        first = self._state.numbers.settled + 1
        if last < first:
            return None
        self._state.settle(last)
        kept = {place: tuple(self._kept.pop(place)) for place in _up_to(last, self._kept)}
        refused = {place: tuple(self._refused.pop(place)) for place in _up_to(last, self._refused)}
        return Settled(first, last, kept, refused)


def _up_to(last: int, places: Iterable[int]) -> list[int]:
    return sorted(place for place in places if place <= last)
