"""A chat as a program sees it, on a loop and with a server of the test's own."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.client import (
    Closed,
    Ended,
    Joined,
    Members,
    Notice,
    NotLetIn,
    Parted,
    Refused,
    RoomError,
    SessionOver,
    StateError,
    StateFile,
    Unreachable,
    UnusableLine,
    Welcome,
)
from achat_twisted.client.messages import Message, Posted, Posting
from achat_twisted.client.outgoing import WINDOW
from achat_twisted.client.state import Reached
from tests.client.fakes import WELCOME, Scene

start = Deferred.fromCoroutine


class ChatTestCase(SynchronousTestCase):
    """A test with one chat."""

    def setUp(self) -> None:
        self.scene = Scene()
        self.chat = self.scene.chat

    def come_in(self) -> None:
        self.scene.come_in()
        self.scene.link.take()

    def next(self) -> Message:
        message: Message = self.successResultOf(start(self.chat.next()))
        return message

    def file(self) -> StateFile:
        folder = TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        return StateFile(Path(folder.name, "state"))

    def use_file(self) -> None:
        self.scene = Scene(self.file())
        self.chat = self.scene.chat
        self.addCleanup(self.scene.state.close)


class PostingTests(ChatTestCase):
    """Lines, and what becomes of them."""

    def test_posted(self) -> None:
        """A post returns when its fate is known, and tells for whom it is kept."""
        self.come_in()
        posting = start(self.chat.post(["bob", "eve"], "hi"))
        self.scene.turn()
        self.assertEqual(self.scene.link.take(), "bob, eve: hi\n/sync\n")
        self.assertNoResult(posting)
        self.scene.hears("! kept eve 1 1-1\n! synced 1\n")
        self.assertEqual(self.successResultOf(posting), Posted(1, "bob, eve: hi", ("eve",)))

    def test_refused(self) -> None:
        """A line that is refused raises, with the line and the reason."""
        self.come_in()
        posting = start(self.chat.post(["bob", "nobody"], "hi"))
        self.scene.turn()
        self.scene.hears("! kept bob 1 1-1\n! unknown nobody 1 1-1\n! synced 1\n")
        refused = self.failureResultOf(posting, Refused).value
        self.assertEqual(refused.line, "bob, nobody: hi")
        self.assertEqual([one.recipient for one in refused.refusals], ["nobody"])
        self.assertEqual(refused.kept, ("bob",))
        self.assertEqual(
            str(refused),
            "'bob, nobody: hi' was refused: nobody by the name of nobody has ever been there",
        )
        self.assertEqual(self.chat.refusals(), [])

    def test_reasons(self) -> None:
        """Each reason is a sentence."""
        self.come_in()
        postings = [start(self.chat.say(line)) for line in ("bob: 1", "hello?", "bob: 2", "bob: 3")]
        self.scene.turn()
        self.scene.hears("! full bob 1 1-1\n! bad-line 2 no recipient\n! too-long 3 8192\n")
        self.scene.hears("! muted bob 1 4-4\n! synced 4\n")
        for posting, why in zip(
            postings,
            (
                "the mailbox of bob is full",
                "it is no line that the server understands: no recipient",
                "it has more than the 8192 bytes that the server allows",
                "the server says muted of bob",
            ),
            strict=True,
        ):
            refused = self.failureResultOf(posting, Refused).value
            self.assertEqual(str(refused).partition(" was refused: ")[2], why)

    def test_unusable(self) -> None:
        """A line that can be none is refused before it is posted, and none of its batch is."""
        self.come_in()
        for to, text in (
            ("bob", "a\nb"),
            ("b,c", "hi"),
            ("", "hi"),
            ("/bob", "hi"),
            ("bob", "\x07"),
        ):
            self.failureResultOf(start(self.chat.post(to, text)), UnusableLine)
        self.failureResultOf(start(self.chat.post([], "hi")), UnusableLine)
        self.failureResultOf(start(self.chat.submit(["bob: hi", "/quit"])), UnusableLine)
        self.scene.turn()
        self.assertEqual(self.scene.link.take(), "")

    def test_order(self) -> None:
        """Lines that are posted at once are said in that order, with one question behind them."""
        self.come_in()
        for number in range(3):
            start(self.chat.post("bob", str(number)))
        self.scene.turn()
        self.assertEqual(self.scene.link.take(), "bob: 0\nbob: 1\nbob: 2\n/sync\n")

    def test_window(self) -> None:
        """A post waits while a window of lines is unsettled; those that wait keep their order."""
        self.come_in()
        submitted = start(self.chat.submit([f"bob: {number}" for number in range(WINDOW)]))
        self.assertEqual(len(self.successResultOf(submitted)), WINDOW)
        waiting = [start(self.chat.post("eve", str(number))) for number in range(3)]
        self.scene.turn()
        self.assertNotIn("eve", self.scene.link.take())
        self.scene.hears("! synced 2\n")
        self.assertEqual(self.scene.link.take(), "/got 0 2\neve: 0\neve: 1\n/sync\n")
        self.scene.hears(f"! synced {WINDOW}\n")
        self.assertIn("eve: 2\n", self.scene.link.take())
        self.assertNoResult(waiting[0])

    def test_cancelled(self) -> None:
        """A post that is cancelled when it is posted is not unsaid; its verdict is dropped."""
        self.come_in()
        posting = start(self.chat.post("nobody", "hi"))
        posting.cancel()
        self.failureResultOf(posting, CancelledError)
        self.scene.turn()
        self.assertEqual(self.scene.link.take(), "nobody: hi\n/sync\n")
        self.scene.hears("! unknown nobody 1 1-1\n! synced 1\n")
        self.assertEqual(self.chat.refusals(), [])

    def test_cancelled_in_time(self) -> None:
        """A post that is cancelled while it waits for room is never said."""
        self.come_in()
        start(self.chat.submit([f"bob: {number}" for number in range(WINDOW)]))
        first, second = (start(self.chat.post(name, "hi")) for name in ("eve", "fay"))
        first.cancel()
        self.failureResultOf(first, CancelledError)
        self.scene.turn()
        self.scene.link.take()
        self.scene.hears(f"! synced {WINDOW}\n")
        self.assertEqual(self.scene.link.take(), f"/got 0 {WINDOW}\nfay: hi\n/sync\n")
        self.assertNoResult(second)

    def test_again(self) -> None:
        """A post outlives the connection: what was not taken in is said on the next one."""
        self.come_in()
        posting = start(self.chat.post("bob", "hi"))
        self.scene.turn()
        self.scene.link.lose()
        self.scene.turn(1)
        self.scene.come_in()
        self.assertTrue(self.scene.link.take().endswith("bob: hi\n/sync\n"))
        self.scene.hears("! synced 1\n")
        self.assertEqual(self.successResultOf(posting), Posted(1, "bob: hi"))

    def test_sync(self) -> None:
        """A sync returns when the fate of all lines before it is known, and of none behind it."""
        self.come_in()
        self.successResultOf(start(self.chat.sync()))
        self.successResultOf(start(self.chat.submit(["bob: 1", "bob: 2"])))
        synced = start(self.chat.sync())
        start(self.chat.post("bob", "3"))
        self.scene.turn()
        self.scene.hears("! synced 1\n")
        self.assertNoResult(synced)
        self.assertEqual(self.chat.unsettled(), ["bob: 2", "bob: 3"])
        self.scene.hears("! synced 2\n")
        self.successResultOf(synced)

    def test_postings(self) -> None:
        """A line that was submitted tells whether its fate is known, to anyone who asks."""
        self.come_in()
        postings: list[Posting] = self.successResultOf(
            start(self.chat.submit(["bob: 1", "nobody: 2", "bob: 3"]))
        )
        self.scene.turn()
        self.scene.hears("! unknown nobody 1 2-2\n! synced 2\n")
        self.assertEqual([posting.is_settled for posting in postings], [True, True, False])
        self.scene.link.lose()
        self.successResultOf(start(self.chat.close()))
        self.assertEqual([posting.is_known for posting in postings], [True, True, True])
        self.assertEqual([posting.is_settled for posting in postings], [True, True, False])


class MessageTests(ChatTestCase):
    """Messages, and their being done."""

    def test_messages(self) -> None:
        """Messages come in order, with sender, text and time."""
        waiting = start(self.chat.next())
        self.come_in()
        self.assertNoResult(waiting)
        self.scene.hears("from bob, 20261130T031005Z: one\nfrom eve: two\n")
        one, two = self.successResultOf(waiting), self.next()
        self.assertEqual((one.number, one.sender, one.text), (1, "bob", "one"))
        self.assertEqual(one.time, datetime(2026, 11, 30, 3, 10, 5, tzinfo=UTC))
        self.assertEqual((two.number, two.sender, two.text, two.time), (2, "eve", "two", None))
        self.assertEqual(repr(one), "<message 1 from 'bob'>")

    def test_done(self) -> None:
        """Messages that are done within a turn are confirmed with one line, up to the first gap."""
        self.come_in()
        self.scene.hears("from bob: 1\nfrom bob: 2\nfrom bob: 3\nfrom bob: 4\n")
        messages = [self.next() for _ in range(4)]
        for message in (messages[1], messages[0], messages[3]):
            self.successResultOf(start(message.done()))
        self.scene.turn()
        self.assertEqual(self.scene.link.take(), "/got 2 0\n")

    def test_again(self) -> None:
        """A message that the program has is not handed out again after a break."""
        self.come_in()
        self.scene.hears("from bob: 1\nfrom bob: 2\n")
        one = self.next()
        self.scene.link.lose()
        self.scene.turn(1)
        self.scene.come_in(WELCOME + "from bob: 1\nfrom bob: 2\nfrom bob: 3\n")
        self.assertEqual([self.next().text for _ in range(2)], ["2", "3"])
        self.scene.link.take()
        self.successResultOf(start(one.done()))
        self.scene.turn()
        self.assertEqual(self.scene.link.take(), "/got 1 0\n")

    def test_named(self) -> None:
        """An era and a number name a message, which has another number in another era."""
        self.come_in()
        self.scene.hears("from bob: one\n")
        one = self.next()
        self.scene.link.lose()
        self.scene.turn(60)
        self.scene.come_in("! welcome ann\n! resumed 0 1 e2\nfrom bob: another\n")
        another = self.next()
        self.assertEqual((one.era, one.number), ("e1", 1))
        self.assertEqual((another.era, another.number), ("e2", 1))

    def test_other_era(self) -> None:
        """A message of another era is not confirmed, as its number means another one by now."""
        self.come_in()
        self.scene.hears("from bob: 1\n")
        message = self.next()
        self.scene.link.lose()
        self.scene.turn(1)
        self.scene.come_in("! welcome ann\n! resumed 0 1 e2\nfrom bob: another\n")
        self.scene.link.take()
        self.successResultOf(start(message.done()))
        self.scene.turn()
        self.assertEqual(self.scene.link.take(), "")
        self.successResultOf(start(self.next().done()))
        self.scene.turn()
        self.assertEqual(self.scene.link.take(), "/got 1 0\n")

    def test_cancelled(self) -> None:
        """A wait for a message that is cancelled loses none."""
        self.come_in()
        waiting = start(self.chat.next())
        waiting.cancel()
        self.failureResultOf(waiting, CancelledError)
        self.scene.hears("from bob: 1\n")
        self.assertEqual(self.next().text, "1")

    def test_several(self) -> None:
        """If several wait for messages, each gets one, in the order in which they came."""
        self.come_in()
        waiting = [start(self.chat.next()) for _ in range(3)]
        self.scene.hears("from bob: 1\nfrom bob: 2\n")
        self.assertEqual([self.successResultOf(one).text for one in waiting[:2]], ["1", "2"])
        self.assertNoResult(waiting[2])

    def test_iteration(self) -> None:
        """The iteration over messages ends when the chat is closed."""
        self.come_in()

        async def work() -> list[str]:
            return [message.text async for message in self.chat]

        working = start(work())
        self.scene.hears("from bob: 1\nfrom bob: 2\n")
        start(self.chat.close())
        self.scene.turn()
        self.scene.hears("! bye 0\n")
        self.assertEqual(self.successResultOf(working), ["1", "2"])


class SavingTests(ChatTestCase):
    """The file, when something is said."""

    def setUp(self) -> None:
        self.use_file()

    def saved(self, query: str) -> list[tuple[object, ...]]:
        """The rows that the next program would find."""
        assert isinstance(self.scene.state, StateFile)
        with closing(sqlite3.connect(self.scene.state.path)) as database:
            return database.execute(query).fetchall()

    def test_submitted(self) -> None:
        """A line that is submitted is in the file when that returns, though no server is there."""
        submitting = start(self.chat.submit(["bob: hi"]))
        self.assertNoResult(submitting)
        self.scene.turn()
        self.successResultOf(submitting)
        self.assertEqual(self.saved("SELECT * FROM achat_line"), [(1, "bob: hi")])

    def test_no_window(self) -> None:
        """A file takes any number of lines while no server is there."""
        submitting = start(self.chat.submit(["bob: hi"] * (2 * WINDOW)))
        self.scene.turn()
        self.assertEqual(len(self.successResultOf(submitting)), 2 * WINDOW)

    def test_era(self) -> None:
        """The era is in the file before the first line is said."""
        start(self.chat.submit(["bob: hi"]))
        self.come_in_until_said("bob: hi\n")
        self.assertEqual(self.saved("SELECT era FROM achat_state"), [("e1",)])

    def test_got(self) -> None:
        """That a message is done is in the file before it is confirmed."""
        self.come_in()
        self.scene.hears("from bob: 1\n")
        start(self.next().done())
        self.assertEqual(self.saved("SELECT got FROM achat_state"), [(0,)])
        self.scene.turn()
        self.assertEqual(self.scene.link.take(), "/got 1 0\n")
        self.assertEqual(self.saved("SELECT got FROM achat_state"), [(1,)])

    def test_told(self) -> None:
        """A refusal is in the file until the post that waits for it has raised it."""
        self.come_in()
        posting = start(self.chat.post("nobody", "hi"))
        self.scene.turn()
        self.scene.link.hears("! unknown nobody 1 1-1\n! synced 1\n")
        self.failureResultOf(posting, Refused)
        self.scene.state.save()
        self.assertEqual(self.saved("SELECT place FROM achat_refusal"), [(1,)])
        self.scene.turn()
        self.assertEqual(self.saved("SELECT place FROM achat_refusal"), [])

    def come_in_until_said(self, text: str) -> None:
        self.scene.come_in()
        self.assertIn(text, self.scene.link.take())


class TransactionTests(ChatTestCase):
    """Messages that are worked off in the state's own transaction."""

    def setUp(self) -> None:
        self.use_file()
        self.come_in()
        self.scene.hears("from bob: 1\nfrom bob: 2\n")

    def test_committed(self) -> None:
        """Work, number and lines are committed together, and then said."""

        async def work() -> None:
            message = await self.chat.next()
            async with message.transaction() as work:
                work.db.execute("CREATE TABLE job (text)")
                work.db.execute("INSERT INTO job VALUES (?)", [message.text])
                work.post("bob", "done")
                self.assertEqual(self.scene.link.take(), "")

        self.successResultOf(start(work()))
        self.scene.turn()
        self.assertEqual(self.scene.link.take(), "/got 1 0\nbob: done\n/sync\n")
        assert isinstance(self.scene.state, StateFile)
        self.assertEqual(
            self.scene.state.database.execute("SELECT * FROM job").fetchall(), [("1",)]
        )

    def test_rolled_back(self) -> None:
        """Work that raises has not happened, and may be tried again."""

        async def work() -> str:
            message = await self.chat.next()
            try:
                async with message.transaction() as work:
                    work.db.execute("CREATE TABLE job (text)")
                    work.post("bob", "done")
                    raise ZeroDivisionError
            except ZeroDivisionError:
                pass
            async with message.transaction() as work:
                work.db.execute("CREATE TABLE job (text)")
            return message.text

        self.assertEqual(self.successResultOf(start(work())), "1")
        self.scene.turn()
        self.assertEqual(self.scene.link.take(), "/got 1 0\n")
        self.assertEqual(self.chat.unsettled(), [])

    def test_alone(self) -> None:
        """While a transaction lasts nothing is taken in, confirmed or posted by others."""
        message, other, thinking = self.next(), self.next(), Deferred[None]()

        async def work() -> None:
            async with message.transaction():
                await thinking

        working, done = start(work()), start(other.done())
        posting, post = start(self.chat.submit(["bob: hi"])), start(self.chat.post("bob", "ho"))
        self.scene.hears("from bob: 3\n")
        self.assertTrue(self.scene.link.is_paused)
        for waiting in (done, posting, post):
            self.assertNoResult(waiting)
        self.assertEqual(self.scene.link.take(), "")
        thinking.callback(None)
        self.scene.turn()
        self.successResultOf(working)
        self.successResultOf(done)
        self.successResultOf(posting)
        self.assertFalse(self.scene.link.is_paused)
        self.assertEqual(self.scene.link.take(), "/got 2 0\nbob: hi\nbob: ho\n/sync\n")
        self.assertEqual(self.next().text, "3")

    def test_cancelled(self) -> None:
        """Work that is cancelled has not happened."""
        message = self.next()

        async def work() -> None:
            async with message.transaction() as work:
                work.db.execute("CREATE TABLE job (text)")
                await Deferred()

        working = start(work())
        working.cancel()
        self.failureResultOf(working, CancelledError)
        self.scene.turn()
        self.assertEqual(self.scene.link.take(), "")

    def test_lost_meanwhile(self) -> None:
        """A connection that is lost while a transaction lasts is mourned when it is over."""
        message, thinking = self.next(), Deferred[None]()

        async def work() -> None:
            async with message.transaction():
                await thinking

        start(work())
        self.scene.link.hears("from bob: 3\n")
        self.scene.link.lose()
        thinking.callback(None)
        self.scene.turn(1)
        self.assertEqual([self.next().text for _ in range(2)], ["2", "3"])
        self.scene.come_in(WELCOME + "from bob: 1\nfrom bob: 2\n")
        self.assertIn("/got 1 0\n", self.scene.link.take())

    def test_own_commit(self) -> None:
        """Work that commits by itself is told that it must not."""
        message = self.next()

        async def work() -> None:
            async with message.transaction() as work:
                work.db.execute("COMMIT")

        failure = self.failureResultOf(start(work()), StateError)
        self.assertIn("leave that to the block", str(failure.value))

    def test_inside(self) -> None:
        """Inside a transaction, what would wait for its end raises instead; outside it waits."""
        message, other = self.next(), self.next()

        async def work() -> None:
            async with message.transaction():
                for each in (
                    *(message.done(), self.chat.post("bob", "hi"), self.chat.submit(["bob: ho"])),
                    *(other.transaction().__aenter__(), self.chat.who(), self.chat.next()),
                ):
                    with self.assertRaisesRegex(StateError, "would wait for its own end"):
                        await each
            await other.done()
            await self.chat.submit(["bob: hi"])

        working = start(work())
        self.scene.turn()
        self.successResultOf(working)
        self.assertEqual(self.scene.link.take(), "/got 2 0\nbob: hi\n/sync\n")

    def test_refused_line(self) -> None:
        """A line of the work's own that is refused is handed out by refusals, once."""
        message = self.next()

        async def work() -> None:
            async with message.transaction() as work:
                work.post("nobody", "hi")

        self.successResultOf(start(work()))
        self.scene.turn()
        self.scene.hears("! unknown nobody 1 1-1\n! synced 1\n")
        self.assertEqual([refusal.line for refusal in self.chat.refusals()], ["nobody: hi"])
        self.assertEqual(self.chat.refusals(), [])

    def test_needs_file(self) -> None:
        """Without a file there is no transaction, and the error says what would be right."""
        self.scene = Scene()
        self.chat = self.scene.chat
        self.come_in()
        self.scene.hears("from bob: 1\n")
        message = self.next()
        entering = start(message.transaction().__aenter__())
        self.assertIn("state=PATH", str(self.failureResultOf(entering, StateError).value))


class EndTests(ChatTestCase):
    """The ends of a chat."""

    def test_final(self) -> None:
        """A session that will not be let in again raises for all that wait, and from then on."""
        self.come_in()
        waiting = [
            start(self.chat.next()),
            start(self.chat.post("bob", "hi")),
            start(self.chat.who()),
            start(self.chat.sync()),
        ]
        self.scene.hears("! kicked\n! bye 1\n")
        self.scene.turn(100)
        for each in [*waiting, start(self.chat.next()), start(self.chat.post("bob", "ho"))]:
            error = self.failureResultOf(each, SessionOver).value
            self.assertEqual(error.word, "kicked")
            self.assertEqual(str(error), "the operator of host:8080 has ended the session of ann")
        self.assertEqual(len(self.scene.driver.links), 1)

    def test_not_let_in(self) -> None:
        """A secret that is wrong raises, and is in no error."""
        ready = start(self.chat.ready())
        self.scene.connect()
        self.scene.hears("! denied\n")
        self.assertEqual(self.failureResultOf(ready, NotLetIn).value.word, "denied")

    def test_unreachable(self) -> None:
        """A server that is not there for as long as is to be tried raises, with the reason."""
        self.scene = Scene(retry=1)
        waiting = start(self.scene.chat.post("bob", "hi"))
        for _ in range(9):
            if self.scene.driver.waiting is not None and not self.scene.driver.waiting.called:
                self.scene.connect(works=False)
            self.scene.turn(0.25)
        error = self.failureResultOf(waiting, Unreachable).value
        self.assertEqual(str(error), "cannot reach host:8080: no route")
        self.assertEqual(self.scene.chat.unsettled(), ["bob: hi"])

    def test_events(self) -> None:
        """A listener hears of connections, their ends, and of what else the server says."""
        self.scene.connect(works=False)
        self.scene.turn(1)
        self.come_in()
        self.scene.hears("! mail 2\n! pong\n")
        self.assertEqual(
            self.scene.ear.events,
            [
                Ended("cannot reach host:8080: no route", "", 0.125),
                Welcome(),
                Notice("mail", "2"),
                Notice("pong", ""),
            ],
        )
        self.assertEqual(self.chat.mail, 2)

    def test_close(self) -> None:
        """An ordered end waits for the fate of lines, says farewell, and waits for the answer."""
        self.come_in()
        (posting,) = self.successResultOf(start(self.chat.submit(["bob: hi"])))
        closing = start(self.chat.close())
        self.scene.turn()
        self.assertEqual(self.scene.link.take(), "bob: hi\n/sync\n")
        self.scene.hears("! synced 1\n")
        self.assertEqual(self.scene.link.take(), "/got 0 1\n/quit\n")
        self.assertNoResult(closing)
        self.scene.hears("! bye 1\n")
        self.successResultOf(closing)
        self.assertTrue(posting.is_settled)
        self.failureResultOf(start(self.chat.next()), Closed)

    def test_close_in_vain(self) -> None:
        """An ordered end waits for ten seconds at most."""
        self.come_in()
        start(self.chat.submit(["bob: hi"]))
        closing = start(self.chat.close())
        self.scene.turn(4.9)
        self.assertNotIn("/quit", self.scene.link.take())
        self.scene.turn(0.1)
        self.assertEqual(self.scene.link.take(), "/quit\n")
        self.assertNoResult(closing)
        self.scene.turn(5)
        self.successResultOf(closing)

    def test_close_away(self) -> None:
        """An end without a server waits for nothing."""
        start(self.chat.submit(["bob: hi"]))
        self.successResultOf(start(self.chat.close()))

    def test_close_twice(self) -> None:
        """To close a chat again changes nothing."""
        self.use_file()
        for _ in range(2):
            self.successResultOf(start(self.chat.close()))

    def test_broken_off(self) -> None:
        """An exception in the block breaks the session off, without a farewell."""
        self.come_in()
        error = ZeroDivisionError()
        self.successResultOf(start(self.chat.__aexit__(ZeroDivisionError, error, None)))
        self.assertEqual(self.scene.link.take(), "")
        self.assertTrue(self.scene.link.is_closed)

    def test_over(self) -> None:
        """When a session is over for good, what is worked off may still be noted."""
        self.use_file()
        self.come_in()
        self.scene.hears("from bob: 1\n")
        message = self.next()
        self.scene.hears("! kicked\n! bye 0\n")
        self.failureResultOf(start(self.chat.next()), SessionOver)
        self.successResultOf(start(message.done()))
        self.successResultOf(start(self.chat.close()))
        assert isinstance(self.scene.state, StateFile)
        after = StateFile(self.scene.state.path)
        self.addCleanup(after.close)
        self.assertEqual(after.numbers.got, 1)
        self.failureResultOf(start(message.done()), Closed)

    def test_closed(self) -> None:
        """All that is done to a chat that is closed raises, and changes nothing."""
        self.come_in()
        self.scene.hears("from bob: 1\n")
        message = self.next()
        self.successResultOf(start(self.chat.close(in_order=False)))
        for each in (
            message.done(),
            self.chat.next(),
            self.chat.post("bob", "hi"),
            self.chat.who(),
        ):
            self.failureResultOf(start(each), Closed)

    def test_no_room(self) -> None:
        """A state that cannot be written ends the chat with that reason, and nothing is said."""
        self.use_file()
        self.come_in()
        state = self.scene.state
        assert isinstance(state, StateFile)
        (pages,) = state.database.execute("PRAGMA page_count").fetchone()
        state.database.execute(f"PRAGMA max_page_count={pages}")
        posting = start(self.chat.submit([f"bob: {'x' * 5000}"]))
        self.scene.turn()
        self.assertIn("full", str(self.failureResultOf(posting, StateError).value))
        self.assertEqual(self.scene.link.take(), "")
        self.failureResultOf(start(self.chat.next()), StateError)
        self.successResultOf(start(self.chat.close()))


class QuestionTests(ChatTestCase):
    """Questions to the server."""

    def test_who(self) -> None:
        """Each question gets its own answer, and the listener does not hear of it."""
        self.come_in()
        first, second = start(self.chat.who()), start(self.chat.who())
        self.scene.turn()
        self.assertEqual(self.scene.link.take(), "/who\n/who\n")
        self.scene.hears("! who ann, Zoë 東京\n! who\n")
        self.assertEqual(self.successResultOf(first), ["ann", "Zoë 東京"])
        self.assertEqual(self.successResultOf(second), [])
        self.assertEqual(self.scene.ear.events, [Welcome()])

    def test_again(self) -> None:
        """A question that a break leaves open is asked again."""
        asking = start(self.chat.ping())
        self.come_in()
        self.scene.link.lose()
        self.scene.turn(1)
        self.scene.come_in()
        self.assertTrue(self.scene.link.take().endswith("/ping\n"))
        self.scene.hears("! pong\n")
        self.successResultOf(asking)

    def test_commands(self) -> None:
        """A command is said, and its answers are the listener's; the library's own are not."""
        self.come_in()
        self.chat.command("/help")
        self.scene.turn()
        self.assertEqual(self.scene.link.take(), "/help\n")
        self.scene.hears("! help one\n! help two\n")
        self.assertEqual(self.scene.ear.events[1:], [Notice("help", "one"), Notice("help", "two")])
        for line in ("/quit", "/got 7", "/sync", "hello", "/", "/help\n/quit"):
            self.assertRaises(UnusableLine, self.chat.command, line)

    def test_deaf(self) -> None:
        """A server that answers nothing is left, and looked for again."""
        self.come_in()
        self.scene.turn(45)
        self.assertEqual(self.scene.link.take(), "/ping\n")
        self.scene.turn(45)
        self.assertTrue(self.scene.link.is_closed)
        self.scene.turn(1)
        self.scene.come_in()
        self.assertEqual(len(self.scene.driver.links), 2)


class RoomTests(ChatTestCase):
    """Rooms, as a program sees them."""

    def setUp(self) -> None:
        self.use(Scene(rooms=True))

    def use(self, scene: Scene) -> None:
        self.scene = scene
        self.chat = scene.chat

    def said(self) -> str:
        self.scene.turn()
        return self.scene.link.take()

    def test_join(self) -> None:
        """A room is joined when the server has said so, and then it is heard."""
        self.come_in()
        joining = start(self.chat.join("#ops"))
        self.assertEqual(self.said(), "/join #ops\n/ping\n")
        self.scene.hears("! joined #ops 1 r1\n")
        self.assertNoResult(joining)
        self.scene.hears("! pong\n")
        self.successResultOf(joining)
        self.assertEqual(self.chat.rooms, ["#ops"])
        self.scene.hears("from ann #ops 1: hi\nfrom bob #ops 2: ho\nfrom bob: psst\n")
        own, other, direct = self.next(), self.next(), self.next()
        self.assertEqual((own.room, own.number, own.is_own), ("#ops", 1, True))
        self.assertEqual((other.room, other.number, other.is_own), ("#ops", 2, False))
        self.assertEqual((direct.room, direct.number, direct.is_own), ("", 1, False))
        self.assertEqual(repr(other), "<message 2 from 'bob' in #ops>")
        for message in (own, other, direct):
            self.successResultOf(start(message.done()))
        self.assertEqual(self.said(), "/got 1 0\n/got #ops 2\n")
        self.assertEqual(self.scene.ear.events, [Welcome(), Joined("#ops", 1, "r1")])

    def test_not_let_in(self) -> None:
        """A room that does not let in raises, in the server's words; other orders do not."""
        self.come_in()
        first, second = start(self.chat.join("#a")), start(self.chat.join("#b"))
        self.scene.turn()
        self.scene.hears("! joined #a 1 r1\n! pong\n! bad-line 0 #b is closed\n! pong\n")
        self.successResultOf(first)
        self.assertEqual(str(self.failureResultOf(second, RoomError).value), "#b is closed")

    def test_faults_of_others(self) -> None:
        """The fault of a command that the user has typed is the listener's, and no order's."""
        self.come_in()
        self.chat.command("/dance")
        joining = start(self.chat.join("#ops"))
        self.assertEqual(self.said(), "/dance\n/ping\n")
        self.scene.hears("! bad-line 0 no command /dance\n! pong\n")
        self.assertEqual(self.said(), "/join #ops\n/ping\n")
        self.scene.hears("! joined #ops 1 r1\n! pong\n")
        self.successResultOf(joining)
        self.assertIn(Notice("bad-line", "0 no command /dance"), self.scene.ear.events)

    def test_pings_of_others(self) -> None:
        """The answer to a ping that the user has typed is the listener's, and no order's."""
        self.come_in()
        self.chat.command("/ping")
        joining = start(self.chat.join("#ops"))
        self.scene.turn()
        self.scene.hears("! pong\n")
        self.assertIn(Notice("pong", ""), self.scene.ear.events)
        self.scene.hears("! pong\n")
        self.scene.turn()
        self.scene.hears("! bad-line 0 #ops is closed\n! pong\n")
        self.failureResultOf(joining, RoomError)

    def test_again(self) -> None:
        """An order that a break leaves open is given again."""
        joining = start(self.chat.join("#ops"))
        self.come_in_until("/join #ops\n/ping\n")
        self.scene.link.lose()
        self.scene.turn(1)
        self.come_in_until("/join #ops\n/ping\n")
        self.scene.hears("! joined #ops 1 r1\n! pong\n")
        self.successResultOf(joining)

    def come_in_until(self, said: str) -> None:
        self.scene.come_in()
        self.assertTrue(self.scene.link.take().endswith(said))

    def test_part(self) -> None:
        """A room is left; one that the name is not in cannot be."""
        self.come_in()
        self.scene.hears("! joined #ops 1 r1\n")
        parting = start(self.chat.part("#ops"))
        self.assertEqual(self.said(), "/part #ops\n/ping\n")
        self.scene.hears("! parted #ops\n! pong\n")
        self.successResultOf(parting)
        self.assertEqual(self.chat.rooms, [])
        parting = start(self.chat.part("#ops"))
        self.scene.turn()
        self.scene.hears("! bad-line 0 you are not in #ops\n! pong\n")
        self.failureResultOf(parting, RoomError)
        self.assertEqual(self.scene.ear.events[-1], Parted("#ops"))

    def test_part_again(self) -> None:
        """A room that may have been left before a break is left when the server says that it is."""
        parting = start(self.chat.part("#ops"))
        self.come_in_until("/part #ops\n/ping\n")
        self.scene.link.lose()
        self.scene.turn(1)
        self.scene.come_in()
        self.scene.hears("! bad-line 0 you are not in #ops\n! pong\n")
        self.successResultOf(parting)

    def test_members(self) -> None:
        """The members of a room are told from those who are here."""
        self.come_in()
        members, who = start(self.chat.members("#ops")), start(self.chat.who())
        self.assertEqual(self.said(), "/who #ops\n/ping\n/who\n")
        self.scene.hears("! who #ops: ann, Zoë 東京\n! who #ops away:\n! pong\n! who ann, eve\n")
        self.assertEqual(self.successResultOf(members), Members(["ann", "Zoë 東京"], []))
        self.assertEqual(self.successResultOf(who), ["ann", "eve"])
        members = start(self.chat.members("#ops"))
        self.scene.turn()
        self.scene.hears("! who #ops: ann\n! who #ops away: bob, eve\n! pong\n")
        self.assertEqual(self.successResultOf(members), Members(["ann"], ["bob", "eve"]))

    def test_log(self) -> None:
        """A log is shown when all of it has come, though the server may be asked more meanwhile."""
        self.come_in()
        log = start(self.chat.log("#ops", 2))
        joining = start(self.chat.join("#a"))
        self.assertEqual(self.said(), "/log #ops 2\n/ping\n/join #a\n/ping\n")
        self.scene.hears("! pong\n! bad-line 0 #a is closed\n")
        self.scene.hears("! log #ops 40 20261130T031005Z Zoë 東京: a: b\n")
        self.scene.hears("! log #ops 41 20261130T031006Z bob: \n! pong\n")
        self.failureResultOf(joining, RoomError)
        self.assertNoResult(log)
        self.scene.hears("! log-ends #ops 1 42\n")
        first, second = self.successResultOf(log)
        self.assertEqual((first.number, first.sender, first.text), (40, "Zoë 東京", "a: b"))
        self.assertEqual(first.time, datetime(2026, 11, 30, 3, 10, 5, tzinfo=UTC))
        self.assertEqual((second.number, second.sender, second.text), (41, "bob", ""))
        self.assertEqual(self.scene.ear.events, [Welcome()])

    def test_logs(self) -> None:
        """One log is asked for at a time, as they look alike."""
        self.come_in()
        first, second = start(self.chat.log("#a", before=9)), start(self.chat.log("#a"))
        self.assertEqual(self.said(), "/log #a 20 before 9\n/ping\n")
        self.scene.hears("! log-ends #a 1 9\n")
        self.assertEqual(self.said(), "")
        self.scene.hears("! pong\n")
        self.assertEqual(self.successResultOf(first), [])
        self.assertEqual(self.said(), "/log #a 20\n/ping\n")
        self.scene.hears("! bad-line 0 there is no room #a\n! pong\n")
        self.failureResultOf(second, RoomError)

    def test_log_again(self) -> None:
        """A log that a break has cut short is asked for again, and shown once."""
        self.come_in()
        log = start(self.chat.log("#a"))
        self.scene.turn()
        self.scene.hears("! pong\n! log #a 1 20261130T031005Z bob: hi\n")
        self.scene.link.lose()
        self.scene.turn(1)
        self.come_in_until("/log #a 20\n/ping\n")
        self.scene.hears("! log #a 1 20261130T031005Z bob: hi\n! log-ends #a 1 2\n! pong\n")
        self.assertEqual([line.text for line in self.successResultOf(log)], ["hi"])

    def test_log_unreadable(self) -> None:
        """A log that cannot be read raises, though the server says so late."""
        self.come_in()
        log, joining = start(self.chat.log("#a")), start(self.chat.join("#b"))
        self.scene.turn()
        self.scene.hears("! pong\n! bad-line the log of #a cannot be read just now\n")
        self.failureResultOf(log, RoomError)
        self.scene.hears("! joined #b 1 r1\n! pong\n")
        self.successResultOf(joining)

    def test_refused(self) -> None:
        """A line that a room refuses raises, with the reason."""
        self.come_in()
        reasons = {
            "not-in": "you are not in #a; join it first",
            "closed": "only its owners may say something in #a now",
            "unknown": "there is no room #a",
            "full": "the server has no room for more lines in #a",
        }
        for number, (word, why) in enumerate(reasons.items(), 1):
            posting = start(self.chat.post(["#a", "bob"], "hi"))
            self.scene.turn()
            self.scene.hears(f"! {word} #a 1 {number}-{number}\n! synced {number}\n")
            refused = self.failureResultOf(posting, Refused).value
            self.assertEqual(str(refused), f"'#a, bob: hi' was refused: {why}")

    def test_unusable(self) -> None:
        """A room that can be none is refused before anything is said."""
        self.come_in()
        for room in ("ops", "#", "#a b", "#a,b", "#a\nb"):
            self.failureResultOf(start(self.chat.join(room)), UnusableLine)
            self.failureResultOf(start(self.chat.members(room)), UnusableLine)
            self.failureResultOf(start(self.chat.log(room)), UnusableLine)
        self.failureResultOf(start(self.chat.post("#a b", "hi")), UnusableLine)
        self.assertRaises(UnusableLine, self.chat.command, "/join #ops")
        self.assertEqual(self.said(), "")

    def test_without_rooms(self) -> None:
        """A chat that hears no rooms may post to them and look, but joins none."""
        self.use(Scene())
        self.come_in()
        self.assertIn("rooms=True", str(self.failureResultOf(start(self.chat.join("#a"))).value))
        start(self.chat.post("#a", "hi"))
        start(self.chat.members("#a"))
        self.assertEqual(self.said(), "/who #a\n/ping\n#a: hi\n/sync\n")

    def test_only_sends(self) -> None:
        """A chat that only sends may join for its name; it is no device, and hears no rooms."""
        self.assertRaises(ValueError, Scene, only_sends=True, rooms=True)
        self.use(Scene(only_sends=True))
        self.scene.come_in("! welcome ann\n! resumed 0 0 e1\n")
        self.scene.link.take()
        joining = start(self.chat.join("#a"))
        self.assertEqual(self.said(), "/join #a\n/ping\n")
        self.scene.hears("! joined #a 1 r1\n! pong\n")
        self.successResultOf(joining)
        self.assertEqual(self.chat.rooms, [])

    def test_over(self) -> None:
        """Orders raise when the session is over for good."""
        self.come_in()
        joining, log = start(self.chat.join("#a")), start(self.chat.log("#a"))
        self.scene.turn()
        self.scene.hears("! pong\n! kicked\n! bye 0\n")
        self.scene.turn()
        self.successResultOf(joining)
        self.failureResultOf(log, SessionOver)
        self.failureResultOf(start(self.chat.log("#a")), SessionOver)

    def test_transaction(self) -> None:
        """A line of a room is worked off in a transaction as any message is, with its own lines."""
        folder = TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        state = StateFile(Path(folder.name, "state"))
        self.addCleanup(state.close)
        self.use(Scene(state, rooms=True))
        self.come_in()
        self.scene.hears("! joined #ops 7 r1\nfrom bob #ops 7: hi\n")
        message = self.next()

        async def work(error: Exception | None) -> None:
            async with message.transaction() as work:
                work.post("#ops", "noted")
                if error is not None:
                    raise error

        self.failureResultOf(start(work(ZeroDivisionError())), ZeroDivisionError)
        self.assertEqual(self.said(), "")
        self.successResultOf(start(work(None)))
        self.assertEqual(self.said(), "/got #ops 7\n#ops: noted\n/sync\n")
        self.assertEqual(state.rooms, {"#ops": Reached("r1", 7)})
