"""Audiences: the sessions that follow a shared row, and the telling of what is new in it.

A line for many is rendered once, and its bytes are shared by all batches. An audience is served in
slices, so that nobody else waits for a room of 10,000; lines that come meanwhile are told together
in the next round.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import groupby
from typing import Protocol

from twisted.logger import Logger

from achat_twisted.mailbox.shared import SharedRow
from achat_twisted.wire.rooms import numbered


class Chunk:
    """Some lines of a row, one behind the other, as a round tells them to everybody.

    @ivar first: the position of the first line.
    @ivar end: the position behind the last one.
    @ivar plain: the lines as clients without a tag hear them.
    @ivar senders: those who have said them.
    """

    def __init__(self, first: int, lines: Sequence[tuple[str, bytes]]) -> None:
        """@param lines: the sender of each, and the line itself, rendered."""
        self.first = first
        self.end = first + len(lines)
        self.plain = b"".join([line for _, line in lines])
        self._lines = lines
        self.senders = {sender for sender, _ in lines}

    @cached_property
    def numbered(self) -> bytes:
        """The lines with their numbers."""
        return numbered(self.plain, self.first)

    def spans_without(self, name: str) -> list[tuple[int, int, bytes]]:
        """The lines that others than C{name} have said: where each run of them begins, how many
        they are, and the lines.
        """
        spans = []
        at = self.first
        for is_own, run in groupby(self._lines, lambda line: line[0] == name):
            lines = [line for _, line in run]
            if not is_own:
                spans.append((at, len(lines), b"".join(lines)))
            at += len(lines)
        return spans

    def since(self, position: int) -> Chunk:
        """The lines from a position on."""
        return Chunk(position, self._lines[position - self.first :])


class IFollower(Protocol):
    """One that is told of new lines."""

    def offer(self, chunk: Chunk) -> None:
        """Take new lines, if all lines before them have been taken."""

    def give_up(self) -> None:
        """End its session, as it cannot be told."""


class Audience:
    """Those who follow one row, and the lines that they have not been told of."""

    _log = Logger()

    def __init__(self, row: SharedRow) -> None:
        self.row = row
        self.followers: dict[IFollower, None] = {}
        self._new: list[tuple[str, bytes]] = []
        self._chunk: Chunk | None = None
        self._to_tell: list[IFollower] = []

    def post(self, sender: str, line: bytes) -> bool:
        """Note a line that was added to the row; True if until now there was nothing to tell."""
        is_first = self.is_told
        self._new.append((sender, line))
        return is_first

    @property
    def is_told(self) -> bool:
        """True if there is nothing to tell any more."""
        return not (self._new or self._to_tell)

    def tell(self, most: int) -> int:
        """Tell some of them of what is new; all have heard a round before the next one begins.

        @param most: the most followers to tell.
        @return: how many were told.
        """
        told = 0
        while told < most and not self.is_told:
            if not self._to_tell:
                self._chunk = Chunk(self.row.end - len(self._new), self._new)
                self._new = []
                self._to_tell = [*self.followers]
            told += self._tell_some(most - told)
        return told

    def _tell_some(self, most: int) -> int:
        assert self._chunk is not None
        some = self._to_tell[-most:]
        del self._to_tell[-most:]
        for follower in some:
            if follower in self.followers:
                self._offer(follower, self._chunk)
        return len(some)

    def _offer(self, follower: IFollower, chunk: Chunk) -> None:
        """Offer lines to one of them; a bug costs only the session that it hits."""
        try:
            follower.offer(chunk)
        except Exception:
            self._log.failure("A follower of {row} could not be told: closed", row=self.row.name)
            follower.give_up()
