"""Framing: however a stream is cut, the same lines come out."""

from __future__ import annotations

from hypothesis import given, strategies as st
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.wire.framing import LineSplitter
from tests.strategies import cuts

MAX = 8

STREAMS = st.lists(
    st.sampled_from([b"\n", b"\r", b"\r\n", b"a: b", b"\xff", b"\0", "é".encode(), b"x" * MAX])
).map(b"".join)


def split(chunks: list[bytes], *, finish: bool = False) -> list[str]:
    """The lines of a stream cut into chunks; an error stands as its text, marked."""
    splitter = LineSplitter(MAX)
    lines = [line for chunk in chunks for line in splitter.one_by_one(splitter.feed(chunk))]
    if finish:
        lines.extend(splitter.one_by_one(splitter.finish()))
    return [line if isinstance(line, str) else f"<{line}>" for line in lines]


class LineSplitterTests(SynchronousTestCase):
    """L{LineSplitter}."""

    def test_lines(self) -> None:
        """A chunk is cut at its line ends, and the bytes after the last one wait for more."""
        self.assertEqual(split([b"a\nb\r\n\nc"]), ["a", "b", ""])

    def test_finish(self) -> None:
        """The end of the stream ends a line that has begun, and begins no new one."""
        self.assertEqual(split([b"a\nb"], finish=True), ["a", "b"])
        self.assertEqual(split([b"a\n"], finish=True), ["a"])

    def test_longest_line(self) -> None:
        """A line of the greatest length is one, with either line end and however it comes."""
        for end in (b"\n", b"\r\n"):
            stream = b"x" * MAX + end + b"y\n"
            for at in range(len(stream)):
                self.assertEqual(split([stream[:at], stream[at:]]), ["x" * MAX, "y"])

    def test_too_long(self) -> None:
        """A longer line is reported once, and the lines after it are good."""
        self.assertEqual(split([b"x" * 9 + b"\na\n"]), ["<too-long 8>", "a"])
        self.assertEqual(split([b"x" * 9, b"x" * 99, b"xx\na\n"]), ["<too-long 8>", "a"])

    def test_too_long_is_reported_early(self) -> None:
        """Nobody has to send a line end to be told that the line is too long."""
        self.assertEqual(split([b"x" * 9]), ["<too-long 8>"])

    def test_megabyte_without_line_end(self) -> None:
        """A megabyte without a line end is one refusal, and is not kept in memory."""
        splitter = LineSplitter(MAX)
        errors = [line for _ in range(16) for line in splitter.feed(b"x" * 2**16)]
        self.assertEqual(len(errors), 1)
        self.assertEqual(splitter.finish(), [])
        self.assertEqual(splitter.feed(b"\nok\n"), ["ok\n"])

    def test_errors_stand_in_place(self) -> None:
        """A line that cannot be read stands as an error between its neighbours."""
        self.assertEqual(
            split([b"a\n\xff\nb\n\x1b[2J\nc\n"]),
            ["a", "<bad-line not UTF-8>", "b", "<bad-line control characters>", "c"],
        )

    @given(STREAMS.flatmap(lambda stream: st.tuples(st.just(stream), cuts(stream))))
    def test_cuts_do_not_matter(self, case: tuple[bytes, list[bytes]]) -> None:
        """However the stream is cut into chunks, the same lines come out."""
        stream, chunks = case
        self.assertEqual(split(chunks, finish=True), split([stream], finish=True))

    @given(st.lists(st.binary(max_size=20)))
    def test_any_bytes(self, chunks: list[bytes]) -> None:
        """Lines come out whole from any bytes: none holds a line end or exceeds the limit."""
        for line in split(chunks, finish=True):
            if not line.startswith("<"):
                self.assertNotIn("\n", line)
                self.assertLessEqual(len(line.encode()), MAX)
