"""Books: what clients with tags know, and whether all that they hear agrees with it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from achat_twisted import wire
from achat_twisted.wire.tags import Opening, parse_verdict
from tests.house import Guest

Refusal = tuple[int, str, str]
"""The number of a line, the word, and the recipient."""


@dataclass(eq=False)
class Era:
    """One era of a tag, as its client knows it.

    @ivar lines: what was posted, by the number that each line carries.
    @ivar refusals: those of its lines, heard or not.
    @ivar known: the number of the last line whose fate it has said to know.
    @ivar synced: the number of the last line that an answered C{/sync} covers.
    @ivar messages: the meaning of each number.
    """

    lines: list[int] = field(default_factory=list)
    refusals: set[Refusal] = field(default_factory=set)
    known: int = 0
    synced: int = 0
    messages: dict[int, str] = field(default_factory=dict)

    def go_back(self, lines: int) -> list[int]:
        """Go on behind that line; return what was posted after it."""
        lost, self.lines[lines:] = self.lines[lines:], []
        self.refusals = {refusal for refusal in self.refusals if refusal[0] <= lines}
        return lost


@dataclass(eq=False)
class _Page:
    """One connection with a tag.

    @ivar era: the one that it has heard of; None until then, when nothing may be said.
    @ivar first: the number of its first message; 0 if none come.
    @ivar known: the number of the last line whose fate was known when it began.
    @ivar read: the number of lines that it has heard, and looked at.
    @ivar next: the number of its next message.
    @ivar got: the number of its messages that it has said to have.
    """

    book: Book
    opening: Opening
    era: Era | None = None
    first: int = 0
    known: int = 0
    read: int = 0
    next: int = 0
    got: int = 0
    told: set[Refusal] = field(default_factory=set)


@dataclass(eq=False)
class Book:
    """One tag of a name, over all of its eras.

    @ivar era: the one that it is in; None until that is heard.
    @ivar newest: the last connection with that tag. Only that one tells where to go on: what an
        older one was told is heard late, and was true before.
    @ivar may_be_behind: true if the server may have forgotten what was not safe.
    """

    era: Era | None = None
    eras: dict[str, Era] = field(default_factory=dict)
    newest: _Page | None = None
    may_be_behind: bool = False

    def resume(self, page: _Page, lines: int, name: str) -> list[int]:
        """Note where a connection goes on.

        @return: what was posted and is not taken in.
        """
        page.era = era = self.eras.setdefault(name, Era())
        page.known = era.known
        if page is not self.newest:
            return []
        was, self.era = self.era, era
        is_behind, self.may_be_behind = self.may_be_behind, False
        if era is not was:
            assert not (lines or era.lines), f"another era, and line {lines}"
            if was is None:
                return []
            # A tag that only sends is forgotten when all of it is confirmed.
            is_clean = was.known == len(was.lines) or is_behind
            assert page.opening.only_sends and is_clean, "another era"
            return was.go_back(was.known)
        least = era.synced if is_behind else len(era.lines)
        assert least <= lines <= len(era.lines), (least, lines, len(era.lines))
        return era.go_back(lines)


class Books:
    """The books of all tags, and the connections that use them.

    @ivar lost: what was posted, and will never come.
    """

    def __init__(self) -> None:
        self.lost: set[int] = set()
        self._books: defaultdict[tuple[str, str], Book] = defaultdict(Book)
        self._pages: dict[Guest, _Page] = {}

    def open(self, guest: Guest, opening: Opening) -> None:
        if opening.tag:
            book = self._books[guest.session.name, opening.tag]
            self._pages[guest] = book.newest = _Page(book, opening)

    def opening(self, guest: Guest) -> Opening | None:
        """The one that it has said; None if it has no tag."""
        return self._pages[guest].opening if guest in self._pages else None

    def crash(self) -> None:
        for book in self._books.values():
            book.may_be_behind = True

    def may_speak(self, guest: Guest) -> bool:
        """True if its client knows where to go on, and is read."""
        if guest.source.stopped:
            return False
        if guest not in self._pages:
            return True
        self.look(guest)
        return self._pages[guest].era is not None and not guest.source.paused

    def posted(self, guest: Guest, number: int, refused: Sequence[tuple[str, str]] = ()) -> None:
        """A line was taken in.

        @param refused: for each copy that was refused the word, and the recipient.
        """
        if guest in self._pages and (era := self._pages[guest].era) is not None:
            era.lines.append(number)
            era.refusals |= {(len(era.lines), *refusal) for refusal in refused}

    def confirm(self, guest: Guest, left: int) -> bool:
        """Have its client say what it has, but for the last few messages; True if it can."""
        page = self._pages.get(guest)
        if page is None or not self.may_speak(guest) or page.era is None:
            return False
        page.got = max(page.got, page.next - page.first - left)
        page.era.known = max(page.era.known, page.era.synced)
        guest.commands(f"/got {max(0, page.first + page.got - 1)} {page.era.known}")
        return True

    def messages(self, guest: Guest) -> list[str]:
        """Those that count as delivered."""
        page = self._pages.get(guest)
        return guest.link.messages() if page is None else guest.link.messages()[: page.got]

    def look(self, guest: Guest) -> None:
        """See that all that it has heard since the last look agrees with the book, and note it."""
        page = self._pages.get(guest)
        if page is None:
            return
        lines = guest.link.lines()
        for line in lines[page.read :]:
            said = wire.parse_server_line(line)
            if page.era is not None:
                self._hear(page, page.era, said, line)
            elif isinstance(said, wire.Notice) and said.word == "resumed":
                taken_in, first, era = said.detail.split()
                page.first = page.next = int(first)
                self.lost.update(page.book.resume(page, int(taken_in), era))
        page.read = len(lines)

    def _hear(self, page: _Page, era: Era, said: wire.Message | wire.Notice, line: str) -> None:
        if isinstance(said, wire.Message):
            assert era.messages.setdefault(page.next, line) == line, (page.next, line)
            page.next += 1
        elif said.word == "synced":
            covered = int(said.detail.split()[0])
            due = {each for each in era.refusals if page.known < each[0] <= covered}
            assert due <= page.told, (due - page.told, line)
            era.synced = max(era.synced, covered)
        elif (verdict := parse_verdict(said)) is not None and verdict.word != "kept":
            places = range(verdict.first, verdict.last + 1)
            told = {(number, verdict.word, verdict.subject) for number in places}
            assert told <= era.refusals, (told - era.refusals, line)
            page.told |= told
