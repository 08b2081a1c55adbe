"""Acknowledgements: the age of the oldest byte not yet acknowledged, to about a second.

Strategy: to note when each line was written would cost every line. Instead a mark notes once a
second how much has been written by then. As long as less than that has arrived, the oldest byte
under way is at least as old as the mark.
"""

from __future__ import annotations

from typing import NamedTuple

_FINENESS = 30
"""Marks are apart by the oldest one's age divided by this, but at least by a second; so a peer that
never catches up has no more than some two hundred of them in hours.
"""


class Mark(NamedTuple):
    """The number of bytes that had been written by that moment."""

    moment: float
    written: int


def look(marks: tuple[Mark, ...], now: float, arrived: int, written: int) -> tuple[Mark, ...]:
    """The marks that have not been reached, and one for now if more has been written since.

    @param arrived: the number of the C{written} bytes that have arrived.
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
