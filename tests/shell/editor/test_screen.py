"""The screen: what one types stays below what is shown."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import StringIO

from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.input import PipeInput, create_pipe_input
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.shell.editor.colours import Fragments
from achat_twisted.shell.editor.completion import LineCompleter
from achat_twisted.shell.editor.people import People
from achat_twisted.shell.editor.screen import Screen
from tests.shell.loops import in_loop, turns

ERASE = "\x1b[J"
PASTE = "\x1b[200~", "\x1b[201~"
BRACKETED, NOT_BRACKETED = "\x1b[?2004h", "\x1b[?2004l"

KEYS = {"ctrl-c": "\x03", "ctrl-d": "\x04", "tab": "\t", "up": "\x1b[A", "enter": "\r"}


class FakeTerminal(StringIO):
    """A text that grows by pieces.

    @ivar pieces: the number of them.
    """

    pieces = 0

    def write(self, text: str) -> int:
        self.pieces += 1
        return super().write(text)


class FakeDesk:
    """A chat in which nothing happens, unless the test says so."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.waits: Fragments = []

    def typed(self, text: str) -> None:
        self.said.append(text)

    def about(self, text: str) -> Fragments:
        return [("", f" {len(text.splitlines())} lines")]

    def status(self) -> Fragments:
        return [("", " all is well")]

    def waiting(self) -> Fragments:
        return self.waits


class ScreenTests(SynchronousTestCase):
    """L{Screen}, with a terminal that is a text."""

    @asynccontextmanager
    async def screen(self, **environ: str) -> AsyncIterator[Screen]:
        self.terminal = FakeTerminal()
        self.desk = FakeDesk()
        people = People("ann")
        people.are_here(["bob", "bobby"])
        with create_pipe_input() as source:
            self.source: PipeInput = source
            screen = Screen(
                InMemoryHistory(),
                LineCompleter(people, ["/who"]),
                {"TERM": "xterm", **environ},
                source,
                self.terminal,
            )
            self.editing = asyncio.ensure_future(screen.run(self.desk))
            await turns()
            try:
                yield screen
            finally:
                screen.leave(0)
                await asyncio.wait([self.editing])

    async def types(self, *keys: str) -> None:
        for key in keys:
            self.source.send_text(KEYS.get(key, key))
            await asyncio.sleep(0.1)
            await turns()

    def written(self) -> str:
        """All that the terminal has got since this was last asked."""
        text = self.terminal.getvalue()
        self.terminal.seek(0)
        self.terminal.truncate()
        return text

    def plain(self) -> str:
        """The same without what only moves the cursor, or sets a style."""
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.written())

    async def below(self, screen: Screen) -> str:
        """All that is below, which is written anew when something is shown."""
        self.written()
        screen.show([("", "x\n")])
        await turns()
        return self.plain().partition("x")[2]

    @in_loop
    async def test_output_above(self) -> None:
        """An entry stands above what one types, which is written again, in one piece."""
        async with self.screen() as screen:
            await self.types("bob: ha")
            self.written()
            screen.show([("", "one\n")])
            screen.show([("bold", "two\n")])
            self.assertEqual(self.written(), "", "it waits for the end of the turn")
            before = self.terminal.pieces
            await turns()
            self.assertEqual(self.terminal.pieces, before + 1)
            written = self.written()
            self.assertLess(written.index(ERASE), written.index("one"))
            self.assertLess(written.index("one"), written.index("two"))
            self.assertLess(written.index("two"), written.index("bob: ha"))
            self.assertEqual(written.count("bob: ha"), 1)
            self.assertLess(written.rfind(NOT_BRACKETED), written.rfind(BRACKETED))
            await self.types("lf", "enter")
            self.assertEqual(self.desk.said, ["bob: half"])

    @in_loop
    async def test_paste_meanwhile(self) -> None:
        """The terminal marks what is pasted, also while something is shown, until the end."""
        async with self.screen() as screen:
            screen.show([("", "one\n")])
            await turns()
            self.assertIn(BRACKETED, self.terminal.getvalue())
            self.assertNotIn(NOT_BRACKETED, self.terminal.getvalue())
        self.assertTrue(self.terminal.getvalue().endswith(NOT_BRACKETED), self.terminal.getvalue())

    @in_loop
    async def test_before_and_after(self) -> None:
        """While nobody can type, it is shown at once."""
        async with self.screen() as screen:
            screen.leave(0)
            await self.editing
            self.written()
            screen.show([("", "late\n")])
            self.assertIn("late", self.written())

    @in_loop
    async def test_typing(self) -> None:
        """Enter gives the text to the desk, and makes room for the next; keys edit it."""
        async with self.screen():
            await self.types("bob: hi", "enter", "x", "up", "!", "enter", "enter")
            self.assertEqual(self.desk.said, ["bob: hi", "bob: hi!", ""])

    @in_loop
    async def test_paste(self) -> None:
        """A paste is one text, however long, until Enter is pressed."""
        text = "bob: " + "\n".join("0123456789" * 60 for _ in range(10))
        async with self.screen():
            await self.types(text.join(PASTE))
            self.assertEqual(self.desk.said, [])
            await self.types("enter")
            self.assertEqual(self.desk.said, [text])

    @in_loop
    async def test_several_lines(self) -> None:
        """The status tells of a text of several lines, until Enter is pressed."""
        async with self.screen() as screen:
            await self.types("bob: 1\n2\n3".join(PASTE))
            self.assertIn("3 lines", await self.below(screen))
            await self.types("enter")
            self.assertIn("all is well", await self.below(screen))

    @in_loop
    async def test_ways_out(self) -> None:
        """Ctrl-C drops what is typed, and leaves if there is nothing; Ctrl-D only leaves."""
        for keys, code in (
            (["ctrl-c"], 130),
            (["ctrl-d"], 0),
            (["x", "ctrl-c", "ctrl-d"], 0),
            (["x", "ctrl-d", "ctrl-c", "ctrl-c"], 130),
        ):
            async with self.screen():
                for key in keys:
                    self.assertFalse(self.editing.done(), keys)
                    await self.types(key)
                self.assertEqual(await self.editing, code)
                self.assertEqual(self.desk.said, [])

    @in_loop
    async def test_leave(self) -> None:
        """It can be told to end, with a code; a second time does not matter."""
        async with self.screen() as screen:
            screen.leave(143)
            screen.leave(0)
            self.assertEqual(await self.editing, 143)

    @in_loop
    async def test_below(self) -> None:
        """The lines that wait stand above what one types, and the status below."""
        async with self.screen() as screen:
            self.desk.waits = [("", "… → bob: hi")]
            below = [line.strip() for line in (await self.below(screen)).split("\n")]
            self.assertEqual(below[1:], ["… → bob: hi", ">", "all is well"])

    @in_loop
    async def test_completion(self) -> None:
        """Tab completes as far as it is clear, then offers the choice, one after the other."""
        async with self.screen() as screen:
            await self.types("b", "tab")
            await self.types("tab")
            self.assertIn("bob  bobby", await self.below(screen))
            await self.types("tab", "hi", "enter")
            self.assertEqual(self.desk.said, ["bobby: hi"])
            self.source.send_text("/w\t\r")
            self.source.send_text("BOBB\thi\rzoe\t\r")
            await self.types("")
            self.assertEqual(self.desk.said[1:], ["/who", "bobby: hi", "zoe"])

    @in_loop
    async def test_bell(self) -> None:
        """The bell rings once for all that is shown together, and only on request."""
        async with self.screen() as screen:
            self.written()
            screen.show([("", "one\n")])
            await turns()
            self.assertNotIn("\a", self.written())
            screen.show([("", "two\n")], rings=True)
            screen.show([("", "three\n")], rings=True)
            await turns()
            self.assertEqual(self.written().count("\a"), 1)

    @in_loop
    async def test_no_colour(self) -> None:
        """Without colours nothing is coloured, and bold is left."""
        for environ, coloured in (({}, True), ({"NO_COLOR": "1"}, False)):
            async with self.screen(**environ) as screen:
                self.written()
                screen.show([("bold ansired", "red\n"), ("class:kept", "yellow\n")])
                await turns()
                codes = {
                    code
                    for codes in re.findall(r"\x1b\[([0-9;]+)m", self.written())
                    for code in codes.split(";")
                }
                self.assertEqual("31" in codes, coloured)
                self.assertEqual("33" in codes, coloured)
                self.assertIn("1", codes)
