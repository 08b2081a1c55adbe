"""The talk: between a server and a screen of the test's own."""

from __future__ import annotations

import asyncio
import io
import sys
from datetime import datetime

from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.client.address import parse_address
from achat_twisted.shell.editor.colours import Fragments
from achat_twisted.shell.editor.people import People
from achat_twisted.shell.editor.screen import Desk
from achat_twisted.shell.editor.talk import LOOK, SETTLE_WITHIN, Talk
from achat_twisted.shell.editor.transcript import Transcript
from tests.shell.fakes import Scene
from tests.shell.loops import in_loop, turns

GREETING = "· write NAME: text; Tab completes names, /help helps, Ctrl-D leaves"


def text(fragments: Fragments) -> str:
    return "".join(part for _, part in fragments)


class FakeScreen:
    """A screen that remembers what it has shown, without the times."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.bells = 0
        self._code: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def run(self, desk: Desk) -> int:
        self.desk = desk
        return await self._code

    def show(self, entry: Fragments, *, rings: bool = False) -> None:
        self.bells += rings
        line = text(entry).removesuffix("\n")
        self.shown.append(line[6:])

    def refresh(self) -> None:
        """It is always up to date."""

    def leave(self, code: int) -> None:
        if not self._code.done():
            self._code.set_result(code)

    def take(self) -> list[str]:
        """All that was shown since this was last asked."""
        shown, self.shown = self.shown, []
        return shown


class TalkTestCase(SynchronousTestCase):
    """A test with a user at a terminal; L{begin} is to be called first."""

    def begin(self, *, bell: bool = False, retry: float | None = None) -> None:
        self.errors = io.StringIO()
        self.patch(sys, "stderr", self.errors)
        self.screen = FakeScreen()
        self.people = People("ann")
        transcript = Transcript(datetime.now().date())
        self.talk = Talk(parse_address("ann@host"), self.people, transcript, self.screen, bell=bell)
        self.scene = Scene(self.talk, retry=retry)
        self.scene.run(self.talk.run)

    async def come_in(self, *, bell: bool = False) -> None:
        self.begin(bell=bell)
        await self.scene.come_in()
        self.assertEqual(self.said(), ["/who"])
        await self.scene.hears("! who ann, bob")
        self.assertEqual(self.screen.take(), [GREETING])

    async def types(self, text: str) -> None:
        self.talk.typed(text)
        await turns()

    def said(self) -> list[str]:
        return self.scene.link.take().splitlines()

    def status(self) -> str:
        return text(self.talk.status())

    def waiting(self) -> list[str]:
        return text(self.talk.waiting()).splitlines()

    def told(self) -> list[str]:
        """The lines on standard error."""
        return self.errors.getvalue().splitlines()


class LineTests(TalkTestCase):
    """Own lines, and what becomes of them."""

    @in_loop
    async def test_fates(self) -> None:
        """A line waits below until its fate is known, and is shown then, with that; in order."""
        await self.come_in()
        for line in ("bob: one", "eve: two", "bad", "bob: four"):
            await self.types(line)
        self.assertEqual(self.said(), ["bob: one", "/sync", "eve: two", "bad", "bob: four"])
        self.assertEqual(
            self.waiting(), ["… → bob: one", "… → eve: two", "… → bad", "… → bob: four"]
        )
        self.assertIn("4 waiting", self.status())
        await self.scene.hears("! kept bob 1 1-1", "! synced 1")
        self.assertEqual(self.waiting(), ["… → eve: two", "… → bad", "… → bob: four"])
        await self.scene.hears("! unknown eve 1 2-2", "! bad-line 3 no recipient", "! synced 4")
        self.assertEqual(
            self.screen.take(),
            [
                "→ bob: one ✓ kept for bob",
                "→ eve: two ✗ nobody by the name of eve has ever been there",
                "→ bad ✗ no recipient",
                "→ bob: four ✓",
            ],
        )
        self.assertEqual((self.waiting(), "waiting" in self.status()), ([], False))

    @in_loop
    async def test_many(self) -> None:
        """Of many lines that wait the first are shown, and the number of the others."""
        self.begin()
        await self.types("bob: 0\n" + "\n".join(map(str, range(1, 20))))
        waiting = self.waiting()
        self.assertEqual(
            (len(waiting), waiting[0], waiting[-1]), (6, "… → bob: 0", "… and 15 more")
        )

    @in_loop
    async def test_unusable(self) -> None:
        """A line that no server takes is refused in its place, and shows no control character."""
        await self.come_in()
        await self.types("bob: \x1b[31m")
        self.assertEqual(
            self.screen.take(),
            ["→ bob: \\x1b[31m ✗ the line can not be posted: control characters"],
        )

    @in_loop
    async def test_paste(self) -> None:
        """A text of several lines is announced with those it is for, before it is said."""
        await self.come_in()
        self.assertIn("2 lines, all for bob, eve", text(self.talk.about("bob, eve: 1\n2")))
        self.assertIn("2 lines ·", text(self.talk.about("hello\nthere")))
        await self.types("bob: 1\n2")
        self.assertEqual(self.said(), ["bob: 1", "bob: 2", "/sync"])


class MessageTests(TalkTestCase):
    """Messages, and who is here."""

    @in_loop
    async def test_shown_and_got(self) -> None:
        """A message is shown, harmless, with the time at which it was taken in, and got."""
        await self.come_in()
        await self.scene.hears("from bob: hi \x1b[2J")
        self.assertEqual(self.screen.take(), ["bob: hi \\x1b[2J"])
        self.assertEqual(self.said(), ["/got 1 0"])
        await self.scene.hears("from bob, 20200102T000000Z: hi")
        self.assertTrue(self.screen.take()[0].endswith("bob: hi"))

    @in_loop
    async def test_bell(self) -> None:
        """The bell rings for messages, and for nothing else, until it is turned off."""
        await self.come_in(bell=True)
        await self.scene.hears("from bob: hi", "! help x")
        self.assertEqual(self.screen.bells, 1)
        await self.types("/bell")
        await self.scene.hears("from bob: hi")
        self.assertEqual(self.screen.bells, 1)
        self.assertIn("· the bell is off", self.screen.take())

    @in_loop
    async def test_who_is_here(self) -> None:
        """The status has the names that are here; they are asked for now and then, and when
        somebody writes who was not.
        """
        await self.come_in()
        self.assertIn("ann at host:8080 · here: bob", self.status())
        await self.scene.hears("from bob: hi")
        await asyncio.sleep(LOOK / 2)
        self.assertNotIn("/who", self.said())
        await self.scene.hears("from eve: hi")
        self.assertIn("/who", self.said())
        await self.scene.hears("! who ann, eve")
        self.assertIn("here: eve", self.status())
        await asyncio.sleep(LOOK + 2)
        self.assertIn("/who", self.said())
        await self.scene.hears("! who ann")
        self.assertIn("here: nobody else", self.status())
        self.assertEqual(self.people.beginning(""), ["eve", "bob"])

    @in_loop
    async def test_commands(self) -> None:
        """A command is answered above; without a server it is said that nobody answers."""
        await self.come_in()
        await asyncio.sleep(2)
        await self.types("/who")
        self.assertEqual(self.said(), ["/who"])
        await self.scene.hears("! who ann, bob, eve")
        await self.types("/help")
        self.assertEqual(self.said(), ["/help"])
        await self.scene.hears("! help /who lists who is here", "! help /sync is answered")
        await self.types("/sync now")
        await self.types("/dance")
        await self.scene.hears("! bad-line 0 no command /dance")
        shown = self.screen.take()
        for line in (
            "· here: ann, bob, eve",
            "· /who lists who is here",
            "· /quit leaves, as does Ctrl-D",
            "· /sync is said by the client itself",
            "· no command /dance",
        ):
            self.assertIn(line, shown)
        self.assertNotIn("· /sync is answered", shown)
        await self.scene.loses()
        await self.types("/ping")
        self.assertIn("nobody is there to answer /ping", self.screen.take()[-1])


class BreakTests(TalkTestCase):
    """Servers that go, and users who do."""

    @in_loop
    async def test_comes_back(self) -> None:
        """A break and its end are shown once each, and the status tells of all tries between."""
        await self.come_in()
        await self.types("bob: 1")
        await self.scene.hears("! bye 0")
        await self.scene.refuse()
        await self.types("bob: 2")
        self.assertIn("cannot reach host:8080: Connection refused; trying again", self.status())
        self.assertIn("2 waiting", self.status())
        await self.scene.come_in("! welcome ann\n! resumed 0 1 e1\n")
        self.assertEqual(
            self.screen.take(),
            [
                "· host:8080 has closed the session; trying again",
                "· host:8080 is here again",
            ],
        )
        said = [line for line in self.said() if not line.startswith("/")]
        self.assertEqual(said, ["bob: 1", "bob: 2"])

    @in_loop
    async def test_doubt(self) -> None:
        """The user is told of lines that may arrive twice."""
        await self.come_in()
        await self.types("bob: 1")
        await self.scene.loses()
        await self.scene.come_in("! welcome ann\n! resumed 0 1 e2\n")
        self.assertIn("1 of your lines may arrive twice", self.screen.take()[-1])

    @in_loop
    async def test_leaves(self) -> None:
        """A user who leaves does so in order: with 0, and without a word."""
        for leave in (self.screen_leaves, self.quits):
            await self.come_in()
            await leave()
            await turns()
            self.assertEqual(self.said()[-1], "/quit")
            await self.scene.hears("! bye 0")
            self.assertEqual((await self.scene.ended(), self.told()), (0, []))

    async def screen_leaves(self) -> None:
        self.screen.leave(0)

    async def quits(self) -> None:
        await self.types("/quit")

    @in_loop
    async def test_waits_for_lines(self) -> None:
        """Lines that are said have some seconds to be settled when the user leaves."""
        await self.come_in()
        await self.types("bob: hi")
        self.screen.leave(0)
        await asyncio.sleep(SETTLE_WITHIN / 2)
        await self.scene.hears("from bob: wait", "! kept bob 1 1-1", "! synced 1")
        self.assertEqual({*self.screen.take()}, {"bob: wait", "→ bob: hi ✓ kept for bob"})
        await self.scene.hears("! bye 1")
        self.assertEqual((await self.scene.ended(), self.told()), (0, []))

    @in_loop
    async def test_not_taken_in(self) -> None:
        """Lines that were not taken in are shown at the end: at once if nobody is there to take
        them, after some seconds if one does not, and after Ctrl-C.
        """
        for code, expected, is_there in ((0, 75, True), (0, 75, False), (130, 130, True)):
            await self.come_in()
            await self.types("bob: \x9bhi")
            await self.types("bob: 1\n2")
            if not is_there:
                await self.scene.loses()
            began = self.scene.driver.seconds()
            self.screen.leave(code)
            self.assertEqual(await self.scene.ended(), expected)
            self.assertEqual(
                self.told(), ["achat: 2 lines not taken in:", "    bob: 1", "    bob: 2"]
            )
            took = self.scene.driver.seconds() - began
            self.assertEqual(took >= SETTLE_WITHIN, is_there and not code)

    @in_loop
    async def test_turned_away(self) -> None:
        """A server that does not let the user in ends it, with the reason and what was typed."""
        self.begin()
        await self.types("bob: hi")
        await self.scene.come_in("! denied\n")
        await self.scene.loses()
        self.assertEqual(await self.scene.ended(), 77)
        why = "host:8080 does not let ann in: the secret is missing or wrong"
        self.assertEqual(self.told(), [f"achat: {why}; 1 line not taken in:", "    bob: hi"])

    @in_loop
    async def test_kicked(self) -> None:
        """A server that ends the session for good does so as well."""
        await self.come_in()
        await self.scene.hears("! kicked", "! bye 0")
        self.assertEqual(await self.scene.ended(), 77)
        self.assertEqual(
            self.told(), ["achat: the operator of host:8080 has ended the session of ann"]
        )

    @in_loop
    async def test_gives_up(self) -> None:
        """A time for trying that the user has set ends it as well."""
        self.begin(retry=0)
        await self.scene.refuse()
        self.assertEqual(await self.scene.ended(), 75)
        self.assertEqual(self.told(), ["achat: cannot reach host:8080: Connection refused"])
