"""The chat in a pipe: what is read is said, what comes is shown, and nothing is lost."""

from __future__ import annotations

import asyncio
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.client.outgoing import WINDOW
from achat_twisted.shell.pipe import Pipe
from achat_twisted.shell.reading import MAX_TYPED, LineReader
from achat_twisted.shell.trying import Trying
from tests.client.fakes import WELCOME
from tests.shell.fakes import FakeEnding, FakeInput, FakeOutput, Scene
from tests.shell.loops import in_loop, turns

TURNED_AWAY = [
    ("! bad-name it is \x1b ugly", "host:8080 does not take the name ann: it is \\x1b ugly"),
    ("! denied", "host:8080 does not let ann in: the secret is missing or wrong"),
    ("! name-taken ann", "the name ann is taken at host:8080"),
    (f"{WELCOME}! kicked", "the operator of host:8080 has ended the session of ann"),
    (
        f"{WELCOME}! replaced",
        "ann has come to host:8080 on another connection, which replaces this one",
    ),
]


class PipeTestCase(SynchronousTestCase):
    """A test with a user in a pipe; L{begin} is to be called first."""

    def begin(self, retry: float = 60.0) -> None:
        self.source, self.output, self.errors = FakeInput(), FakeOutput(), FakeOutput()
        output: Any = self.output
        errors: Any = self.errors
        self.pipe = Pipe(LineReader(self.source), output, errors, Trying("host:8080", retry))
        self.scene = Scene(self.pipe, retry=retry)
        self.ending = FakeEnding()
        self.scene.run(self.pipe.run, self.ending)

    async def come_in(self, retry: float = 60.0) -> None:
        self.begin(retry)
        await self.scene.come_in()

    async def types(self, *lines: str) -> None:
        self.source.types(*lines)
        await turns()

    async def leave(self, lines: int = 0) -> int:
        """End the input, and let a server answer whatever is asked; see L{Scene.serve}."""
        self.source.ends()
        await self.scene.serve(lines)
        return await self.scene.ended()

    def said(self) -> list[str]:
        return self.scene.link.take().splitlines()


class ConversationTests(PipeTestCase):
    """One session."""

    @in_loop
    async def test_shows(self) -> None:
        """Messages go to standard output without their time, notices to standard error."""
        await self.come_in()
        await self.scene.hears("! mail 2", "from bob, 20261130T031005Z: hi", "from bob: ! bye 3")
        self.assertEqual(self.output.take(), ["from bob: hi", "from bob: ! bye 3"])
        self.assertEqual(self.errors.take(), ["! mail 2"])
        self.assertEqual(await self.leave(), 0)

    @in_loop
    async def test_shows_no_control_characters(self) -> None:
        """Any text that a server sends is shown, and harmless."""
        await self.come_in()
        await self.scene.hears("from bob: \x1b[2Jhi\x07", "! help \x9b31m")
        self.assertEqual(self.output.take(), ["from bob: \\x1b[2Jhi\\x07"])
        self.assertEqual(self.errors.take(), ["! help \\x9b31m"])

    @in_loop
    async def test_input(self) -> None:
        """However the input is cut into chunks, its lines are said, and the last one as well."""
        await self.come_in()
        self.source.comes(b"bob: o", b"ne\nbob: two\r\nb", b"ob: three\nbob: four", b"")
        await turns(60)
        said = [line for line in self.said() if not line.startswith("/")]
        self.assertEqual(said, ["bob: one", "bob: two", "bob: three", "bob: four"])

    @in_loop
    async def test_end_of_input(self) -> None:
        """At its end all is settled first, then what has come is got, then the session ends."""
        await self.come_in()
        self.source.types("bob: hi")
        self.source.ends()
        await turns()
        self.assertEqual(self.said(), ["bob: hi", "/sync"])
        await self.scene.hears("! kept bob 1 1-1", "! synced 1")
        await self.scene.hears("from bob: late")
        await asyncio.sleep(0.05)
        self.assertEqual(self.said(), ["/got 0 1", "/ping", "/got 1 1"])
        await self.scene.hears("! pong")
        await self.scene.serve()
        self.assertEqual(await self.scene.ended(), 0)
        self.assertEqual(self.output.take(), ["from bob: late"])
        self.assertEqual(self.errors.take(), ["! kept bob 1"])

    @in_loop
    async def test_mail_is_fetched(self) -> None:
        """An empty input still fetches what is there, as long as more comes."""
        await self.come_in()
        self.source.ends()
        for number in range(5):
            await asyncio.sleep(0.05)
            await self.scene.hears(f"from bob: {number}", "! pong")
        self.assertFalse(self.scene.link.is_closed)
        await self.scene.serve()
        self.assertEqual(await self.scene.ended(), 0)
        self.assertEqual(len(self.output.take()), 5)

    @in_loop
    async def test_quit(self) -> None:
        """Input behind C{/quit} is not said; lines that only look like it are."""
        await self.come_in()
        await self.types("bob: /quit", " /quit", "/quit now", "bob: never")
        self.assertEqual(self.said(), ["bob: /quit", " /quit", "/sync"])
        await self.scene.hears("! synced 2")
        await self.scene.serve(lines=2)
        self.assertEqual(await self.scene.ended(), 0)

    @in_loop
    async def test_commands(self) -> None:
        """A command waits for the server, and its answer is shown; the client's own are not."""
        self.begin()
        await self.types("/who", "/sync mine", "/ping")
        await self.scene.come_in()
        self.assertEqual(self.said(), ["/who", "/ping"])
        await self.scene.hears("! who ann, bob", "! pong", "! bad-line 0 no command /dance")
        self.assertEqual(
            self.errors.take(),
            [
                "achat: refused: /sync mine",
                "    /sync is said by the client itself",
                "! who ann, bob",
                "! pong",
                "! bad-line no command /dance",
            ],
        )
        self.assertEqual(await self.leave(), 1)

    @in_loop
    async def test_interrupt(self) -> None:
        """A signal ends it at once, without a word, unless there are lines that were not taken."""
        await self.come_in()
        self.ending.comes()
        self.assertEqual(await self.scene.ended(), 130)
        self.assertEqual((self.errors.take(), self.said()), ([], []))
        await self.come_in()
        await self.types("bob: hi")
        self.ending.comes(143)
        self.assertEqual(await self.scene.ended(), 143)
        self.assertEqual(
            self.errors.take(), ["achat: interrupted; 1 line not taken in:", "    bob: hi"]
        )

    @in_loop
    async def test_interrupt_before_all_is_said(self) -> None:
        """Lines read are shown, though it was not their turn yet, or their end has not come."""
        self.begin()
        self.source.comes(b"bob: 1\n/who\nbob: 2\nbo")
        await turns()
        self.ending.comes()
        self.assertEqual(await self.scene.ended(), 130)
        self.assertEqual(
            self.errors.take(),
            ["achat: interrupted; 3 lines not taken in:", "    bob: 1", "    bob: 2", "    bo"],
        )

    @in_loop
    async def test_interrupt_of_many_lines(self) -> None:
        """Lines that were taken in are not shown, however many have come at once."""
        await self.come_in()
        await self.types(*(f"bob: {number}" for number in range(2 * WINDOW)))
        await self.scene.hears(f"! synced {WINDOW - 1}")
        self.ending.comes()
        self.assertEqual(await self.scene.ended(), 130)
        told = self.errors.take()
        self.assertEqual(told[1], f"    bob: {WINDOW - 1}")
        self.assertEqual(len(told), 1 + WINDOW + 1)


class RefusalTests(PipeTestCase):
    """Lines that are not taken in."""

    @in_loop
    async def test_refused(self) -> None:
        """A line that was refused, for some or for all, is shown with the reason; it costs a 1."""
        for notice, why in (
            ("! unknown bob 1 1-1", "nobody by the name of bob has ever been there"),
            ("! full bob 1 1-1", "the mailbox of bob is full"),
            ("! bad-line 1 \x1b no", "it is no line that the server understands: \\x1b no"),
            ("! too-long 1 8192", "it has more than the 8192 bytes that the server allows"),
        ):
            await self.come_in()
            await self.types("bob, eve: 1")
            await self.scene.hears("! kept eve 1 1-1", notice, "! synced 1")
            self.assertEqual(
                self.errors.take(), ["achat: refused: bob, eve: 1", f"    {why}", "! kept eve 1"]
            )
            self.assertEqual(await self.leave(), 1)

    @in_loop
    async def test_lines_that_no_server_takes(self) -> None:
        """Lines that are not text, or too long, are refused here; all others are said."""
        for line, shown in (
            (b"bob: caf\xe9", "bob: caf\\xe9"),
            (b"bob: \x1b[31merror", "bob: \\x1b[31merror"),
            (b"bob: a\0b", "bob: a\\x00b"),
        ):
            await self.come_in()
            self.source.comes(b"bob: before\n" + line + b"\nbob: after\n")
            await turns()
            self.assertEqual(self.said(), ["bob: before", "bob: after", "/sync"])
            refused, why = self.errors.take()
            self.assertEqual(refused, f"achat: refused: {shown}")
            self.assertIn("can not be posted", why)
            await self.scene.hears("! synced 2")
            self.assertEqual(await self.leave(lines=2), 1)

    @in_loop
    async def test_endless_line(self) -> None:
        """A line without an end is not kept: its beginning is shown, and the next one is said."""
        await self.come_in()
        for _ in range(3):
            self.source.comes(b"x" * (MAX_TYPED // 2 + 1))
        self.source.comes(b"x\nbob: hi\n")
        await turns(60)
        self.assertEqual(self.said(), ["bob: hi", "/sync"])
        refused, why = self.errors.take()
        self.assertLess(len(refused), 2000)
        self.assertEqual(why, f"    it has more than {MAX_TYPED} bytes")

    @in_loop
    async def test_input_that_breaks(self) -> None:
        """Input that could not be read to its end is not taken for one that was."""
        await self.come_in()
        self.source.breaks()
        await self.scene.serve()
        self.assertEqual(await self.scene.ended(), 1)
        self.assertEqual(
            self.errors.take(), ["achat: standard input cannot be read: Input/output error"]
        )

    @in_loop
    async def test_kept(self) -> None:
        """Copies that are kept are counted by name, over lines that are settled together."""
        await self.come_in()
        await self.types("bob: 1", "bob: 2", "eve: 3")
        await self.scene.hears("! kept bob 2 1-2", "! kept eve 1 3-3", "! synced 3")
        self.assertEqual(self.errors.take(), ["! kept bob 2", "! kept eve 1"])


class RoomTests(PipeTestCase):
    """Files that are slow, full or gone."""

    @in_loop
    async def test_slow_output(self) -> None:
        """A message is got when standard output has taken it, and not before."""
        await self.come_in()
        self.output.fills()
        await self.scene.hears("from bob: 1", "from bob: 2")
        self.assertEqual(self.said(), [])
        self.output.empties()
        await turns()
        self.assertEqual(self.said(), ["/got 2 0"])
        self.assertEqual(self.output.take(), ["from bob: 1", "from bob: 2"])

    @in_loop
    async def test_end_while_output_is_slow(self) -> None:
        """The end of the input waits for a slow output."""
        await self.come_in()
        self.output.fills()
        await self.scene.hears("from bob: 1", "from bob: last words")
        self.source.ends()
        serving = asyncio.ensure_future(self.scene.serve())
        await asyncio.sleep(0.15)
        self.output.empties()
        await serving
        self.assertEqual(await self.scene.ended(), 0)
        self.assertEqual(self.output.take(), ["from bob: 1", "from bob: last words"])

    @in_loop
    async def test_full_disk(self) -> None:
        """A message that standard output did not take is not got, and comes again; it costs a 1."""
        await self.come_in()
        await self.types("bob: hi")
        self.said()
        self.output.breaks()
        await self.scene.hears("from bob: 1")
        self.assertEqual(await self.scene.ended(), 1)
        self.assertEqual(self.said(), [])
        self.assertEqual(
            self.errors.take(),
            [
                "achat: standard output cannot be written: No space left;"
                " what it did not take comes again; 1 line not taken in:",
                "    bob: hi",
            ],
        )

    @in_loop
    async def test_deserted(self) -> None:
        """When nobody reads standard output, it leaves at once, though nothing has come."""
        await self.come_in()
        self.output.is_deserted()
        self.assertEqual(await self.scene.ended(), 1)
        self.assertIn("nobody reads standard output any more", self.errors.take()[0])

    @in_loop
    async def test_lost_standard_error(self) -> None:
        """When nobody reads standard error, neither messages nor lines wait for it."""
        await self.come_in()
        self.errors.breaks()
        await self.types("nobody: 1", "/who", "bob: 2")
        await self.scene.hears("! unknown nobody 1 1-1", "! synced 2", "from bob: hi")
        self.assertEqual(self.output.take(), ["from bob: hi"])
        self.assertEqual(await self.leave(), 1)

    @in_loop
    async def test_slow_standard_error(self) -> None:
        """While standard error has no room, nobody asks for more that would be written there."""
        await self.come_in()
        self.errors.fills()
        await self.types("/who")
        await self.types("/who")
        self.assertEqual(self.said(), ["/who"])
        self.errors.empties()
        await turns()
        self.assertEqual(self.said(), ["/who"])

    @in_loop
    async def test_throttled(self) -> None:
        """Input is not read while too many lines are not settled."""
        await self.come_in()
        await self.types(*(f"bob: {number}" for number in range(WINDOW + 1)))
        self.assertFalse(self.source.waits)
        await self.scene.hears(f"! synced {WINDOW}")
        self.assertTrue(self.source.waits)


class BreakTests(PipeTestCase):
    """Servers that go, come back, or never come."""

    @in_loop
    async def test_comes_back(self) -> None:
        """Lines that were not taken in are said again; the user hears of the break and its end."""
        await self.come_in()
        await self.types("bob: 1", "bob: 2")
        await self.scene.hears("! bye 1")
        await self.types("bob: 3")
        self.assertEqual(
            self.errors.take(),
            ["achat: host:8080 has closed the session; trying again for 60 seconds"],
        )
        await self.scene.refuse()
        await self.scene.come_in("! welcome ann\n! resumed 1 1 e1\n")
        self.assertEqual(self.said(), ["bob: 2", "bob: 3", "/sync"])
        self.assertEqual(self.errors.take(), ["achat: reached host:8080"])

    @in_loop
    async def test_doubt(self) -> None:
        """The user is told of lines that may arrive twice."""
        await self.come_in()
        await self.types("bob: 1")
        await self.scene.loses()
        await self.scene.come_in("! welcome ann\n! resumed 0 1 e2\n")
        self.assertEqual(self.said(), ["bob: 1", "/sync"])
        self.assertIn(
            "achat: 1 line may arrive twice, as the server lost its memory before it confirmed",
            self.errors.take(),
        )

    @in_loop
    async def test_end_of_input_while_away(self) -> None:
        """A user with nothing more to say does not wait for the server's return."""
        await self.come_in()
        await self.scene.loses()
        self.source.ends()
        self.assertEqual(await self.scene.ended(), 0)

    @in_loop
    async def test_server_that_goes_at_the_end(self) -> None:
        """If all lines were taken in, there is no need to come back for a goodbye."""
        await self.come_in()
        await self.types("bob: 1")
        await self.scene.hears("! synced 1")
        self.source.ends()
        await turns()
        await self.scene.hears("! bye 1")
        self.assertEqual(await self.scene.ended(), 0)

    @in_loop
    async def test_end_of_input_in_doubt(self) -> None:
        """If lines are not settled, it comes back for them."""
        await self.come_in()
        await self.types("bob: 1")
        self.source.ends()
        await self.scene.loses()
        await self.scene.come_in("! welcome ann\n! resumed 0 1 e1\n")
        await self.scene.serve()
        self.assertEqual(await self.scene.ended(), 0)

    @in_loop
    async def test_comes_in_once_at_least(self) -> None:
        """An empty input still fetches what the server has kept, when that is there."""
        self.begin()
        self.source.ends()
        await self.scene.refuse()
        await self.scene.come_in()
        await self.scene.hears("! mail 1", "from bob: kept")
        await self.scene.serve()
        self.assertEqual(await self.scene.ended(), 0)
        self.assertEqual(self.output.take(), ["from bob: kept"])

    @in_loop
    async def test_gives_up(self) -> None:
        """After the given time it says so, and shows all lines that it has read: exit code 75."""
        self.begin(retry=0)
        lines = [f"bob: {number}" for number in range(200)]
        await self.types(*lines)
        await self.scene.refuse()
        self.assertEqual(await self.scene.ended(), 75)
        told = self.errors.take()
        self.assertEqual(
            told[0],
            "achat: cannot reach host:8080: Connection refused; 200 lines not taken in:",
        )
        self.assertEqual(told[1:], [f"    {line}" for line in lines])

    @in_loop
    async def test_turned_away(self) -> None:
        """A server that does not let us in is not asked again: exit code 77."""
        for notice, sentence in TURNED_AWAY:
            self.begin()
            await self.types("bob: hi")
            await self.scene.come_in(notice + "\n")
            await self.scene.loses()
            self.assertEqual(await self.scene.ended(), 77)
            self.assertEqual(
                self.errors.take(),
                [f"achat: {sentence}; 1 line not taken in:", "    bob: hi"],
            )
