"""Lines that C{achat say} says, their fate, and all that ends it early."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.client.errors import StateError
from achat_twisted.client.state import MemoryState, State
from achat_twisted.client.state_file import StateFile
from achat_twisted.shell.reading import MAX_TYPED, Given, LineReader
from achat_twisted.shell.results import JsonResults, PlainResults, Results
from achat_twisted.shell.saying import PROGRESS_AFTER, WRITE_WITHIN, Saying
from achat_twisted.shell.status import Status
from achat_twisted.shell.trying import Trying
from tests.shell.fakes import FakeEnding, FakeInput, FakeOutput, Scene
from tests.shell.loops import in_loop, turns

WELCOME = "! welcome ann\n! resumed 0 0 e1\n"

REACHED = "achat: cannot reach host:8080: Connection refused"


class SayingTestCase(SynchronousTestCase):
    """A test with one run; L{begin} is to be called first."""

    def begin(
        self,
        text: str | None = None,
        *,
        to: str = "bob",
        state: State | None = None,
        is_json: bool = False,
        is_quiet: bool = False,
        is_terminal: bool = False,
    ) -> None:
        self.state = state or MemoryState()
        self.source, self.output, self.errors = FakeInput(), FakeOutput(), FakeOutput()
        status = Status(self.errors, is_terminal=is_terminal)
        results: Results = (
            JsonResults(self.output, to)
            if is_json
            else PlainResults(self.output, status, is_quiet=is_quiet)
        )
        trying = None if is_quiet else Trying("host:8080", 60.0)
        saying = Saying(to, self.state, results, status, trying)
        self.scene = Scene(saying, retry=60.0, state=self.state, only_sends=True)
        self.ending = FakeEnding()
        source = LineReader(self.source) if text is None else Given(text)
        self.scene.run(saying.run, source, self.ending)

    def said(self) -> list[str]:
        return self.scene.link.take().splitlines()

    def objects(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.output.take()]

    def file(self) -> str:
        return str(Path(self.enterContext(TemporaryDirectory()), "state"))

    async def leave(self, lines: int = 0) -> int:
        """End the input, and let a server answer whatever is asked."""
        self.source.ends()
        await self.scene.serve(lines)
        return await self.scene.ended()

    async def give_up(self) -> int:
        """Let the server be away for as long as it is tried."""
        away = asyncio.ensure_future(self._be_away())
        try:
            return await self.scene.ended()
        finally:
            away.cancel()

    async def _be_away(self) -> None:
        while True:
            await self.scene.refuse()


class OutcomeTests(SayingTestCase):
    """The fate of lines."""

    @in_loop
    async def test_taken(self) -> None:
        """A text that is taken in needs no word."""
        self.begin("hi", to="bob, #ops")
        await self.scene.come_in(WELCOME)
        self.assertEqual(self.said(), ["bob, #ops: hi", "/sync"])
        await self.scene.hears("! synced 1")
        self.assertEqual(await self.leave(1), 0)
        self.assertEqual((self.output.take(), self.errors.take()), ([], []))

    @in_loop
    async def test_only_sends(self) -> None:
        """It takes nobody's place."""
        self.begin("hi")
        await self.scene.driver.answer(works=True)
        self.assertEqual(self.said(), ["/send t1", "ann"])
        self.scene.cancel()

    @in_loop
    async def test_waits(self) -> None:
        """It does not return before the server has told."""
        self.begin("hi")
        await self.scene.come_in(WELCOME)
        await turns()
        self.assertFalse(self.scene.is_over)
        self.assertEqual(await self.leave(0), 0)

    @in_loop
    async def test_kept(self) -> None:
        """Lines that wait for somebody are counted, unless nobody wants to know."""
        for is_quiet, told in ((False, ["achat: 2 lines kept for bob"]), (True, [])):
            self.begin("hi\nho", is_quiet=is_quiet)
            await self.scene.come_in(WELCOME)
            await self.scene.hears("! kept bob 2 1-2", "! synced 2")
            self.assertEqual(await self.leave(2), 0)
            self.assertEqual(self.errors.take(), told)

    @in_loop
    async def test_refused(self) -> None:
        """A refused line is shown with the reasons, for each recipient."""
        self.begin("hi", to="bob, eve, x")
        await self.scene.come_in(WELCOME)
        await self.scene.hears("! unknown bob 1 1-1", "! full eve 1 1-1", "! synced 1")
        self.assertEqual(await self.leave(1), 1)
        self.assertEqual(
            self.errors.take(),
            [
                "achat: refused: hi",
                "    nobody by the name of bob has ever been there",
                "    the mailbox of eve is full",
            ],
        )

    @in_loop
    async def test_unusable(self) -> None:
        """A line that no server takes is shown, and all others are said."""
        self.begin()
        self.source.types("one", "\x1b[1mtwo", "x" * (MAX_TYPED + 1), "three")
        await self.scene.come_in(WELCOME)
        self.assertEqual(self.said(), ["bob: one", "bob: three", "/sync"])
        await self.scene.hears("! synced 2")
        self.assertEqual(await self.leave(2), 1)
        told = self.errors.take()
        self.assertEqual(told[0], "achat: refused: \\x1b[1mtwo")
        self.assertEqual(told[3], f"    it has more than {MAX_TYPED} bytes")

    @in_loop
    async def test_json(self) -> None:
        """Each line has its object, with its number and the reasons."""
        self.begin("one\ntwo\n\x1b\nfour", is_json=True)
        await self.scene.come_in(WELCOME)
        await self.scene.hears("! unknown bob 1 2-2", "! kept bob 1 3-3", "! synced 3")
        self.assertEqual(await self.leave(3), 1)
        objects = sorted(self.objects(), key=lambda one: int(one["line"]))
        self.assertEqual(
            [(one["line"], one["text"], one["result"]) for one in objects],
            [
                (1, "one", "taken"),
                (2, "two", "refused"),
                (3, "\x1b", "refused"),
                (4, "four", "taken"),
            ],
        )
        why = "nobody by the name of bob has ever been there"
        self.assertEqual(
            objects[1]["refused"], [{"recipient": "bob", "reason": "unknown", "why": why}]
        )
        self.assertEqual(objects[3]["kept"], ["bob"])

    @in_loop
    async def test_as_it_comes(self) -> None:
        """Lines are said as they come, not at the end of the input."""
        self.begin()
        await self.scene.come_in(WELCOME)
        for number in (1, 2):
            self.source.types(f"line {number}")
            await turns()
            self.assertEqual(self.said()[-2:], [f"bob: line {number}", "/sync"])
            await self.scene.hears(f"! synced {number}")
        self.assertEqual(await self.leave(2), 0)

    @in_loop
    async def test_unreadable(self) -> None:
        """An input that breaks is told of, and what had come is said."""
        self.begin()
        await self.scene.come_in(WELCOME)
        self.source.comes(b"one\ntw")
        self.source.breaks()
        await turns()
        self.assertEqual(self.said(), ["bob: one", "bob: tw", "/sync"])
        await self.scene.hears("! synced 2")
        self.assertEqual(await self.leave(2), 1)
        self.assertEqual(
            self.errors.take(), ["achat: standard input cannot be read: Input/output error"]
        )

    @in_loop
    async def test_nothing(self) -> None:
        """Without a line there is nothing to wait for, not even a server."""
        self.begin()
        self.source.ends()
        self.assertEqual(await self.scene.ended(), 0)

    @in_loop
    async def test_progress(self) -> None:
        """On a terminal it is shown how far a long work is, below all that is told."""
        self.begin("hi\nho", is_terminal=True)
        await self.scene.come_in(WELCOME)
        await self.scene.hears("! unknown bob 1 1-1")
        await asyncio.sleep(PROGRESS_AFTER + 0.1)
        self.assertEqual(self.errors.take()[-1], "\x1b[K0 lines taken in, 2 not yet")
        await self.scene.hears("! synced 2")
        self.assertEqual(await self.leave(2), 1)
        told = "\n".join(self.errors.take())
        self.assertIn("\x1b[Kachat: refused: hi\n", told)
        self.assertTrue(told.endswith("\x1b[K"))


class EndTests(SayingTestCase):
    """Ends before all is known, and the lines that are left then."""

    @in_loop
    async def test_unreachable(self) -> None:
        """When the time is over, lines that were not said are printed as they came."""
        self.begin("one\ntwo")
        self.assertEqual(await self.give_up(), 75)
        self.assertEqual(self.output.take(), ["one", "two"])
        told = self.errors.take()
        self.assertEqual(told[0], f"{REACHED}; trying again for 60 seconds")
        self.assertEqual(
            told[-1], f"{REACHED}; standard output has 2 lines not known to be taken in"
        )
        self.assertEqual(len(told), 2)

    @in_loop
    async def test_partly(self) -> None:
        """Lines that were settled before are not printed."""
        self.begin()
        self.source.types("one", "two")
        await self.scene.come_in(WELCOME)
        await self.scene.hears("! synced 1")
        await self.scene.loses()
        self.assertEqual(await self.give_up(), 75)
        self.assertEqual(self.output.take(), ["two"])

    @in_loop
    async def test_not_let_in(self) -> None:
        """To be turned away has a code of its own."""
        self.begin("one")
        await self.scene.driver.answer(works=True)
        await self.scene.hears("! denied")
        self.assertEqual(await self.scene.ended(), 77)
        self.assertEqual(self.output.take(), ["one"])

    @in_loop
    async def test_interrupted(self) -> None:
        """Ctrl-C prints all that was read, down to the last half of a line."""
        self.begin()
        self.source.comes(b"one\ntw")
        await turns()
        self.ending.comes()
        self.assertEqual(await self.scene.ended(), 130)
        self.assertEqual(self.output.take(), ["one", "tw"])

    @in_loop
    async def test_interrupted_before(self) -> None:
        """A text is printed, however early Ctrl-C comes."""
        self.begin("one\ntwo")
        self.ending.comes()
        self.assertEqual(await self.scene.ended(), 130)
        self.assertEqual(self.output.take(), ["one", "two"])

    @in_loop
    async def test_deserted(self) -> None:
        """Lines that standard output does not take go to standard error."""
        self.begin("one")
        self.output.breaks()
        self.ending.comes()
        self.assertEqual(await self.scene.ended(), 130)
        self.assertEqual(
            self.errors.take()[-2:],
            ["achat: standard output cannot be written: No space left", "    one"],
        )

    @in_loop
    async def test_stuck(self) -> None:
        """An output that takes nothing delays the end a while; standard error gets the lines."""
        self.begin("one")
        self.output.fills()
        self.ending.comes()
        await asyncio.sleep(WRITE_WITHIN - 1)
        self.assertFalse(self.scene.is_over)
        self.assertEqual(await self.scene.ended(), 130)
        self.assertEqual(
            self.errors.take()[-2:], ["achat: standard output takes nothing", "    one"]
        )

    @in_loop
    async def test_stuck_interrupted(self) -> None:
        """Another Ctrl-C ends even that while."""
        self.begin("one")
        self.output.fills()
        self.ending.comes()
        await turns()
        self.ending.comes()
        await turns()
        self.assertTrue(self.scene.is_over)
        self.assertEqual(self.errors.take()[-1], "    one")

    @in_loop
    async def test_stuck_when_all_is_done(self) -> None:
        """Ctrl-C ends the waiting for an output that does not take what has become of lines."""
        self.begin("one", is_json=True)
        await self.scene.come_in(WELCOME)
        self.output.fills()
        await self.scene.hears("! synced 1")
        serving = asyncio.ensure_future(self.scene.serve(1))
        await asyncio.sleep(WRITE_WITHIN + 10)
        self.assertFalse(self.scene.is_over)
        self.ending.comes()
        await serving
        self.assertEqual(await self.scene.ended(), 130)
        self.assertEqual(self.errors.take(), ["achat: standard output takes nothing"])

    @in_loop
    async def test_json(self) -> None:
        """Lines that are not taken in have their object as well."""
        self.begin("one", is_json=True)
        self.ending.comes()
        await self.scene.ended()
        self.assertEqual([one["result"] for one in self.objects()], ["unsaid"])


class StateTests(SayingTestCase):
    """Lines that are in a file before they are said."""

    @in_loop
    async def test_waits(self) -> None:
        """Lines that were not said wait in the file, and the next run says them before its own."""
        path = self.file()
        self.begin("one\ntwo", state=StateFile(path))
        self.assertEqual(await self.give_up(), 75)
        self.assertEqual(self.output.take(), [])
        self.assertEqual(self.errors.take()[-1], f"{REACHED}; 2 lines wait in the state")
        self.begin("three", state=StateFile(path))
        await self.scene.come_in(WELCOME)
        self.assertEqual(self.said(), ["bob: one", "bob: two", "bob: three", "/sync"])
        await self.scene.hears("! unknown bob 1 1-1", "! kept bob 1 3-3", "! synced 3")
        self.assertEqual(await self.leave(3), 1)
        self.assertEqual(
            self.errors.take(),
            [
                "achat: refused, of an earlier run: bob: one",
                "    nobody by the name of bob has ever been there",
                "achat: 1 line kept for bob",
            ],
        )
        self.begin("", state=StateFile(path))
        self.ending.comes()
        await self.scene.ended()
        self.assertNotIn("refused", "".join(self.errors.take()))

    @in_loop
    async def test_interrupted(self) -> None:
        """After Ctrl-C each line is in the file or printed, and never both."""
        path = self.file()
        self.begin(state=StateFile(path))
        self.source.comes(b"one\ntw")
        await turns()
        self.ending.comes()
        self.assertEqual(await self.scene.ended(), 130)
        self.assertEqual(self.output.take(), ["tw"])
        state = StateFile(path)
        self.assertEqual([*state.lines(0, 10)], ["bob: one"])
        state.close()

    @in_loop
    async def test_json(self) -> None:
        """Lines that wait have their object; those of earlier runs are not of this one."""
        path = self.file()
        self.begin("one", state=StateFile(path))
        await turns()
        self.ending.comes()
        await self.scene.ended()
        self.begin("two", state=StateFile(path), is_json=True)
        await turns()
        self.ending.comes()
        await self.scene.ended()
        self.assertEqual(
            [(one["text"], one["result"]) for one in self.objects()], [("two", "waiting")]
        )
        self.assertEqual(self.errors.take()[-1], "achat: interrupted; 2 lines wait in the state")

    @in_loop
    async def test_unsavable(self) -> None:
        """Lines that a full disk does not take are printed, even if they may be in the file."""

        class Full(MemoryState):
            is_lasting = True

            def save(self) -> None:
                raise StateError("the state in FILE cannot be used: the disk is full")

        self.begin("one\ntwo", state=Full())
        self.assertEqual(await self.scene.ended(), 75)
        self.assertEqual(self.output.take(), ["one", "two"])
        self.assertIn(
            "the disk is full; standard output has 2 lines not known", self.errors.take()[-1]
        )


class GivenBackTests(SayingTestCase):
    """Lines that cannot even be begun with."""

    def begin_in_vain(self, *, is_json: bool = False) -> asyncio.Future[int]:
        self.begin(is_json=is_json)
        self.scene.cancel()
        status = Status(self.errors, is_terminal=False)
        results: Results = (
            JsonResults(self.output, "bob")
            if is_json
            else PlainResults(self.output, status, is_quiet=False)
        )
        saying = Saying("bob", MemoryState(), results, status, None)
        source = LineReader(self.source)
        return asyncio.ensure_future(saying.give_back("it is in use", source, self.ending, 60.0))

    @in_loop
    async def test_whole(self) -> None:
        """All of the input is printed, to its end, to be said again."""
        ending = self.begin_in_vain()
        self.source.types("one", "two")
        await turns()
        self.source.comes(b"thr", b"")
        self.assertEqual(await ending, 75)
        self.assertEqual(self.output.take(), ["one", "two", "thr"])
        why = "standard output has 3 lines not known to be taken in"
        self.assertEqual(self.errors.take(), [f"achat: it is in use; {why}"])

    @in_loop
    async def test_endless(self) -> None:
        """An input without an end is read for as long as a server would be tried, or to Ctrl-C."""
        for code in (75, 130):
            ending = self.begin_in_vain(is_json=True)
            self.source.types("one")
            await asyncio.sleep(50)
            self.assertFalse(ending.done())
            if code == 130:
                self.ending.comes()
            self.assertEqual(await ending, code)
            self.assertEqual([one["result"] for one in self.objects()], ["unsaid"])

    @in_loop
    async def test_unreadable(self) -> None:
        """One that breaks is told of, and what had come is printed."""
        ending = self.begin_in_vain()
        self.source.comes(b"one\ntw")
        self.source.breaks()
        self.assertEqual(await ending, 75)
        self.assertEqual(self.output.take(), ["one", "tw"])
        self.assertIn("standard input cannot be read", self.errors.take()[0])
