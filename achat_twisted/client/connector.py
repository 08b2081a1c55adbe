"""The connector: one connection after the other, for as long as the conversation says so.

Strategy: what comes is taken in at once, but for the time of a transaction, in which the state is
not ours: then it is kept. All that is to be said in a turn of the loop is written together at its
end, when the state is saved.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Protocol

from achat_twisted.client import reasons
from achat_twisted.client.conversation import LEAVE_WITHIN, Conversation, Stage
from achat_twisted.client.driving import Cancellable, Driver, Link, Signal
from achat_twisted.client.errors import ChatError, NotLetIn, StateError, Unreachable, afresh
from achat_twisted.client.events import Ended, Event, Received

_LOOK_AGAIN = 1.0
"""The seconds until the time is looked at again, while a transaction lasts."""

_HOLDER: ContextVar[object] = ContextVar("the transaction that this code is in", default=None)


class Hearer(Protocol):
    """The chat, as its connector sees it."""

    def hear(self, events: list[Event | Received]) -> None:
        """Take note of what has happened, in this order."""

    def go_on(self) -> None:
        """Do what may be possible now."""

    def over(self, error: ChatError) -> None:
        """Tell all that wait that there will be no more."""


class Connector:
    """Holds a conversation over real connections; see L{driving.Receiver} for what it is told.

    @ivar error: the reason for which there will be no more; None while there is none.
    @ivar progress: given whenever something may have changed for those who wait.
    """

    def __init__(self, conversation: Conversation, driver: Driver, hearer: Hearer) -> None:
        self.error: ChatError | None = None
        self.progress = Signal(driver)
        self._conversation = conversation
        self._driver = driver
        self._hearer = hearer
        self._link: Link | None = None
        self._unread: list[bytes] = []
        self._lost_because: str | None = None
        self._is_closing = self._is_held = self._is_paused = False
        self._lock = driver.lock()
        self._holder: object | None = None
        self._is_flush_due = False
        self._flushes = 0
        self._flushed = Signal(driver)
        self._timer: Cancellable | None = None
        self._looks_at = math.inf
        self._runner: Cancellable | None = None

    # Its life

    def start(self) -> None:
        """Look for the server from now on."""
        self._runner = self._driver.start(self._run())

    async def leave(self) -> None:
        """End the session in order, if there is one, when all lines are settled.

        It takes twice L{LEAVE_WITHIN} at most.

        @raise ChatError: if it ends by itself meanwhile.
        """
        until = self._driver.seconds() + LEAVE_WITHIN
        timer = self._driver.later(LEAVE_WITHIN, self.progress.fire)
        try:
            await self.until(lambda: self._is_silent() or self._driver.seconds() >= until)
        finally:
            timer.cancel()
        self._is_closing = True
        self._conversation.quit(self._driver.seconds())
        self._flush()
        if self._conversation.stage is Stage.LEAVING:
            await self.until(lambda: self._link is None)

    def _is_silent(self) -> bool:
        return self._conversation.stage is not Stage.HERE or not self._conversation.unsettled

    def end(self, error: ChatError) -> None:
        """End at once, for this reason, unless there is one already."""
        self._is_closing = True
        self._fail(error)
        if self._runner is not None:
            self._runner.cancel()
        if self._link is not None:
            self._link.abort()

    async def _run(self) -> None:
        try:
            while not self._is_closing:
                ended = await self._connect()
                if not (self._is_closing or ended.is_probe):
                    self._hearer.hear([ended])
                self._go_on()
                if ended.again is None:
                    raise reasons.error(ended)
                await self._sleep(ended.again)
        except ChatError as error:
            self._fail(error)
        except Exception as bug:
            self._fail(ChatError(f"a bug has ended the chat: {bug!r}"))
            raise

    async def _connect(self) -> Ended:
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
            async with self._lock:
                self._conversation.connected(self._driver.seconds())
            self._take_in()
            await self.until(lambda: self._lost_because is not None)
            why = self._lost_because or ""
        async with self._lock:
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
        self.error = self.error or error
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._hearer.over(self.error)
        self.progress.fire()
        self._flushed.fire()

    # Waiting

    async def until(self, holds: Callable[[], bool], signal: Signal | None = None) -> None:
        """Wait until something holds, which is looked at whenever a signal is given.

        @raise ChatError: if there will be no more; or inside a transaction, see L{check_outside}.
        """
        self.check()
        while not holds():
            self.check_outside()
            await (signal or self.progress).wait()
            self.check()

    def check(self) -> None:
        """@raise ChatError: if there will be no more."""
        if self.error is not None:
            raise afresh(self.error)

    def _go_on(self) -> None:
        self._hearer.go_on()
        self.progress.fire()

    # Holding

    @property
    def is_held(self) -> bool:
        """True while a transaction lasts."""
        return self._is_held

    @asynccontextmanager
    async def holding(self) -> AsyncIterator[None]:
        """Have the state for oneself: nothing is taken in and nothing is said meanwhile."""
        self.check_outside()
        async with self._lock:
            self._is_held = True
            self._holder = holder = object()
            _HOLDER.set(holder)
            try:
                yield
            finally:
                self._is_held, self._holder = False, None
                self._take_in()
                self._go_on()

    async def free(self) -> None:
        """Wait until no transaction lasts.

        @raise StateError: see L{check_outside}.
        """
        self.check_outside()
        async with self._lock:
            pass

    def check_outside(self) -> None:
        """@raise StateError: inside a transaction, which would wait for its own end."""
        if self._holder is not None and _HOLDER.get() is self._holder:
            raise StateError(
                "a transaction would wait for its own end: the message it is about is done with it,"
                " lines are posted with work.post(), and all else is done outside"
            )

    # What comes

    def made(self, link: Link) -> None:
        self._link = link
        self._is_paused = False

    def received(self, data: bytes) -> None:
        self._unread.append(data)
        if self._is_held and self._link is not None and not self._is_paused:
            self._is_paused = True
            self._link.pause_reading()
        self._take_in()

    def lost(self, why: str) -> None:
        self._lost_because = why
        self.progress.fire()

    def _take_in(self) -> None:
        """Take in what was kept, if the conversation may go on."""
        if self._is_held or self._conversation.stage is Stage.AWAY:
            return
        unread, self._unread = self._unread, []
        if unread and self.error is None:
            events = self._conversation.receive(b"".join(unread), self._driver.seconds())
            self._hearer.hear(events)
            self._go_on()
        if self._is_paused and self._link is not None:
            self._is_paused = False
            self._link.resume_reading()
        self.flush_soon()

    # What is said

    def flush_soon(self) -> None:
        """Save the state at the end of this turn, and write what is to be said."""
        if not self._is_flush_due:
            self._is_flush_due = True
            self._driver.soon(self._flush)

    async def flushed(self) -> None:
        """Wait until the state is saved, as it is now.

        @raise ChatError: if it cannot be.
        """
        flushes = self._flushes
        await self.until(lambda: self._flushes > flushes, self._flushed)

    def _flush(self) -> None:
        self._is_flush_due = False
        if self._is_held or self.error is not None:
            return  # a transaction begins and ends with the state saved
        try:
            data = self._conversation.data_to_send()
        except StateError as error:
            self.end(error)
            return
        if self._link is not None:
            if data:
                self._link.write(data)
            if self._conversation.stage is Stage.OVER:
                self._link.abort()  # to close it in order might wait for a server that is gone
        self._watch()
        self._flushes += 1
        self._flushed.fire()

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
        if self._is_held:
            self._timer = self._driver.later(_LOOK_AGAIN, self._look)
        else:
            self._conversation.tick(self._driver.seconds())
            self._flush()
