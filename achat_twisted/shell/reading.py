"""Lines that come from a file, as many at a time as come together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from achat_twisted.client.errors import UnusableLine

MAX_TYPED = 2**20
"""The longest line that is read, in bytes; no server takes a longer one."""


class Readable(Protocol):
    """A file that is read; see L{files.Input}."""

    async def read(self) -> bytes:
        """Some of what comes next, as soon as there is any; nothing at the end.

        @raise OSError: if it cannot be read.
        """


class LineReader:
    """The lines of a file, without their ends.

    Of a line that is longer than L{MAX_TYPED} there is the beginning, one byte more than that, so
    that L{check_length} refuses it. Bytes that are not UTF-8 are kept as halves of pairs (PEP 383).
    """

    def __init__(self, source: Readable) -> None:
        self._source = source
        self._rest = b""

    async def batches(self) -> AsyncIterator[list[str]]:
        """All lines, as many at a time as come together.

        @raise OSError: if the file cannot be read to its end.
        """
        while data := await self._source.read():
            *lines, begun = (self._rest + data).split(b"\n")
            self._rest = begun[: MAX_TYPED + 2]  # of which one may be the \r of its end
            if lines:
                yield [_text(line) for line in lines]
        if rest := self.rest():
            yield rest

    def rest(self) -> list[str]:
        """The beginning of a line, if its end has not come; it is handed out once."""
        rest, self._rest = self._rest, b""
        return [_text(rest)] if rest else []


def _text(line: bytes) -> str:
    return line.removesuffix(b"\r")[: MAX_TYPED + 1].decode(errors="surrogateescape")


def is_too_long(line: str) -> bool:
    """True for a line that is longer than L{MAX_TYPED}, of which there may be more."""
    return len(line.encode(errors="surrogateescape")) > MAX_TYPED


def check_length(line: str) -> str:
    """The line itself.

    @raise UnusableLine: if it is too long, see L{is_too_long}.
    """
    if is_too_long(line):
        raise UnusableLine(f"it has more than {MAX_TYPED} bytes")
    return line


class Given:
    """A text that was given, in place of a file: its lines, of which there is one at least."""

    def __init__(self, text: str) -> None:
        self._lines = text.removesuffix("\n").split("\n")

    async def batches(self) -> AsyncIterator[list[str]]:
        """All of its lines at once."""
        yield self.rest()

    def rest(self) -> list[str]:
        """The lines that were not handed out yet."""
        lines, self._lines = self._lines, []
        return lines
