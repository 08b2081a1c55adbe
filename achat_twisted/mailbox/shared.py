"""Shared rows: lines that are stored once, and a cursor on them for each reader.

A room is one, and so are the messages of a name that has devices. A copy belongs to a name, not to
its devices: it is over when the foremost cursor of that name has passed it. So the cursors tell
which copies a row keeps, and no line costs more for having 10,000 readers.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping

_COMPACT = 1024
"""The entries for lines that have gone, until their room is used again."""


FORGOTTEN = "/"
"""In place of a device: the position of the foremost one of those that were forgotten.

No reader has it, and no tag is like it; but what it has passed stays over for its name.
"""


class Sizes:
    """The sizes of the lines in a row, as sums, so that one subtraction tells any stretch.

    @ivar first: the position of the first line.
    """

    __slots__ = ("_gone", "_sums", "first")

    def __init__(self, first: int) -> None:
        self.first = first
        self._gone = 0  # entries before that of the first line
        self._sums = array("Q", [0])

    def append(self, size: int) -> None:
        self._sums.append(self._sums[-1] + size)

    def since(self, position: int) -> int:
        """The bytes of the lines from a position on."""
        return self._sums[-1] - self._sums[position - self.first + self._gone]

    def fitting(self, limit: int) -> int:
        """The lowest position from which on the lines have C{limit} bytes at most."""
        begin = bisect_left(self._sums, max(0, self._sums[-1] - limit), self._gone)
        return self.first + begin - self._gone

    def drop(self, before: int) -> None:
        """Forget the lines before a position."""
        self._gone += before - self.first
        self.first = before
        if self._gone > max(_COMPACT, len(self._sums) // 2):
            del self._sums[: self._gone]
            self._gone = 0


class SharedRow:
    """Lines that are stored once, for names that each have one cursor or several.

    Each line has a position, from 1 on, which is also the number that clients hear. A cursor is the
    position of the next line that its reader has not got. Lines fall off at the beginning, whoever
    has not read them: a cursor before C{first} counts as C{first}, and is not touched for that, so
    it costs no more when there are 10,000.

    @ivar name: the room, or the name whose messages these are.
    @ivar first: the position of the first line.
    @ivar end: the position of the line that comes next.
    @ivar kept: the number of copies in it.
    """

    __slots__ = ("_at", "_cursors", "_fallen", "_sizes", "end", "first", "kept", "name")

    def __init__(self, name: str, first: int = 1) -> None:
        self.name = name
        self.first = self.end = first
        self.kept = 0
        self._sizes = Sizes(first)
        self._cursors: dict[str, dict[str, int]] = {}  # by name and device; "" has none
        self._at: Counter[int] = Counter()  # the number of names whose foremost cursor is there
        self._fallen = 0  # the number of those whose foremost cursor is before the first line

    @property
    def is_needed(self) -> bool:
        """True if there is a line in it, and so something to remember."""
        return self.end > self.first

    # Readers

    def __contains__(self, name: str) -> bool:
        return name in self._cursors

    def __len__(self) -> int:
        return len(self._cursors)

    def __iter__(self) -> Iterator[str]:
        return iter(self._cursors)

    def cursors(self, name: str) -> Mapping[str, int]:
        """The cursors of a name, by device, as they were last moved."""
        return self._cursors.get(name, {})

    def devices(self, name: str) -> list[str]:
        """The devices of a name that have a cursor."""
        return [device for device in self.cursors(name) if device not in ("", FORGOTTEN)]

    def front(self, name: str) -> int:
        """The position of the foremost cursor of a name that has one."""
        return max(self.first, *self._cursors[name].values())

    def position(self, name: str, device: str) -> int:
        """The position of one cursor that there is."""
        return max(self.first, self._cursors[name][device])

    def place(self, name: str, device: str, position: int) -> None:
        """Add a cursor, at a position that is not beyond the foremost one of that name."""
        cursors = self._cursors.get(name)
        if cursors is None:
            self._cursors[name] = {device: position}
            self._count(position, 1)
            self.kept += self.end - max(position, self.first)
        else:
            cursors[device] = position

    def advance(self, name: str, device: str, position: int) -> int:
        """Move a cursor forward, if it is there.

        @return: the number of copies that are over by that, as no other of that name was further.
        """
        cursors = self._cursors.get(name)
        if cursors is None or position <= cursors.get(device, position):
            return 0
        foremost = max(cursors.values())
        cursors[device] = position
        if position <= foremost:
            return 0
        self._count(foremost, -1)
        self._count(position, 1)
        over = max(0, position - max(foremost, self.first))
        self.kept -= over
        return over

    def remove(self, name: str, device: str) -> None:
        """Remove one cursor; what its reader has got stays over for its name, and others get it."""
        cursors = self._cursors[name]
        position = cursors.pop(device)
        if position > max(cursors.values(), default=position - 1):
            cursors[FORGOTTEN] = position

    def leave(self, name: str) -> int:
        """Remove all cursors of a name, and return the number of copies that it had not got."""
        missed = self.end - self.front(name)
        self._count(max(self._cursors.pop(name).values()), -1)
        self.kept -= missed
        return missed

    def _count(self, position: int, change: int) -> None:
        """Count names whose foremost cursor comes to a position, or leaves it."""
        if position < self.first:
            self._fallen += change
            return
        self._at[position] += change
        if not self._at[position]:
            del self._at[position]

    # Lines

    def append(self, size: int) -> int:
        """Add a line of C{size} bytes, and return its position."""
        self._sizes.append(size)
        self.end += 1
        self.kept += len(self._cursors)
        return self.end - 1

    @property
    def size(self) -> int:
        """The bytes of all lines."""
        return self._sizes.since(self.first)

    def size_since(self, position: int) -> int:
        """The bytes of the lines from a position on."""
        return self._sizes.since(position)

    def fitting(self, limit: int) -> int:
        """The lowest position from which on the lines have C{limit} bytes at most."""
        return self._sizes.fitting(limit)

    def drop(self, before: int) -> int:
        """Let the lines before a position fall off.

        @return: the number of copies that are thrown away by that.
        """
        missed = 0
        for position in range(self.first, before):
            self._fallen += self._at.pop(position, 0)
            missed += self._fallen
        self._sizes.drop(before)
        self.first = before
        self.kept -= missed
        return missed

    @property
    def last(self) -> int:
        """The position of the last cursor of a reader; of the next line, if there is none."""
        return max(
            self.first,
            min(
                (
                    position
                    for cursors in self._cursors.values()
                    for device, position in cursors.items()
                    if device != FORGOTTEN or len(cursors) == 1
                ),
                default=self.end,
            ),
        )
