"""The chat: what a program does with a conversation, on whichever event loop.

Strategy: one coroutine makes one connection after the other, as the conversation tells; what comes
is taken in at once, and messages wait in a queue. All that is to be said in a turn of the loop is
written together at its end, when the state is saved.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self, cast

from achat_twisted.client import reasons
from achat_twisted.client.asking import Asking
from achat_twisted.client.conversation import LEAVE_WITHIN, Conversation, Stage
from achat_twisted.client.driving import Cancellable, Driver, Future, Link, Signal
from achat_twisted.client.errors import (
    ChatError,
    Closed,
    NotLetIn,
    Refusal,
    Refused,
    StateError,
    Unreachable,
    afresh,
)
from achat_twisted.client.events import (
    Ended,
    Event,
    Listener,
    NoListener,
    Notice,
    Received,
    Settled,
    Welcome,
)
from achat_twisted.client.lines import check, check_command, render
from achat_twisted.client.messages import Message, Posted, Posting, Work
from achat_twisted.client.state import State, Transactional

_LOOK_AGAIN = 1.0
"""The seconds until the time is looked at again, while a transaction lasts."""


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
        self._driver = driver
        self._listener = listener or NoListener()
        self._link: Link | None = None
        self._unread: list[bytes] = []
        self._lost_because: str | None = None
        self._messages: deque[Message] = deque()
        self._postings: dict[int, Posting] = {}
        self._asking = Asking(driver)
        self._error: ChatError | None = None
        self._is_closing = self._is_working = self._is_flush_due = self._is_paused = False
        self._news = Signal(driver)
        self._progress = Signal(driver)
        self._saved = Signal(driver)
        self._saves = 0
        self._batches: deque[_Batch] = deque()
        self._work = driver.lock()
        self._timer: Cancellable | None = None
        self._looks_at = math.inf
        self._runner: Cancellable | None = None

    # Its life

    async def __aenter__(self) -> Self:
        self._runner = self._driver.start(self._run())
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
            settled, if the server is there. With a state in a file they are said by the next
            program otherwise.
        """
        try:
            if in_order and self._error is None:
                await self._leave()
        finally:
            self._is_closing = True
            self._fail(Closed("the chat is closed"))
            if self._runner is not None:
                self._runner.cancel()
            if self._link is not None:
                self._link.abort()
            self._state.close()

    async def _leave(self) -> None:
        timer = self._driver.later(LEAVE_WITHIN, self._go_on)
        until = self._driver.seconds() + LEAVE_WITHIN
        try:
            await self._until(
                self._progress,
                lambda: (
                    not (self.is_connected and self._conversation.unsettled)
                    or self._driver.seconds() >= until
                ),
            )
            self._is_closing = True
            self._conversation.quit(self._driver.seconds())
            self._flush()
            if self._conversation.stage is Stage.LEAVING:
                await self._until(self._progress, lambda: self._link is None)
        except ChatError:
            pass  # it has ended by itself
        finally:
            timer.cancel()

    async def _run(self) -> None:
        try:
            while not self._is_closing:
                ended = await self._hold()
                self._tell(ended)
                self._go_on()
                if ended.again is None:
                    raise reasons.error(ended)
                await self._sleep(ended.again)
        except ChatError as error:
            self._fail(error)
        except Exception as bug:
            self._fail(ChatError(f"a bug has ended the chat: {bug!r}"))
            raise

    async def _hold(self) -> Ended:
        """Hold one connection, from the attempt to make it to its loss."""
        self._lost_because = None
        self._unread.clear()
        try:
            await self._driver.connect(self)
        except NotLetIn as error:
            return Ended(str(error))
        except Unreachable as error:
            why = str(error)
        else:
            async with self._work:
                self._conversation.connected(self._driver.seconds())
            self._take_in()
            await self._until(self._progress, lambda: self._lost_because is not None)
            why = self._lost_because or ""
        async with self._work:
            self._take_in()
            self._link = None
            return self._conversation.lost(why, self._driver.seconds())

    async def _sleep(self, seconds: float) -> None:
        over = self._driver.future()
        timer = self._driver.later(seconds, over.fire)
        try:
            await over
        finally:
            timer.cancel()

    def _fail(self, error: ChatError) -> None:
        """Tell all that wait that there will be no more."""
        if self._error is None:
            self._error = error
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for posting in self._postings.values():
            posting.give_up(self._error)
        self._postings.clear()
        self._news.fire()
        self._go_on()
        self._saved.fire()
        for batch in self._batches:
            batch.posted.fire()
        self._asking.fail(self._error)

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
        await self._until(self._news, lambda: bool(self._messages))
        return self._messages.popleft()

    async def work_off(self, received: Received) -> None:
        """See L{Message.done}."""
        async with self._work:
            self._conversation.done(received.number, received.era)
            self._flush_soon()

    @asynccontextmanager
    async def transaction(self, received: Received) -> AsyncIterator[Work]:
        """See L{Message.transaction}."""
        if not hasattr(self._state, "database"):
            raise StateError("a transaction needs a state in a file: connect(…, state=PATH)")
        state = cast(Transactional, self._state)
        async with self._work:
            self._raise_error()
            state.begin()
            self._is_working = True
            try:
                yield _Work(state)
                if not state.database.in_transaction:
                    raise StateError("the work has committed by itself; leave that to the block")
                self._conversation.done(received.number, received.era)
                state.save()
            except BaseException:
                state.roll_back()
                raise
            finally:
                self._is_working = False
                self._take_in()
                self._go_on()

    # Lines

    async def post(self, to: str | Iterable[str], text: str) -> Posted:
        """Post a text, and wait until its fate is known.

        It waits for the server, if that is not there; while a thousand lines are unsettled; and
        while a transaction lasts. To be cancelled does not unsay a line that is posted already.

        @param to: a name, or several.
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
        batch = _Batch(checked, self._driver.future())
        self._raise_error()
        self._batches.append(batch)
        self._admit()
        try:
            while batch.lines:
                await batch.posted
                self._raise_error()
        finally:
            batch.lines.clear()
        if self._state.is_lasting:
            saves = self._saves
            await self._until(self._saved, lambda: self._saves > saves)
        return batch.postings

    def _admit(self) -> None:
        """Post those lines that wait for room, in order, while there is some."""
        while self._batches and not self._is_working:
            batch = self._batches[0]
            try:
                while batch.lines and self._conversation.has_room:
                    batch.postings.append(self._post(batch.lines[0]))
                    batch.lines.popleft()
            except StateError as error:
                self._stop(error)
                return
            if batch.lines:
                return
            self._batches.popleft().posted.fire()

    def _post(self, line: str) -> Posting:
        place = self._conversation.post(line)
        posting = self._postings[place] = Posting(place, line, Signal(self._driver))
        self._flush_soon()
        return posting

    async def sync(self) -> None:
        """Wait until the fate of all lines that are posted by now is known.

        @raise SessionOver: if the server lets us in no more.
        @raise Closed: if the chat was closed before.
        """
        last = self._state.last
        await self._until(self._progress, lambda: self._state.numbers.settled >= last)

    def refusals(self) -> list[Refusal]:
        """The refusals that nobody has waited for, each handed out once.

        They are about lines of a program before this one, with the same state, or about lines that
        were posted in a transaction.
        """
        refusals = self._state.refusals()
        for refusal in refusals:
            self._conversation.told(refusal.place)
        self._flush_soon()
        return refusals

    def unsettled(self) -> list[str]:
        """The lines whose fate is not known, in order; some may have been taken in."""
        return [*self._state.lines(self._state.numbers.settled, self._conversation.unsettled)]

    # Questions

    async def ready(self) -> None:
        """Wait until the server has let us in.

        @raise SessionOver: if it does not.
        """
        await self._until(self._progress, lambda: self.is_connected)

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
        names = await self._ask("who")
        return names.split(", ") if names else []

    async def ping(self) -> None:
        """Wait for an answer of the server's; it comes behind the messages sent before it.

        @raise SessionOver: if the server lets us in no more.
        """
        await self._ask("ping")

    async def _ask(self, word: str) -> str:
        self._raise_error()
        answer = self._asking.ask(word)
        self._conversation.ask(f"/{word}")
        self._flush_soon()
        return await answer.wait()

    def command(self, line: str) -> None:
        """Say a command such as C{/help}, now or never; its answers are the listener's.

        @raise UnusableLine: if it is none, or one that the library says itself.
        """
        self._conversation.ask(check_command(line))
        self._flush_soon()

    # What comes

    def made(self, link: Link) -> None:
        """Take the connection that the driver has made."""
        self._link = link
        self._is_paused = False

    def received(self, data: bytes) -> None:
        """Take in bytes; while a transaction lasts, keep them."""
        self._unread.append(data)
        if self._is_working and self._link is not None and not self._is_paused:
            self._is_paused = True
            self._link.pause_reading()
        self._take_in()

    def lost(self, why: str) -> None:
        """Note that the connection is gone."""
        self._lost_because = why
        self._go_on()

    def _take_in(self) -> None:
        """Take in what was kept, if the conversation may go on."""
        if self._is_working or self._conversation.stage is Stage.AWAY:
            return
        unread, self._unread = self._unread, []
        if unread:
            for event in self._conversation.receive(b"".join(unread), self._driver.seconds()):
                if isinstance(event, Received):
                    self._messages.append(Message(event, self))
                else:
                    self._tell(event)
            self._news.fire()
            self._go_on()
        if self._is_paused and self._link is not None:
            self._is_paused = False
            self._link.resume_reading()
        self._flush_soon()

    def _tell(self, event: Event) -> None:
        match event:
            case Settled():
                self._settle(event)
            case Welcome():
                for word in self._asking.open():
                    self._conversation.ask(f"/{word}")
            case Notice(word, detail) if self._asking.answer(word, detail):
                return
        self._listener.heard(event)

    def _settle(self, settled: Settled) -> None:
        for place in range(settled.first, settled.last + 1):
            posting = self._postings.pop(place, None)
            if posting is None:
                continue
            kept = settled.kept.get(place, ())
            refused = settled.refused.get(place)
            if refused is None:
                posting.settle(Posted(place, posting.line, kept))
            else:
                self._conversation.told(place)
                posting.settle(Refused(refused, kept))

    # What is said

    def _flush_soon(self) -> None:
        if not self._is_flush_due:
            self._is_flush_due = True
            self._driver.soon(self._flush)

    def _flush(self) -> None:
        """Save the state, and write what is to be said; while a transaction lasts, neither."""
        self._is_flush_due = False
        if self._is_working or self._error is not None:
            return
        try:
            data = self._conversation.data_to_send()
        except StateError as error:
            self._stop(error)
            return
        if self._link is not None:
            if data:
                self._link.write(data)
            if self._conversation.stage is Stage.OVER:
                self._link.close()
        self._watch()
        self._saves += 1
        self._saved.fire()

    def _stop(self, error: ChatError) -> None:
        """End at once, as it cannot go on."""
        self._is_closing = True
        self._fail(error)
        if self._link is not None:
            self._link.abort()

    def _watch(self) -> None:
        """Have a timer look at the time when something should have come."""
        deadline = self._conversation.deadline
        if deadline is None or self._looks_at <= deadline:
            return  # a timer that strikes too early sets the next one
        if self._timer is not None:
            self._timer.cancel()
        self._looks_at = deadline
        wait = max(0.0, deadline - self._driver.seconds())
        self._timer = self._driver.later(wait, self._look)

    def _look(self) -> None:
        self._timer, self._looks_at = None, math.inf
        if self._is_working:
            self._timer = self._driver.later(_LOOK_AGAIN, self._look)
        else:
            self._conversation.tick(self._driver.seconds())
            self._flush()

    # Waiting

    def _go_on(self) -> None:
        """Let those go on that have waited for what may be so now."""
        self._admit()
        self._progress.fire()

    async def _until(self, signal: Signal, holds: Callable[[], bool]) -> None:
        """Wait until something holds, which is looked at whenever the signal is given."""
        while not self._error_first(holds):
            await signal.wait()

    def _error_first(self, holds: Callable[[], bool]) -> bool:
        self._raise_error()
        return holds()

    def _raise_error(self) -> None:
        if self._error is not None:
            raise afresh(self._error)


class _Batch:
    """Lines that are to be posted in a row, and those that are."""

    def __init__(self, lines: Iterable[str], posted: Future) -> None:
        self.lines = deque(lines)
        self.postings: list[Posting] = []
        self.posted = posted


class _Work:
    """The work on a message, see L{Work}."""

    def __init__(self, state: Transactional) -> None:
        self._state = state
        self.db = state.database

    def post(self, to: str | Iterable[str], text: str) -> None:
        self._state.add(render(to, text))
