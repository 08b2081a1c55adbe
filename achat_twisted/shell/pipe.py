"""The chat in pipes: standard input is said, messages go to standard output, all else to error.

Strategy: a message is got when standard output has taken it, and the next one is taken then; so
what could not be shown comes again, to the next program of that name. A line that was read stays
here until it is taken in or refused; so what was not can be shown at the end, whatever that is.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter, deque
from collections.abc import Sequence
from contextlib import suppress

from achat_twisted.client.chat import Chat
from achat_twisted.client.errors import SessionOver, UnusableLine
from achat_twisted.client.events import Ended, Event, Notice, Settled, Welcome
from achat_twisted.client.lines import check
from achat_twisted.shell import exits
from achat_twisted.shell.course import Ending, Interrupted, first
from achat_twisted.shell.escapes import harmless
from achat_twisted.shell.files import Output, Unwritable
from achat_twisted.shell.reading import LineReader, check_length
from achat_twisted.shell.trying import Trying, count

_SHOWN = 1000
"""The characters that are shown of a line which no server would take for its length."""

_FAULTS = {"bad-line", "too-long"}
"""The notices about a command that the server does not take; their lines have the number 0."""

_PAUSE = 0.1
"""The seconds between two looks at whether messages still come: for a page of mail from a disk."""


class Pipe:
    """A chat between the standard files and a server; it listens to the events of the chat."""

    def __init__(self, source: LineReader, output: Output, errors: Output, trying: Trying) -> None:
        self._source = source
        self._output = output
        self._errors = errors
        self._trying = trying
        self._read: deque[str] = deque()  # lines whose turn has not come
        self._lines: deque[str] = deque()  # that are posted, and neither taken in nor refused
        self._away = asyncio.Event()  # from a server that had let us in
        self._came = 0
        self._was_in = self._has_failed = False

    # What happens

    def heard(self, event: Event) -> None:
        for sentence in self._trying.sentences(event):
            self._say(sentence)
        match event:
            case Welcome():
                self._was_in = True
                self._away.clear()
            case Ended(again=float()) if self._was_in:
                self._away.set()
            case Settled():
                self._settle(event)
            case Notice(word, detail):
                if word in _FAULTS:
                    self._has_failed = True
                    detail = detail.removeprefix("0 ")
                self._errors.put(harmless(f"! {word} {detail}".rstrip()) + "\n")
            case _:
                pass

    def _settle(self, settled: Settled) -> None:
        """Tell what has become of lines, in order."""
        kept: Counter[str] = Counter()
        for place in range(settled.first, settled.last + 1):
            line = self._lines.popleft()
            kept.update(settled.kept.get(place, ()))
            if refusals := settled.refused.get(place):
                self._refuse(line, "; ".join(refusal.why for refusal in refusals))
        for name, copies in kept.items():
            self._errors.put(harmless(f"! kept {name} {copies}") + "\n")

    # Its course

    async def run(self, chat: Chat, ending: Ending) -> int:
        """Chat until the end of the input, or until there is no point in going on.

        @return: the exit code, see L{exits}.
        """
        try:
            async with chat:
                await first(
                    self._show_all(chat), self._say_all(chat), self._desertion(), ending.wait()
                )
        except Unwritable as error:
            return self._give_up(f"{error}; what it did not take comes again", exits.REFUSED)
        except SessionOver as error:
            return self._give_up(str(error), exits.code(error))
        except Interrupted as interruption:
            return self._give_up("interrupted", interruption.code, is_told=False)
        return exits.REFUSED if self._has_failed else 0

    async def _show_all(self, chat: Chat) -> None:
        async for message in chat:
            self._output.put(harmless(f"from {message.sender}: {message.text}") + "\n")
            await self._output.drain()
            await message.done()
            self._came += 1

    async def _desertion(self) -> None:
        await self._output.gone
        raise Unwritable(self._output.fault)

    async def _say_all(self, chat: Chat) -> None:
        """Say what is read, to its end, and wait until all is settled and shown."""
        try:
            async for lines in self._source.batches():
                self._read.extend(lines)
                if not await self._say_some(chat):
                    break
        except OSError as error:
            self._has_failed = True
            self._say(f"standard input cannot be read: {os.strerror(error.errno or 0)}")
            self._read.extend(self._source.rest())
            await self._say_some(chat)
        await self._leave(chat)

    async def _say_some(self, chat: Chat) -> bool:
        """Say the lines that were read.

        @return: false if one of them was C{/quit}, behind which nothing is said.
        """
        while self._read:
            if not self._read[0].startswith("/"):
                await self._post(chat)
                continue
            line = self._read.popleft()
            if line.split(" ")[0] == "/quit":
                self._read.clear()
                self._source.rest()
                return False
            await self._command(chat, line)
        return True

    async def _command(self, chat: Chat, line: str) -> None:
        await chat.ready()
        try:
            chat.command(line)
        except UnusableLine as error:
            self._refuse(line, str(error))
        with suppress(Unwritable):
            await self._errors.drain()

    async def _post(self, chat: Chat) -> None:
        """Post what was read, up to a command."""
        posted: list[str] = []
        while self._read and not self._read[0].startswith("/"):
            line = self._read.popleft()
            try:
                posted.append(check(check_length(line)))
            except UnusableLine as error:
                self._refuse(line, str(error))
        self._lines.extend(posted)
        await chat.submit(posted)
        with suppress(Unwritable):
            await self._errors.drain()

    async def _leave(self, chat: Chat) -> None:
        """Wait until all lines are settled, and all messages shown that are there by now.

        If the server goes meanwhile, there is no need to come back for messages alone.
        """
        await chat.sync()
        if not self._away.is_set():
            await first(self._silence(chat), self._away.wait())

    async def _silence(self, chat: Chat) -> None:
        """Wait until no messages come any more."""
        await chat.ready()
        quiet = 0
        while quiet < 2:
            came = self._came
            await chat.ping()
            await asyncio.sleep(_PAUSE)
            quiet = quiet + 1 if self._came == came else 0

    # Words of its own

    def _give_up(self, why: str, code: int, *, is_told: bool = True) -> int:
        """Say why, and show the lines that were read and are not taken in, as far as is known.

        @param is_told: false to say nothing if there are no such lines.
        """
        unsaid = [*self._lines, *self._read, *self._source.rest()]
        if unsaid:
            why += f"; {count(len(unsaid))} not taken in:"
        if unsaid or is_told:
            self._say(why, unsaid)
        return code

    def _refuse(self, line: str, why: str) -> None:
        self._has_failed = True
        more = "…" if len(line) > _SHOWN else ""
        self._say(f"refused: {line[:_SHOWN]}{more}", [why])

    def _say(self, sentence: str, lines: Sequence[str] = ()) -> None:
        self._errors.put(harmless(f"achat: {sentence}") + "\n")
        for line in lines:
            self._errors.put(f"    {harmless(line)}\n")
