"""A workload: a load on a server, and what is measured of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from achat_twisted.bench.dialects import Dialect
from achat_twisted.bench.servers import Server

Figures = Mapping[str, float | None]
"""The results of a round, by the L{Measure}'s keys, in seconds and bytes; None is unknown."""

UNKNOWN = "-"
"""The sign for a figure that is unknown."""


@dataclass(frozen=True, slots=True)
class Load:
    """The size of a load.

    @ivar peers: connections.
    @ivar lines: the number that each sender sends.
    @ivar text: the text of each line.
    @ivar rate: lines a second from all senders together; 0 is as fast as the server takes them.
    """

    peers: int
    lines: int
    text: str
    rate: int = 0

    def __str__(self) -> str:
        lines = f", {self.lines:,} lines of {len(self.text)} bytes from each sender"
        rate = f", {self.rate:,} a second in all"
        return f"{self.peers:,} connections{lines if self.lines else ''}{rate if self.rate else ''}"


@dataclass(frozen=True, slots=True)
class Measure:
    """One column of a report.

    @ivar key: the key of its figure.
    @ivar heading: its name, with its unit.
    @ivar scale: how many of the unit are one second, byte or whatever the figure counts.
    @ivar digits: how many are shown behind the point.
    @ivar better: C{more} or C{less}, as one wishes for it.
    @ivar is_compared: true if a report shows its ratio to the first server's.
    """

    key: str
    heading: str
    scale: float = 1
    digits: int = 0
    better: Literal["more", "less"] = "less"
    is_compared: bool = True

    def show(self, value: float | None) -> str:
        return UNKNOWN if value is None else f"{value * self.scale:,.{self.digits}f}"


@dataclass(frozen=True, slots=True)
class Workload:
    """A load, and how it is put on a server.

    @ivar name: the user's name for it.
    @ivar what: what it does, in a sentence.
    @ivar peers: connections, unless the user says otherwise.
    @ivar lines: how many each sender sends with so many peers, unless the user says otherwise.
    @ivar run: puts the load on a server.
    @ivar measures: the columns of its report; the spread is that of the first.
    @ivar rate: lines a second from all senders, unless the user says otherwise; 0 if the load has
        none, and sends as fast as the server takes it.
    @ivar in_pairs: true if the number of peers must be even.
    @ivar stops: true if the server is stopped, which must have been started for that.
    @ivar is_for_tags: true if its clients may have tags: none of them confirms messages in the
        middle of a line of its own.
    """

    name: str
    what: str
    peers: int
    lines: Callable[[int], int]
    run: Callable[[Server, Dialect, Load], Figures]
    measures: tuple[Measure, ...]
    rate: int = 0
    in_pairs: bool = False
    stops: bool = False
    is_for_tags: bool = True
