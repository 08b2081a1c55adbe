"""The taking of messages, each of which is got when it is worked off.

Strategy: one message at a time, in order. One that is not worked off is not got, and so comes again
to the next run, unless the user has said when to give it up. However it ends, the session is ended
in order, so that the server knows of all that was worked off by then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from achat_twisted.client.chat import Chat
from achat_twisted.client.errors import (
    Refused,
    RoomError,
    SessionOver,
    StateError,
    UnusableLine,
)
from achat_twisted.client.events import Event, Joined, Welcome
from achat_twisted.client.messages import Message
from achat_twisted.shell import exits
from achat_twisted.shell.course import Ending, Interrupted, first
from achat_twisted.shell.files import Unwritable
from achat_twisted.shell.letters import DeadLetters
from achat_twisted.shell.status import Status
from achat_twisted.shell.trying import Trying
from achat_twisted.shell.working import Unrunnable, Worker, plain

_LONGEST_PAUSE = 60.0
"""The longest pause between two tries, in seconds; the first one is a second, and they double."""

_LOOK = 0.1
"""The seconds between two looks at whether more is there by now."""

_QUIET, _VERY_QUIET = 2, 50
"""The looks in vain after which nothing more is there: of mail that the server has counted, it may
take a while to come from a disk."""


class Failed(Exception):
    """A message that is not worked off, and for which the work ends.

    @ivar code: the exit code.
    """

    def __init__(self, why: str, code: int) -> None:
        super().__init__(why)
        self.code = code


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bounds of the work.

    @ivar most: the number of messages; None for all.
    @ivar timeout: the seconds to wait for the next one; None for ever.
    @ivar is_once: true to leave when nothing more is there by now.
    """

    most: int | None = None
    timeout: float | None = None
    is_once: bool = False


@dataclass(frozen=True, slots=True)
class Patience:
    """When a message is given up that cannot be worked off.

    @ivar tries: the tries after which the next one's turn has come; None to end instead.
    @ivar letters: they go to those who get what is given up; None if it is only told of.
    """

    tries: int | None = None
    letters: DeadLetters | None = None


class Taking:
    """Takes messages, and listens to connections."""

    def __init__(
        self,
        worker: Worker,
        status: Status,
        trying: Trying | None,
        bounds: Bounds,
        patience: Patience,
        rooms: Sequence[str] = (),
    ) -> None:
        """@param trying: what is to be told of connections; None for nothing.
        @param rooms: those to be joined first.
        """
        self._rooms = rooms
        self._next: dict[str, int] = {}  # the numbers of the lines that come next, by room
        self._last: dict[str, int] = {}  # and of those that are there by now, and have not come
        self._worker = worker
        self._status = status
        self._trying = trying
        self._bounds = bounds
        self._patience = patience
        self._taken = self._taken_here = 0
        self._was_in = False

    def heard(self, event: Event) -> None:
        if isinstance(event, Welcome):
            self._was_in, self._taken_here = True, 0
        if isinstance(event, Joined):
            self._next[event.room] = event.number
        if self._trying is not None:
            for sentence in self._trying.sentences(event):
                self._status.tell(sentence)

    async def run(self, chat: Chat, ending: Ending) -> int:
        """Take messages, for as long as the bounds allow.

        @return: the exit code, see L{exits}; or that of a command which has failed.
        """
        try:
            async with chat:
                return await self._run(chat, ending)
        except StateError as error:
            self._status.tell(str(error))
            return exits.UNREACHED

    async def _run(self, chat: Chat, ending: Ending) -> int:
        try:
            await first(self._take_all(chat), ending.wait())
        except Interrupted as interruption:
            return interruption.code
        except SessionOver as error:
            code, why = exits.code(error), str(error)
        except RoomError as error:
            code, why = exits.NOT_LET_IN, str(error)
        except TimeoutError:
            return self._timed_out()
        except Unwritable as error:
            code, why = exits.REFUSED, f"{error}; what it did not take comes again"
        except (Failed, Unrunnable) as error:
            code, why = error.code, f"{error}; the message comes again"
        else:
            return 0
        self._status.tell(why)
        return code

    def _timed_out(self) -> int:
        if not self._was_in:
            self._status.tell("the server was not reached in time")
            return exits.UNREACHED
        is_enough = self._taken and self._bounds.most is None
        return 0 if is_enough else exits.NONE_CAME

    async def _take_all(self, chat: Chat) -> None:
        async with asyncio.timeout(self._bounds.timeout):
            for room in self._rooms:
                await self._join(chat, room)
        while self._bounds.most is None or self._taken < self._bounds.most:
            async with asyncio.timeout(self._bounds.timeout):
                message = await (self._present(chat) if self._bounds.is_once else chat.next())
            if message is None:
                return
            if message.number >= self._last.get(message.room, message.number):
                self._last.pop(message.room, None)
            if message.room and message.is_own:
                await message.done()
                continue
            await self._work_off(chat, message)
            self._taken += 1
            self._taken_here += 1

    async def _join(self, chat: Chat, room: str) -> None:
        await chat.join(room)
        if self._bounds.is_once:
            log = await chat.log(room, 1)
            if log and log[-1].number >= self._next.get(room, 0):
                self._last[room] = log[-1].number

    async def _present(self, chat: Chat) -> Message | None:
        """The next message, if it is there by now."""
        await chat.ready()
        looks = 0
        while looks < (_VERY_QUIET if self._taken_here < chat.mail or self._last else _QUIET):
            await chat.ping()
            try:
                async with asyncio.timeout(_LOOK):
                    return await chat.next()
            except TimeoutError:
                looks += 1
        return None

    # One message

    async def _work_off(self, chat: Chat, message: Message) -> None:
        tries, pause = 1, 1.0
        while code := await self._work(message):
            why = f"the command has ended with {code} for message {message.number}"
            if self._patience.tries is None:
                raise Failed(why, code)
            if tries == self._patience.tries:
                await self._give_up(chat, message, why, code)
                return
            tries += 1
            self._status.tell(f"{why}; trying again in {pause:g} s")
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        await message.done()

    async def _work(self, message: Message) -> int:
        """Let the worker work; if we are to end, wait until it has, as it may have done all."""
        working = asyncio.create_task(self._worker.work(message))
        try:
            return await asyncio.shield(working)
        except asyncio.CancelledError:
            self._worker.stop()
            if await working == 0:
                await message.done()
            raise

    async def _give_up(self, chat: Chat, message: Message, why: str, code: int) -> None:
        whole, letters = plain(message), self._patience.letters
        if letters is None:
            self._status.tell(f"{why}; it is given up", whole)
            await message.done()
            return
        try:
            letter = await letters.send(chat, message)
        except (Refused, UnusableLine) as error:
            raise Failed(f"{why}, and {error}", code) from None
        more = "" if letter == whole else ", without its end, for which a line has no room"
        self._status.tell(f"{why}; it goes to {letters.recipients}{more}", whole)
