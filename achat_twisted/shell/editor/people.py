"""People: the names that are worth completing, and those that are here."""

from __future__ import annotations

from collections.abc import Iterable

_MOST = 10_000
"""The names that are remembered of those who have written; the longest silent go first."""


class People:
    """Everybody that the user may want to write to.

    @ivar here: the names that are here, as far as is known, without the user's own.
    """

    def __init__(self, name: str) -> None:
        """@param name: the user's own."""
        self.here: list[str] = []
        self._name = name
        self._met: dict[str, None] = {}  # the last one to write, or to be written to, is last

    def met(self, name: str) -> None:
        """Note that the user has heard from somebody, or written to them."""
        self._met.pop(name, None)
        self._met[name] = None
        if len(self._met) > _MOST:
            del self._met[next(iter(self._met))]

    def are_here(self, names: Iterable[str]) -> None:
        """Note who is here now."""
        self.here = [name for name in names if name != self._name]

    def is_missing(self, name: str) -> bool:
        """True for somebody who has written, but is not known to be here."""
        return name != self._name and name not in self.here

    def beginning(self, start: str) -> list[str]:
        """The names that begin so, in any case; those met last come first, then those here."""
        start = start.casefold()
        names = dict.fromkeys([*reversed(self._met), *self.here])
        return [name for name in names if name.casefold().startswith(start)]
