"""A batch: the changes to a mailbox's file that are not in it yet.

Strategy: copies that stand one behind the other in a name's row, and came at the same moment, are
one L{Span}, however many. So the cost of a batch goes by the runs that have come, not by lines.
Those that go straight to somebody are I{records}, which nobody looks for while the server runs.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import attrgetter
from typing import NamedTuple

from achat_twisted.mailbox.mail_clock import Standing
from achat_twisted.mailbox.page import Page
from achat_twisted.mailbox.tag_changes import TagChanges

_TIDY = 8 * 2**20
"""The bytes of lines added until those that have arrived are looked for."""

Record = tuple[int, int, int, int, float, bytes]
"""Lines that go straight to a name: an entry of C{record.sql}, with the lines last, and no object
besides, as there may be one for each line.
"""


class Span(NamedTuple):
    """Copies for one name whose positions follow each other; see C{schema.sql}.

    @ivar name: the name's id.
    @ivar first: the position of the first copy.
    @ivar since: when they were kept.
    @ivar lines: all their lines, each with its line end.
    @ivar copies: the number of them, at least one.
    """

    name: int
    first: int
    since: float
    lines: bytes
    copies: int

    @property
    def end(self) -> int:
        """The position behind the last copy."""
        return self.first + self.copies

    def split(self) -> list[bytes]:
        """The lines one by one."""
        return self.lines.splitlines(keepends=True)

    def entries(self) -> Iterator[tuple[int, int, float, bytes]]:
        """The entries in the file that they make."""
        for position, line in enumerate(self.split(), self.first):
            yield self.name, position, self.since, line


class SavedRoom(NamedTuple):
    """The entry of a room in the file; see C{rooms.sql}."""

    era: str
    is_open: bool
    is_quiet: bool
    owners: tuple[str, ...]


@dataclass(slots=True)
class Batch:
    """Changes that are committed together.

    @ivar names: by id; None for one that is forgotten.
    @ivar spans: by name's id the spans that are to be in its row, in order, each place once. Copies
        whose places are taken in the file are there already, and not written again.
    @ivar arrived: by name's id the position before which every copy has arrived.
    @ivar records: lines that go straight to somebody, in the order in which they came.
    @ivar struck: the ids of records, here or in the file, whose lines have arrived, or stand among
        the copies now.
    @ivar firsts: by name's id, the number of the first copy in its row.
    @ivar tags: what has become of tags.
    @ivar cursors: by reader's id, device and row's id the cursors that have moved; None for one
        that is gone.
    @ivar rooms: by id the rooms that are new, or have changed; None for one that is gone.
    @ivar standing: where the mail clock stands, if that is to be noted.
    @ivar size: bytes of all lines.
    """

    names: dict[int, str | None] = field(default_factory=dict)
    spans: dict[int, list[Span]] = field(default_factory=dict)
    arrived: dict[int, int] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)
    struck: list[int] = field(default_factory=list)
    firsts: dict[int, int] = field(default_factory=dict)
    tags: TagChanges = field(default_factory=TagChanges)
    cursors: dict[tuple[int, str, int], int | None] = field(default_factory=dict)
    rooms: dict[int, SavedRoom | None] = field(default_factory=dict)
    standing: Standing | None = None
    size: int = 0
    tidy_at: int = _TIDY

    def __bool__(self) -> bool:
        return bool(
            self.records
            or self.struck
            or self.spans
            or self.arrived
            or self.names
            or self.tags
            or self.cursors
            or self.rooms
            or self.standing
        )

    def __iter__(self) -> Iterator[Span]:
        for spans in self.spans.values():
            yield from spans

    def add(self, span: Span) -> None:
        """Add copies, except those whose places in the batch are taken."""
        spans = self.spans.get(span.name)
        if spans is None:
            self.spans[span.name] = [span]
            self.size += len(span.lines)
        elif spans[-1].end <= span.first:
            spans.append(span)
            self.size += len(span.lines)
        else:
            self._fill_in(spans, span)
        if self.size > self.tidy_at:
            self.drop_arrived()

    def seal(self) -> None:
        """Take the tags as they are now, as the copies in the batch are all that there are.

        So what is written of a tag cannot part from the copies of its lines.
        """
        self.tags.seal()

    def record(self, record: Record) -> None:
        """Add lines that go straight to somebody."""
        self.records.append(record)
        self.size += len(record[-1])
        if self.size > self.tidy_at:
            self.drop_arrived()

    def _fill_in(self, spans: list[Span], span: Span) -> None:
        """Put copies between, and before, those that are here."""
        begin = bisect_right(spans, span.first, key=attrgetter("end"))
        end = bisect_right(spans, span.end - 1, key=attrgetter("first"))
        lines = span.split()
        filled: list[Span] = []
        first = span.first
        for taken in spans[begin:end]:
            filled += self._piece(span, lines, first, taken.first)
            filled.append(taken)
            first = taken.end
        filled += self._piece(span, lines, first, span.end)
        spans[begin:end] = filled

    def _piece(self, span: Span, lines: list[bytes], first: int, end: int) -> list[Span]:
        """The part of a span from C{first} up to C{end}, counted; nothing, if that is empty."""
        if first >= end:
            return []
        part = b"".join(lines[first - span.first : end - span.first])
        self.size += len(part)
        return [Span(span.name, first, span.since, part, end - first)]

    def page(self, name: int, first: int, size: int) -> Page:
        """The lines for C{name} from position C{first} on, about C{size} bytes of them, and up to
        the first that is not here.
        """
        spans = self.spans.get(name, ())
        page = Page()
        for span in spans[bisect_right(spans, first, key=attrgetter("end")) :]:
            if span.first > first + len(page) or size <= 0:
                break
            for line in span.split()[first + len(page) - span.first :]:
                if size <= 0:
                    break
                page.add(line, span.since)
                size -= len(line)
        return page

    def places(self) -> Iterator[tuple[int, int]]:
        """The name's id and the position of each copy."""
        for span in self:
            for position in range(span.first, span.end):
                yield span.name, position

    def copies(self) -> int:
        """The number of copies that are to be in the file."""
        return sum(span.copies for span in self)

    def drop_arrived(self) -> None:
        """Forget the copies that have arrived before they could be written.

        It looks at no more than the names for which something has arrived, and what goes.
        """
        for name, before in self.arrived.items():
            spans = self.spans.get(name)
            if spans is not None and spans[0].first < before:
                self._drop_before(before, spans)
                if not spans:
                    del self.spans[name]
        self._drop_struck()
        self.tidy_at = 2 * self.size + _TIDY

    def _drop_before(self, before: int, spans: list[Span]) -> None:
        """Forget one name's copies before a position."""
        gone = spans[: bisect_right(spans, before - 1, key=attrgetter("first"))]
        self.size -= sum(len(span.lines) for span in gone)
        last = gone[-1]
        spans[: len(gone)] = self._piece(last, last.split(), before, last.end)

    def forget_records(self) -> None:
        """Forget all records, and what was struck out, as the file has it."""
        self.size -= sum([len(record[-1]) for record in self.records])
        self.records, self.struck = [], []

    def _drop_struck(self) -> None:
        """Forget the records that have been struck out, and the ids of those."""
        struck = {*self.struck}
        here = {record[0]: record for record in self.records}
        self.size -= sum(len(here[id_][-1]) for id_ in struck & here.keys())
        self.records = [record for id_, record in here.items() if id_ not in struck]
        self.struck = sorted(struck - here.keys())

    def absorb(self, later: Batch) -> None:
        """Let the changes of C{later} follow these."""
        self.names.update(later.names)
        self.arrived.update(later.arrived)
        self.firsts.update(later.firsts)
        self.tags.absorb(later.tags)
        self.cursors.update(later.cursors)
        self.rooms.update(later.rooms)
        self.standing = later.standing or self.standing
        self.records += later.records
        self.struck += later.struck
        self.size += sum(len(record[-1]) for record in later.records)
        for span in later:
            self.add(span)
