"""Sizes and times as people write them: C{16M}, C{30d}, or a bare number in the usual unit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_WITH_SUFFIX = re.compile(r"([0-9]+|[0-9]*\.[0-9]+) ?([A-Za-z]+)")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A kind of number that may have a suffix.

    @ivar unit: the unit of a bare number, in the plural.
    @ivar example: a number with a suffix, and the word for what it is.
    @ivar kind: C{int} if there are only whole ones.
    @ivar suffixes: the sizes of the larger and smaller units, from small to large.
    @ivar bare: the size of the unit of a bare number, in the same measure.
    """

    unit: str
    example: str
    kind: type[int] | type[float]
    suffixes: Mapping[str, int]
    bare: int = 1

    def parse(self, text: str) -> float:
        """The number in C{text}, in the unit of a bare one.

        @raise ValueError: if it is none.
        """
        match = _WITH_SUFFIX.fullmatch(text)
        if match is None:
            return self.kind(text)
        factor = self._factor(match[2])
        if factor is None:
            raise ValueError(text)
        given = float(match[1]) * factor / self.bare
        if self.kind is int and not given.is_integer():
            raise ValueError(text)
        return self.kind(given)

    def show(self, number: float) -> float | str:
        """The shortest way to write a number: with the largest suffix that leaves it a whole one.

        It stays a bare number where no suffix says the same.
        """
        amount = round(number * self.bare)
        if amount and abs(amount - number * self.bare) < 1e-6:
            for suffix in reversed([*self.suffixes]):
                factor = self.suffixes[suffix]
                if amount % factor == 0:
                    return f"{amount // factor}{suffix}"
        return int(number) if number == int(number) else number

    def _factor(self, suffix: str) -> int | None:
        if self.kind is int:  # a size: 16M, 16m or 16MiB
            suffix = re.sub("IB$", "", suffix.upper())
        return self.suffixes.get(suffix)


_TIMES = {"s": 1, "m": 60, "h": 3600, "d": 86_400}

BYTES = Quantity(
    "bytes",
    "a size such as 64K",
    int,
    {suffix: 2 ** (10 * power) for power, suffix in enumerate("KMGTP", 1)},
)
"""Bytes; C{K} is 1024, C{M} is 1024 C{K}, and so on."""

SECONDS = Quantity("seconds", "a time such as 5m", float, _TIMES)
"""Seconds; or minutes, hours and days, with the suffixes C{m}, C{h} and C{d}."""

DAYS = Quantity("days", "a time such as 12h", float, _TIMES, bare=_TIMES["d"])
"""Days; or any other unit of L{SECONDS}, with its suffix."""
