"""Lines that are read, and the recipients of what is said."""

from __future__ import annotations

import tracemalloc

import click
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.client.errors import UnusableLine
from achat_twisted.shell.reading import (
    MAX_TYPED,
    Given,
    LineReader,
    check_length,
    is_too_long,
)
from achat_twisted.shell.recipients import parse_recipients
from tests.shell.fakes import FakeInput
from tests.shell.loops import in_loop

RECIPIENTS = {
    "bob": "bob",
    "bob,eve": "bob, eve",
    " bob , eve ": "bob, eve",
    "bob,bob": "bob, bob",
    "#ops": "#ops",
    "bob,#ops": "bob, #ops",
    "two words": "two words",
}

NOBODY = {
    "": "a name is missing",
    "bob,": "a name is missing",
    "bob: hi": "contains :",
    "#ops: hi": "contains :",
    "/quit": "begins with ! or /",
    "a\nb": "cannot be printed",
    "#": "contains , or #",
    "b#b": "contains , or #",
}


class LineTests(SynchronousTestCase):
    """Standard input, or a text in place of it."""

    async def read(self, *chunks: bytes) -> list[list[str]]:
        source = FakeInput()
        source.comes(*chunks, b"")
        return [batch async for batch in LineReader(source).batches()]

    @in_loop
    async def test_lines(self) -> None:
        """Lines come as many at a time as come together, the last one with or without its end."""
        batches = await self.read(b"one\ntwo\r\nth", b"ree\n\nfo", b"ur")
        self.assertEqual(batches, [["one", "two"], ["three", ""], ["four"]])

    @in_loop
    async def test_not_utf8(self) -> None:
        """Bytes that are not UTF-8 stay what they are."""
        self.assertEqual(await self.read(b"a\xffb\n"), [["a\udcffb"]])

    @in_loop
    async def test_endless(self) -> None:
        """A file without any line end takes a few times the longest line, whatever its size."""
        chunk = b"x" * MAX_TYPED
        source = FakeInput()
        source.comes(*([chunk] * 20), b"")
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        async for _ in LineReader(source).batches():
            pass
        self.assertLess(tracemalloc.get_traced_memory()[1], 8 * MAX_TYPED)

    @in_loop
    async def test_long(self) -> None:
        """Of a line that is too long there is one byte more than the longest may have."""
        chunk = b"x" * MAX_TYPED
        batches = await self.read(chunk, chunk, chunk + b"\nmore\n")
        self.assertEqual([[len(line) for line in batch] for batch in batches], [[MAX_TYPED + 1, 4]])

    @in_loop
    async def test_long_in_bytes(self) -> None:
        """A line is too long by its bytes, wherever it is cut, and its own end does not count."""
        whole = "é" * (MAX_TYPED // 2)
        for text, is_cut in (
            (whole, False),
            (f"{whole}\r", False),
            (f"{whole}é", True),
            (f"a{whole}", True),
            (f"{whole}\rx", True),
        ):
            half = len(text.encode()) // 2
            data = f"{text}\n".encode()
            for chunks in ([data], [data[:half], data[half:]], [data[:-1], b"\n"]):
                [[line]] = await self.read(*chunks)
                self.assertEqual(is_too_long(line), is_cut)
                if not is_cut:
                    self.assertEqual((check_length(line), line), (line, whole))
                else:
                    self.assertRaises(UnusableLine, check_length, line)

    @in_loop
    async def test_rest(self) -> None:
        """The beginning of a line is there for those who end before its end, once."""
        source = FakeInput()
        source.comes(b"one\ntw")
        reader = LineReader(source)
        await anext(reader.batches())
        self.assertEqual([reader.rest(), reader.rest()], [["tw"], []])

    @in_loop
    async def test_given(self) -> None:
        """A text is each of its lines, and a line even if it is empty; handed out once."""
        for text, lines in (
            ("", [""]),
            ("hi", ["hi"]),
            ("hi\n", ["hi"]),
            ("a\n\nb", ["a", "", "b"]),
        ):
            given = Given(text)
            self.assertEqual([batch async for batch in given.batches()], [lines])
            self.assertEqual(given.rest(), [])


class RecipientTests(SynchronousTestCase):
    """TO[,TO…] on a command line."""

    def test_recipients(self) -> None:
        """Names, and whatever begins with C{#}, are for the server to know."""
        for text, recipients in RECIPIENTS.items():
            self.assertEqual(parse_recipients(text), recipients)

    def test_nobody(self) -> None:
        """Anything that would make another line of it, or can be no name, is a mistake."""
        for text, why in NOBODY.items():
            error = self.assertRaises(click.BadParameter, parse_recipients, text)
            self.assertIn(why, str(error))
