"""An agent's part in a chat: it posts, takes messages, and says which of them are done.

A message that was handed out stays open until it is said to be done. With a state in a file, an
answer and its message's being done are one transaction, so an answer is given once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from achat_twisted.client.chat import Chat
from achat_twisted.client.errors import ChatError, Refusal, Refused
from achat_twisted.client.lines import check
from achat_twisted.client.messages import Message
from achat_twisted.shell.working import time

PATIENCE = 30.0
"""The seconds for which a call waits for the server."""


@dataclass(frozen=True)
class Taken:
    """A message; C{time} is that of its acceptance (UTC), as in ISO 8601."""

    number: int
    sender: str
    time: str | None
    text: str


@dataclass(frozen=True)
class Posted:
    """The fate of lines.

    C{result} is C{taken}, C{refused}, or C{waiting}: they are said as soon as the server is there,
    and need not be posted again.
    """

    result: str
    kept: list[str]
    refused: list[str]
    refused_earlier: list[str]


@dataclass(frozen=True)
class Messages:
    """Messages, and the numbers of all that were handed out and are not done, these included."""

    messages: list[Taken]
    not_done: list[int]
    is_connected: bool


class UnknownNumber(ChatError):
    """A number under which no message is open."""


class Agent:
    """One agent's part in a chat."""

    def __init__(self, chat: Chat, *, is_lasting: bool) -> None:
        """@param is_lasting: true if the chat has its state in a file."""
        self._chat = chat
        self._is_lasting = is_lasting
        self._open: dict[int, Message] = {}

    async def post(self, to: str, text: str) -> Posted:
        """Post each line of a text.

        @param to: the recipients, as a line begins.
        @raise ChatError: if a line can be none, or the chat is over.
        """
        kept, refused = dict[str, None](), list[str]()
        postings = await self._chat.submit(_lines(to, text))
        try:
            async with asyncio.timeout(PATIENCE):
                for posting in postings:
                    try:
                        kept |= dict.fromkeys((await posting).kept)
                    except Refused as error:
                        kept |= dict.fromkeys(error.kept)
                        refused += map(_describe, error.refusals)
        except TimeoutError:
            return self._posted("waiting", kept, refused)
        return self._posted("refused" if refused else "taken", kept, refused)

    async def answer(self, number: int, text: str) -> Posted:
        """Post each line of a text to the sender of a message, which is done with that.

        @raise ChatError: see L{post}; if no message is open under that number.
        """
        message = self._find(number)
        if not self._is_lasting:
            posted = await self.post(message.sender, text)
            if posted.result != "refused":
                await self.done([number])
            return posted
        lines = _lines(message.sender, text)
        async with message.transaction() as work:
            for line in lines:
                recipient, _, rest = line.partition(": ")
                work.post(recipient, rest)
        del self._open[number]
        try:
            async with asyncio.timeout(PATIENCE):
                await self._chat.sync()
        except TimeoutError:
            return self._posted("waiting", (), [])
        refused = [*map(_describe, self._chat.refusals())]
        return self._posted("refused" if refused else "taken", (), refused)

    def _posted(self, result: str, kept: Iterable[str], refused: list[str]) -> Posted:
        earlier = [*map(_describe, self._chat.refusals())]
        return Posted(result=result, kept=[*kept], refused=refused, refused_earlier=earlier)

    async def take(self, seconds: float, most: int, *, again: bool) -> Messages:
        """Messages that have come, as soon as there is one.

        @param seconds: how long to wait for the first one.
        @param most: the most messages to hand out.
        @param again: true for those that were handed out before and are not done, ahead of others.
        @raise ChatError: if the chat is over.
        """
        taken = [*self._open.values()][:most] if again else []
        try:
            async with asyncio.timeout(0 if taken else seconds) as waiting:
                while len(taken) < most:
                    message = await self._chat.next()
                    self._open[message.number] = message
                    taken.append(message)
                    waiting.reschedule(asyncio.get_running_loop().time())
        except TimeoutError:
            pass  # there are no more by now
        except ChatError:
            if not taken:
                raise
        return Messages(
            messages=[*map(_show, taken)],
            not_done=sorted(self._open),
            is_connected=self._chat.is_connected,
        )

    async def done(self, numbers: Iterable[int]) -> None:
        """Say that messages are done: they will not come again.

        @raise UnknownNumber: if one of them is not open; the others are done.
        """
        unknown: list[int] = []
        for number in numbers:
            message = self._open.pop(number, None)
            if message is None:
                unknown.append(number)
            else:
                await message.done()
        if unknown:
            raise UnknownNumber(_unknown(unknown))

    async def who(self) -> list[str]:
        """The names that are here.

        @raise ChatError: if the chat is over, or the server is not there.
        """
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._chat.who()
        except TimeoutError:
            raise ChatError("the server is not there just now; it is tried again") from None

    def _find(self, number: int) -> Message:
        try:
            return self._open[number]
        except KeyError:
            raise UnknownNumber(_unknown([number])) from None


def _lines(to: str, text: str) -> list[str]:
    return [check(f"{to}: {line}") for line in text.removesuffix("\n").split("\n")]


def _describe(refusal: Refusal) -> str:
    return f"{refusal.line}: {refusal.why}"


def _show(message: Message) -> Taken:
    return Taken(message.number, message.sender, time(message), message.text)


def _unknown(numbers: Iterable[int]) -> str:
    return f"no message is open under {', '.join(map(str, numbers))}"
