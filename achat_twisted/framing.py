"""From chunks to lines: however a stream is cut, the same lines come out."""

from __future__ import annotations

from collections.abc import Iterator

from achat_twisted import wire

Line = str | wire.WireError
"""A line, or what is wrong with the bytes in its place."""


class LineSplitter:
    """Cuts a stream of bytes into lines of at most C{max_line} bytes.

    A longer one becomes a single L{wire.TooLong} in its place, reported as soon as
    it is known; the rest of it is thrown away as it arrives, so that what is held
    here never exceeds C{max_line + 1} bytes.
    """

    __slots__ = ("_max_line", "_rest", "_skipping")

    def __init__(self, max_line: int) -> None:
        self._max_line = max_line
        self._rest = b""
        self._skipping = False

    def feed(self, chunk: bytes) -> Iterator[Line]:
        """The lines that C{chunk} completes; to be exhausted before the next call."""
        *complete, rest = chunk.split(b"\n")
        for part in complete:
            raw, self._rest = self._rest + part, b""
            if self._skipping:
                self._skipping = False
            else:
                yield self._decode(raw)
        if self._skipping:
            return
        self._rest += rest
        if len(self._rest.removesuffix(b"\r")) > self._max_line:
            self._rest, self._skipping = b"", True
            yield wire.TooLong(self._max_line)

    def finish(self) -> Iterator[Line]:
        """The line that the end of the stream completes, if there is one."""
        rest, self._rest = self._rest, b""
        if rest:
            yield self._decode(rest)

    def _decode(self, raw: bytes) -> Line:
        try:
            return wire.decode_line(raw, self._max_line)
        except wire.WireError as error:
            return error
