"""The chat: what a program does with a conversation, on whichever event loop."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from functools import partial
from types import TracebackType
from typing import Self, cast

from achat_twisted.client.asking import Answer, Asking, Order
from achat_twisted.client.connector import Connector
from achat_twisted.client.conversation import Conversation, Stage
from achat_twisted.client.driving import Driver, Signal
from achat_twisted.client.errors import ChatError, Closed, Refusal, RoomError, StateError
from achat_twisted.client.events import (
    Event,
    Listener,
    NoListener,
    Notice,
    Received,
    Settled,
    Welcome,
)
from achat_twisted.client.lines import check, check_command, check_room, render
from achat_twisted.client.messages import Logged, Members, Message, Posted, Posting, Work
from achat_twisted.client.postings import Postings
from achat_twisted.client.state import State, Transactional

_CLOSED = "the chat is closed"


class Chat:
    """One name's chat with one server, which lasts through any number of connections::

        async with connect("bot@localhost", state="bot.state") as chat:
            async for message in chat:
                await chat.post(message.sender, f"you said {message.text}")
                await message.done()

    Entering does not wait for the server: it is looked for as long as the chat lasts, and each
    line and message waits for it. Leaving an undisturbed block waits some seconds for lines that
    are unsettled, and ends the session in order; an exception breaks it off.

    Messages come in order. The server sends about a mebibyte (its C{--outbox-limit}) that is not
    done, and keeps the rest: that is what bounds the memory taken here.
    """

    def __init__(
        self,
        conversation: Conversation,
        state: State,
        driver: Driver,
        listener: Listener | None = None,
    ) -> None:
        self._conversation = conversation
        self._state = state
        self._listener = listener or NoListener()
        self._connector = Connector(conversation, driver, self)
        self._postings = Postings(conversation, driver)
        self._asking = Asking(driver)
        self._messages: deque[Message] = deque()
        self._news = Signal(driver)
        self._is_closed = False
        self._has_commanded = False  # so that a refusal may be that of a command of the user's
        self._driver = driver

    # Its life

    async def __aenter__(self) -> Self:
        self._connector.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close(in_order=kind is None)

    async def close(self, *, in_order: bool = True) -> None:
        """End the chat; those that wait for something hear that it is closed.

        @param in_order: true to wait, for five seconds at most, until all lines that are posted are
            settled, if the server is there, and as long again for the end of the session. With a
            state in a file lines that are not settled are said by the next program.
        @raise StateError: if the state cannot be saved.
        """
        if self._is_closed:
            return
        try:
            if in_order:
                with suppress(ChatError):  # which has been told to those who wait
                    await self._connector.leave()
        finally:
            self._is_closed = True
            self._connector.end(Closed(_CLOSED))
            try:
                self._state.close()
            except StateError:
                if not isinstance(self._connector.error, StateError):
                    raise

    # Messages

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Message:
        try:
            return await self.next()
        except Closed:
            raise StopAsyncIteration from None

    async def next(self) -> Message:
        """The next message, when it comes. To be cancelled while waiting loses none.

        @raise SessionOver: if none will come; its subclasses say whether the server was not reached
            (L{Unreachable}) or does not let us in (L{NotLetIn}).
        @raise Closed: if the chat is closed.
        """
        await self._connector.until(lambda: bool(self._messages), self._news)
        return self._messages.popleft()

    async def work_off(self, received: Received) -> None:
        """See L{Message.done}."""
        await self._connector.free()
        self._check_open()
        self._conversation.done(received.number, received.era, received.room)
        self._connector.flush_soon()

    def transaction(self) -> AbstractAsyncContextManager[Work]:
        """A transaction of the state's own, as L{Message.transaction}, but for no message::

            async with chat.transaction() as work:
                work.db.execute("UPDATE job SET told = 1 WHERE number = ?", [number])
                work.post("ann", f"job {number} is done")

        So a program can post what stands in a table of its own, exactly once.

        @raise StateError: if the chat has no state in a file.
        """
        return self.work_together(None)

    @asynccontextmanager
    async def work_together(self, received: Received | None) -> AsyncIterator[Work]:
        """See L{Message.transaction}, and L{transaction}."""
        if not hasattr(self._state, "database"):
            raise StateError("a transaction needs a state in a file: connect(…, state=PATH)")
        state = cast(Transactional, self._state)
        async with self._connector.holding():
            self._check_open()
            state.begin()
            try:
                yield _Work(state)
                if not state.database.in_transaction:
                    raise StateError("the work has committed by itself; leave that to the block")
                if received is not None:
                    self._conversation.done(received.number, received.era, received.room)
                state.save()
            except BaseException:
                state.roll_back()
                raise

    def _check_open(self) -> None:
        """@raise Closed: if the chat is closed; if it is only over, work may still be noted."""
        if self._is_closed:
            raise Closed(_CLOSED)

    # Lines

    async def post(self, to: str | Iterable[str], text: str) -> Posted:
        """Post a text, and wait until its fate is known.

        It waits for the server, if that is not there; while a thousand lines are unsettled; and
        while a transaction lasts. To be cancelled does not unsay a line that is posted already.

        @param to: a name or a room such as C{#ops}, or several.
        @param text: without a line end or other control characters; white space around it is
            dropped. With names it may have the bytes that the server allows, 8192 by default.
        @raise UnusableLine: if it can be no line, or a name is none; nothing is posted then.
        @raise Refused: if the server has refused it, for all or for some.
        @raise SessionOver: if the server lets us in no more, or was not reached in time.
        @raise Closed: if the chat was closed before.
        """
        return await self.say(render(to, text))

    async def say(self, line: str) -> Posted:
        """Post a line as it is, C{NAME, NAME…: text}; see L{post} for all else."""
        (posting,) = await self.submit([line])
        return await posting

    async def submit(self, lines: Iterable[str]) -> list[Posting]:
        """Post lines as they are, and wait only until they are in the state.

        With a state in a file they are said after a crash, too. For each there is a L{Posting},
        which one may wait for, or not.

        @raise UnusableLine: if one can be no line; none is posted then.
        @raise SessionOver: if the server lets us in no more; some may be posted then.
        """
        checked = [check(line) for line in lines]
        self._connector.check()
        self._connector.check_outside()
        batch = self._postings.add(checked)
        self.go_on()
        try:
            while batch.waiting:
                await batch.changed
                self._connector.check()
        finally:
            batch.waiting.clear()
        if self._state.is_lasting:
            await self._connector.flushed()
        return batch.postings

    async def sync(self) -> None:
        """Wait until the fate of all lines that are posted by now is known.

        @raise SessionOver: if the server lets us in no more.
        @raise Closed: if the chat was closed before.
        """
        last = self._state.last
        await self._connector.until(lambda: self._state.numbers.settled >= last)

    def refusals(self) -> list[Refusal]:
        """The refusals that nobody has waited for, each handed out once.

        They are about lines of a program before this one, with the same state, or about lines that
        were posted in a transaction.
        """
        refusals = self._state.refusals()
        for refusal in refusals:
            self._conversation.told(refusal.place)
        self._connector.flush_soon()
        return refusals

    def unsettled(self) -> list[str]:
        """The lines whose fate is not known, in order; some may have been taken in."""
        return [*self._state.lines(self._state.numbers.settled, self._conversation.unsettled)]

    # Questions

    async def ready(self) -> None:
        """Wait until the server has let us in.

        @raise SessionOver: if it does not.
        """
        await self._connector.until(lambda: self.is_connected)

    @property
    def is_connected(self) -> bool:
        """True if the server has let us in, and is there as far as is known."""
        return self._conversation.stage is Stage.HERE

    @property
    def mail(self) -> int:
        """The number of messages that had been kept, as the server said when it let us in."""
        return self._conversation.mail

    async def who(self) -> list[str]:
        """The names that are here, in the server's order.

        @raise SessionOver: if the server lets us in no more.
        """
        return _names(await self._ask("/who", self._asking.who))

    async def ping(self) -> None:
        """Wait for an answer of the server's; it comes behind the messages sent before it.

        @raise SessionOver: if the server lets us in no more.
        """
        await self._ask("/ping", self._asking.ping)

    async def _ask(self, command: str, question: Callable[[], Answer]) -> str:
        self._connector.check()
        self._connector.check_outside()
        answer = question()
        self._conversation.ask(command)
        self._connector.flush_soon()
        return await answer.wait()

    def command(self, line: str) -> None:
        """Say a command such as C{/help}, now or never; its answers are the listener's.

        @raise UnusableLine: if it is none, or one that the library says itself.
        """
        self._conversation.ask(check_command(line))
        self._has_commanded = True
        if line.split() == ["/ping"] and self.is_connected:
            self._asking.pass_on()
        self._connector.flush_soon()

    # Rooms

    @property
    def rooms(self) -> list[str]:
        """The rooms that are heard, in the order of their names, as far as the server has said."""
        return self._conversation.rooms

    async def join(self, room: str) -> None:
        """Have the name be in a room from now on, until it leaves; to join again changes nothing.

        What is said there comes as messages do. It lasts longer than the chat; the next one, with
        C{rooms=True}, hears what was said in between.

        @raise RoomError: if the server does not let the name in; or if this chat gets messages and
            was not told to hear rooms, which C{connect(…, rooms=True)} does.
        @raise UnusableLine: if it is no room's name.
        @raise SessionOver: if the server lets us in no more.
        """
        if not self._conversation.may_join:
            raise RoomError("a chat that joins rooms needs connect(…, rooms=True)")
        await self._have_done("/join", room)

    async def part(self, room: str) -> None:
        """Have the name be in a room no more; lines that are not worked off never come again.

        @raise RoomError: if the name is not in it.
        @raise UnusableLine: if it is no room's name.
        @raise SessionOver: if the server lets us in no more.
        """
        await self._have_done("/part", room, fails_when_done=True)

    async def members(self, room: str) -> Members:
        """The names that are in a room, here or away.

        @raise RoomError: if our own is not.
        @raise UnusableLine: if it is no room's name.
        @raise SessionOver: if the server lets us in no more.
        """
        here: list[str] = []
        away: list[str] = []
        for detail in await self._have_done("/who", room, answers="who"):
            where, _, names = detail.partition(":")
            (away if where.endswith(" away") else here).extend(_names(names.strip()))
        return Members(here, away)

    async def log(self, room: str, lines: int = 20, before: int | None = None) -> list[Logged]:
        """The last lines of a room, oldest first, whether they have come as messages or not.

        @param lines: the most lines, from 1 to 500; the server shows 64 KiB of them at most.
        @param before: the number of a line; those before it are shown. So
            C{before=log[0].number} goes back further, until there is nothing.
        @raise RoomError: if the name is not in the room, or its log cannot be read just now.
        @raise UnusableLine: if it is no room's name.
        @raise SessionOver: if the server lets us in no more.
        """
        limits = f" {lines}" if before is None else f" {lines} before {before}"
        heard = await self._have_done("/log", room, limits, answers="log", end="log-ends")
        return [_logged(detail) for detail in heard]

    async def _have_done(
        self,
        word: str,
        room: str,
        limits: str = "",
        *,
        answers: str = "",
        end: str = "",
        fails_when_done: bool = False,
    ) -> list[str]:
        """Say a command about a room, and wait for its answers."""
        command = f"{word} {check_room(room)}{limits}"
        while self._has_commanded:
            self._has_commanded = False
            await self.ping()
        while end and (log := self._asking.open_log) is not None:
            await log.over()
        self._connector.check()
        self._connector.check_outside()
        order = Order(self._driver, command, answers, end, fails_when_done=fails_when_done)
        self._asking.order(order)
        if self.is_connected:
            self._say(order)
        self._connector.flush_soon()
        await order.wait()
        return order.heard

    def _say(self, order: Order) -> None:
        order.said()
        self._conversation.ask(order.command)
        self._conversation.ask("/ping")

    # What happens

    def hear(self, events: list[Event | Received]) -> None:
        """See L{Hearer.hear}."""
        for event in events:
            if isinstance(event, Received):
                self._messages.append(Message(event, self))
            else:
                self._tell(event)
        self._news.fire()

    def _tell(self, event: Event) -> None:
        match event:
            case Settled():
                told = self._postings.settle(event)
                if told:  # those who wait hear of it before it is forgotten
                    self._driver.soon(partial(self._forget, told))
            case Welcome():
                for command in self._asking.open():
                    self._conversation.ask(command)
            case Notice(word, detail) if self._asking.answer(word, detail):
                return
        self._listener.heard(event)

    def _forget(self, places: list[int]) -> None:
        """Forget refusals that were told; after a crash they are told again otherwise."""
        if not self._is_closed:
            for place in places:
                self._conversation.told(place)
            self._connector.flush_soon()

    def go_on(self) -> None:
        """See L{Hearer.go_on}: post the lines for which there is room."""
        if self._connector.is_held or self._connector.error is not None:
            return
        try:
            if self._postings.post():
                self._connector.flush_soon()
        except StateError as error:
            self._connector.end(error)

    def over(self, error: ChatError) -> None:
        """See L{Hearer.over}."""
        self._postings.give_up(error)
        self._asking.fail(error)
        self._news.fire()


def _names(listed: str) -> list[str]:
    return listed.split(", ") if listed else []


def _logged(detail: str) -> Logged:
    """A line of a log, as C{#ROOM N STAMP NAME: text}."""
    _, number, stamp, line = detail.split(" ", 3)
    sender, _, text = line.partition(":")
    return Logged(int(number), stamp, sender, text.removeprefix(" "))


class _Work:
    """The work on a message, see L{Work}."""

    def __init__(self, state: Transactional) -> None:
        self._state = state
        self.db = state.database

    def post(self, to: str | Iterable[str], text: str) -> None:
        self._state.add(render(to, text))
