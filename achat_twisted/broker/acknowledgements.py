"""Arrears: since when a peer's machine has owed an acknowledgement, to about a second.

Strategy: to note when each line was written would cost every line. Instead it is noted once a
second how much has been written by then: a mark. As long as less than that has arrived, the oldest
byte on its way is at least as old as the mark.
"""

from __future__ import annotations

from typing import NamedTuple

_FINENESS = 30
"""Marks are this part of the oldest one's age apart, or a second; so a peer that never catches up
has no more than some two hundred of them in hours.
"""


class Mark(NamedTuple):
    """So many bytes had been written at that moment."""

    moment: float
    written: int


def look(marks: tuple[Mark, ...], now: float, arrived: int, written: int) -> tuple[Mark, ...]:
    """The marks that have not been reached, and one for now if more has been written since.

    @param arrived: bytes of those C{written} that have.
    """
    left = [mark for mark in marks if mark.written > arrived]
    if left:
        oldest, newest = left[0], left[-1]
        is_new = written > newest.written
        is_due = now - newest.moment >= (now - oldest.moment) / _FINENESS
    else:
        is_new, is_due = written > arrived, True
    if is_new and is_due:
        left.append(Mark(now, written))
    return tuple(left)
