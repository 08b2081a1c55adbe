"""Newcomers: for a moment after its start, a server that remembers no names expects everybody.

Where the mailbox ends with the process, only those who have come back are known after a restart. A
line that comes a moment before its recipient would be refused, as for a stranger. It is kept
instead, since the name may have been here before.
"""

from __future__ import annotations

from twisted.internet.interfaces import IReactorTime

from achat_twisted import wire
from achat_twisted.login.interfaces import IGate

DURATION = 10.0
"""The seconds that it lasts. C{achat chat} tries again within six, however long it has tried."""

NAMES = 10_000
"""The most names that are trusted meanwhile, as each takes 1 KB until its mail expires."""


class Newcomers:
    """Expects the names that the gate knows, and for a moment after its start any name."""

    def __init__(self, clock: IReactorTime, gate: IGate) -> None:
        """Begin now.

        @param gate: asked first; the names that it knows are expected at any time.
        """
        self._clock = clock
        self._gate = gate
        self._end = clock.seconds() + DURATION
        self._left = NAMES

    def expects(self, name: str) -> bool:
        """True if mail is to be kept for C{name}, which the mailbox does not know."""
        if self._gate.knows(name):
            return True
        if not self._left or self._clock.seconds() >= self._end:
            return False
        try:
            wire.check_name(name)
        except wire.Refused:  # nobody can have it, and so fetch the mail
            return False
        self._left -= 1
        return True
