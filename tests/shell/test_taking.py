"""Messages that C{achat take} gets: those that are worked off, and no others."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.client.events import Received
from achat_twisted.client.messages import Message
from achat_twisted.client.state import State
from achat_twisted.shell.escapes import harmless
from achat_twisted.shell.files import Unwritable
from achat_twisted.shell.status import Status
from achat_twisted.shell.taking import Bounds, Patience, Taking
from achat_twisted.shell.trying import Trying
from achat_twisted.shell.working import STOP_WITHIN, Printer, as_json, environment, plain
from tests.client.fakes import WELCOME
from tests.shell.fakes import FakeEnding, FakeOutput, Scene
from tests.shell.loops import in_loop, turns

FAILED = "the command has ended with 3 for message 1"


class FakeWorker:
    """A worker that ends when the test says so.

    @ivar texts: what it was given.
    """

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.is_stopped = False
        self._codes: asyncio.Queue[int | Exception] = asyncio.Queue()

    async def work(self, message: Message) -> int:
        self.texts.append(message.text)
        code = await self._codes.get()
        if isinstance(code, Exception):
            raise code
        return code

    def stop(self) -> None:
        self.is_stopped = True

    async def ends(self, *codes: int | Exception) -> None:
        for code in codes:
            self._codes.put_nowait(code)
        await turns()


class TakingTestCase(SynchronousTestCase):
    """A test with one run; L{begin} is to be called first."""

    def begin(
        self,
        patience: Patience | None = None,
        rooms: tuple[str, ...] = (),
        state: State | None = None,
        **bounds: Any,
    ) -> None:
        self.worker, self.errors = FakeWorker(), FakeOutput()
        status = Status(self.errors, is_terminal=False)
        trying = Trying("host:8080", None)
        patience = patience or Patience()
        taking = Taking(self.worker, status, trying, Bounds(**bounds), patience, rooms)
        self.scene = Scene(taking, rooms=bool(rooms), retry=60.0, state=state)
        self.ending = FakeEnding()
        self.scene.run(taking.run, self.ending)

    async def come_in(self, patience: Patience | None = None, **bounds: Any) -> None:
        self.begin(patience, **bounds)
        await self.scene.come_in(WELCOME)

    def said(self) -> list[str]:
        return self.scene.link.take().splitlines()

    async def leave(self) -> int:
        """Let a server answer, until the client has gone."""
        await self.scene.serve()
        return await self.scene.ended()


class RoomTests(TakingTestCase):
    """Messages that were said in rooms."""

    async def join(self, *answers: str) -> None:
        self.begin(rooms=("#ops",))
        await self.scene.come_in(WELCOME)
        self.assertEqual(self.said()[-2:], ["/join #ops", "/ping"])
        await self.scene.hears(*answers, "! pong")

    @in_loop
    async def test_taken(self) -> None:
        """Rooms are joined, and their lines are taken, but for those of the name itself."""
        await self.join("! joined #ops 1 r1")
        await self.scene.hears("from ann #ops 1: mine", "from bob #ops 2: one", "from bob: two")
        self.assertEqual((self.worker.texts, self.said()), (["one"], ["/got #ops 1"]))
        await self.worker.ends(0)
        self.assertEqual((self.worker.texts, self.said()), (["one", "two"], ["/got #ops 2"]))

    @in_loop
    async def test_not_let_in(self) -> None:
        """A room that does not let in ends it, with the reason."""
        await self.join("! bad-line 0 #ops is closed")
        self.assertEqual(await self.leave(), 77)
        self.assertEqual(self.errors.take()[-1], "achat: #ops is closed")


class WorkTests(TakingTestCase):
    """One message after the other."""

    @in_loop
    async def test_got(self) -> None:
        """A message is got when it is worked off, and not before; the next one comes then."""
        await self.come_in()
        await self.scene.hears("from bob: one", "from bob: two")
        self.assertEqual((self.worker.texts, self.said()), (["one"], []))
        await self.worker.ends(0)
        self.assertEqual((self.worker.texts, self.said()), (["one", "two"], ["/got 1 0"]))

    @in_loop
    async def test_failed(self) -> None:
        """When the command fails, take ends with its code, and the message is not got."""
        await self.come_in()
        await self.scene.hears("from bob: one")
        await self.worker.ends(3)
        self.assertEqual(self.said(), ["/quit"])
        self.scene.link.lose()
        self.assertEqual(await self.scene.ended(), 3)
        self.assertEqual(self.errors.take(), [f"achat: {FAILED}; the message comes again"])

    @in_loop
    async def test_another_try(self) -> None:
        """A message is tried again, and got when it is worked off at last."""
        await self.come_in(Patience(tries=3))
        await self.scene.hears("from bob: one", "from bob: two")
        await self.worker.ends(3)
        self.assertEqual(self.errors.take(), [f"achat: {FAILED}; trying again in 1 s"])
        await self.worker.ends(4)
        await asyncio.sleep(3.5)
        self.assertEqual((self.worker.texts, self.said()), (["one"] * 3, []))
        await self.worker.ends(0)
        self.assertEqual((self.worker.texts[-1], self.said()), ("two", ["/got 1 0"]))

    @in_loop
    async def test_given_up(self) -> None:
        """A message without further tries is told of, and got."""
        await self.come_in(Patience(tries=1))
        await self.scene.hears("from bob: one")
        await self.worker.ends(3)
        self.assertEqual(self.said(), ["/got 1 0"])
        self.assertEqual(
            self.errors.take(), [f"achat: {FAILED}; it is given up", "    from bob: one"]
        )

    @in_loop
    async def test_unwritable(self) -> None:
        """A message that the output does not take is not got."""
        await self.come_in()
        await self.scene.hears("from bob: one")
        await self.worker.ends(Unwritable("nobody reads standard output any more"))
        self.assertEqual(self.said(), ["/quit"])
        self.scene.link.lose()
        self.assertEqual(await self.scene.ended(), 1)

    @in_loop
    async def test_interrupted(self) -> None:
        """Ctrl-C waits for the work, which is got if it was done."""
        for code, got in ((0, ["/got 1 0", "/quit"]), (3, ["/quit"])):
            await self.come_in()
            await self.scene.hears("from bob: one")
            self.ending.comes()
            await turns()
            self.assertEqual((self.worker.is_stopped, self.said()), (True, []))
            await self.worker.ends(code)
            self.assertEqual(self.said(), got)
            self.scene.link.lose()
            self.assertEqual(await self.scene.ended(), 130)


class BoundTests(TakingTestCase):
    """When it leaves."""

    @in_loop
    async def test_count(self) -> None:
        """It leaves when enough is worked off; all is got that was."""
        await self.come_in(most=2)
        await self.scene.hears("from bob: 1", "from bob: 2", "from bob: 3")
        await self.worker.ends(0, 0)
        self.assertEqual(self.said()[-2:], ["/got 2 0", "/quit"])
        self.scene.link.lose()
        self.assertEqual(await self.scene.ended(), 0)

    @in_loop
    async def test_timeout(self) -> None:
        """That none came, or too few, has a code of its own."""
        for came, most, code in ((0, None, 124), (1, None, 0), (1, 2, 124)):
            await self.come_in(timeout=5.0, most=most)
            if came:
                await self.scene.hears("from bob: one")
                await self.worker.ends(0)
            await asyncio.sleep(5.1)
            self.assertEqual(await self.leave(), code)

    @in_loop
    async def test_timeout_unreached(self) -> None:
        """A server that was never reached is another matter."""
        self.begin(timeout=5.0)
        await self.scene.refuse()
        self.assertEqual(await self.scene.ended(), 75)

    @in_loop
    async def test_once(self) -> None:
        """All that is there by now is taken, though it takes its time; then it leaves."""
        await self.come_in(is_once=True)
        await self.scene.hears("! mail 2", "from bob: 1")
        await self.worker.ends(0, 0)
        serving = asyncio.ensure_future(self.scene.serve())
        await asyncio.sleep(2)
        self.assertFalse(self.scene.is_over)
        await self.scene.hears("from bob: 2")
        await serving
        self.assertEqual((await self.scene.ended(), self.worker.texts), (0, ["1", "2"]))

    @in_loop
    async def test_once_nothing(self) -> None:
        """It leaves soon if nothing is there."""
        await self.come_in(is_once=True)
        before = asyncio.get_running_loop().time()
        self.assertEqual(await self.leave(), 0)
        self.assertLess(asyncio.get_running_loop().time(), before + 2)

    @in_loop
    async def test_not_let_in(self) -> None:
        """To be turned away, or replaced, has a code of its own."""
        for word in ("kicked", "replaced"):
            await self.come_in()
            await self.scene.hears(f"! {word}", "! bye 0")
            self.scene.link.lose()
            self.assertEqual(await self.scene.ended(), 77)


class PrintTests(SynchronousTestCase):
    """Messages on standard output."""

    def setUp(self) -> None:
        received = Received(7, "e", "bob", "hi\x1b", "20261130T031005Z")
        self.message = Message(received, None)  # type: ignore[arg-type]

    @in_loop
    async def test_flushed(self) -> None:
        """A message is worked off when the output has taken it."""
        output = FakeOutput()
        output.fills()
        working = asyncio.ensure_future(Printer(output, plain).work(self.message))
        await turns()
        self.assertFalse(working.done())
        output.empties()
        self.assertEqual((await working, output.take()), (0, ["from bob: hi\\x1b"]))

    @in_loop
    async def test_broken(self) -> None:
        """One that it does not take is not."""
        output = FakeOutput()
        output.breaks()
        with self.assertRaises(Unwritable):
            await Printer(output, plain).work(self.message)

    @in_loop
    async def test_stuck(self) -> None:
        """An output that takes nothing delays the end a while, and the message is not got."""
        output = FakeOutput()
        output.fills()
        printer = Printer(output, plain)
        working = asyncio.ensure_future(printer.work(self.message))
        await turns()
        printer.stop()
        await asyncio.sleep(STOP_WITHIN - 1)
        self.assertFalse(working.done())
        self.assertEqual(await working, 1)

    @in_loop
    async def test_stuck_from_the_beginning(self) -> None:
        """The same holds for a message that came in the moment of the end."""
        output = FakeOutput()
        output.fills()
        printer = Printer(output, plain)
        printer.stop()
        self.assertEqual(await printer.work(self.message), 1)

    def test_harmless_json(self) -> None:
        """A terminal obeys nothing in an object, which a program reads as it was."""
        text = "\x07\x7f\x9b31m\u2028\ta é"
        message = Message(Received(7, "e", "b\x9bb", text), None)  # type: ignore[arg-type]
        line = as_json(message)
        self.assertEqual(harmless(line), line)
        said = json.loads(line)
        self.assertEqual((said["from"], said["text"]), ("b\x9bb", text))
        self.assertIn("é", line)

    def test_environment(self) -> None:
        """A command's environment has the message; a name that none could hold has escapes."""
        received = Received(7, "e", "b\0b", "hi", "20261130T031005Z", "#o\0", False)
        self.assertEqual(
            environment(Message(received, None)),  # type: ignore[arg-type]
            {
                "ACHAT_FROM": "b\\x00b",
                "ACHAT_TIME": "2026-11-30T03:10:05Z",
                "ACHAT_NUMBER": "7",
                "ACHAT_ROOM": "#o\\x00",
            },
        )

    def test_json(self) -> None:
        """An object has the number and the time."""
        self.assertEqual(
            json.loads(as_json(self.message)),
            {"number": 7, "from": "bob", "time": "2026-11-30T03:10:05Z", "text": "hi\x1b"},
        )
        bare = Message(Received(7, "e", "bob", "hi"), None)  # type: ignore[arg-type]
        self.assertIsNone(json.loads(as_json(bare))["time"])
