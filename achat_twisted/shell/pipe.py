"""The chat in pipes: standard input is said, messages go to standard output, all else to error.

Strategy: a message is got when standard output has taken it, and the next one is taken then; so
what could not be shown comes again, to the next program of that name. A line that was read stays
here until it is taken in or refused; so what was not can be shown at the end, whatever that is.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter, deque
from collections.abc import Coroutine, Iterable
from contextlib import suppress
from typing import Any

from achat_twisted.client.chat import Chat
from achat_twisted.client.errors import Refused, SessionOver, UnusableLine
from achat_twisted.client.events import Ended, Event, Notice, Welcome
from achat_twisted.client.lines import check
from achat_twisted.client.messages import Posting
from achat_twisted.shell import exits
from achat_twisted.shell.escapes import harmless
from achat_twisted.shell.files import Input, Output, Unwritable

MAX_TYPED = 2**20
"""The longest line read from standard input, in bytes; no server takes a longer one."""

_TOO_LONG = f"it has more than {MAX_TYPED} bytes"

_SHOWN = 1000
"""The characters of such a line that are shown."""

_FAULTS = {"bad-line", "too-long"}
"""The notices about a command that the server does not take; their lines have the number 0."""

_PAUSE = 0.1
"""The seconds between two looks at whether messages still come: for a page of mail from a disk."""


class Interrupted(Exception):
    """A signal that ends the chat.

    @ivar code: the exit code.
    """

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Pipe:
    """A chat between the standard files and a server; it listens to the events of the chat."""

    def __init__(
        self, source: Input, output: Output, errors: Output, server: str, retry: float | None
    ) -> None:
        """@param server: the server, as the user would write it.
        @param retry: the seconds for which it is tried again; None for ever.
        """
        self._source = source
        self._output = output
        self._errors = errors
        self._server = server
        self._retry = retry
        self._lines: deque[str] = deque()  # read, and neither taken in nor refused
        self._unsettled: asyncio.Queue[Posting] = asyncio.Queue()
        self._all_settled = asyncio.Event()
        self._away = asyncio.Event()  # from a server that had let us in
        self._came = 0
        self._is_trying = self._was_in = self._has_failed = False

    # What happens to the connection

    def heard(self, event: Event) -> None:
        match event:
            case Welcome():
                if self._is_trying:
                    self._say(f"reached {self._server}")
                self._is_trying, self._was_in = False, True
                self._away.clear()
                if event.doubtful:
                    self._say(
                        f"{_lines(event.doubtful)} may arrive twice, as the server lost its memory"
                        " before it confirmed"
                    )
            case Ended(again=float()):
                if self._was_in:
                    self._away.set()
                if not self._is_trying:
                    ever = "" if self._retry is None else f" for {self._retry:g} seconds"
                    self._say(f"{event.why}; trying again{ever}")
                self._is_trying = True
            case Notice(word, detail):
                if word in _FAULTS:
                    self._has_failed = True
                    detail = detail.removeprefix("0 ")
                self._errors.put(harmless(f"! {word} {detail}".rstrip()) + "\n")
            case _:
                pass

    # Its course

    async def run(self, chat: Chat, interrupted: asyncio.Future[int]) -> int:
        """Chat until the end of the input, or until there is no point in going on.

        @param interrupted: happens when a signal ends it, and has the exit code.
        @return: the exit code, see L{exits}.
        """
        try:
            async with chat:
                await _first(
                    self._show_all(chat),
                    self._say_all(chat),
                    self._settle_all(),
                    self._desertion(),
                    _wait(interrupted),
                )
        except Unwritable as error:
            code = self._give_up(f"{error}; what it did not take comes again", exits.REFUSED)
        except SessionOver as error:
            code = self._give_up(str(error), exits.code(error))
        except Interrupted as interruption:
            if self._lines:
                self._give_up("interrupted", interruption.code)
            return interruption.code
        else:
            code = exits.REFUSED if self._has_failed else 0
        with suppress(Unwritable):
            await self._errors.drain()
        return code

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
        rest, is_skipping = b"", False
        while data := await self._read():
            *lines, rest = (rest + data).split(b"\n")
            if is_skipping and lines:
                del lines[0]
                is_skipping = False
            if not await self._say_some(chat, lines):
                break
            if is_skipping:
                rest = b""
            elif len(rest) > MAX_TYPED:
                self._refuse(rest.decode(errors="surrogateescape"), _TOO_LONG)
                rest, is_skipping = b"", True
        else:
            if rest and not is_skipping:
                await self._say_some(chat, [rest])
        await self._leave(chat)

    async def _read(self) -> bytes:
        try:
            return await self._source.read()
        except OSError as error:
            self._has_failed = True
            self._say(f"standard input cannot be read: {os.strerror(error.errno or 0)}")
            return b""

    async def _say_some(self, chat: Chat, raw: Iterable[bytes]) -> bool:
        """Say some lines.

        @return: false if one of them was C{/quit}, behind which nothing is said.
        """
        lines = [line.removesuffix(b"\r").decode(errors="surrogateescape") for line in raw]
        batch: list[str] = []
        for line in lines:
            if not line.startswith("/"):
                batch.append(line)
                continue
            await self._post(chat, batch)
            batch.clear()
            if line.split(" ")[0] == "/quit":
                return False
            await self._command(chat, line)
        await self._post(chat, batch)
        return True

    async def _command(self, chat: Chat, line: str) -> None:
        await chat.ready()
        try:
            chat.command(line)
        except UnusableLine as error:
            self._refuse(line, str(error))
        with suppress(Unwritable):
            await self._errors.drain()

    async def _post(self, chat: Chat, lines: Iterable[str]) -> None:
        posted: list[str] = []
        for line in lines:
            try:
                posted.append(check(line))
            except UnusableLine as error:
                self._refuse(line, str(error))
        self._lines.extend(posted)
        for posting in await chat.submit(posted):
            self._unsettled.put_nowait(posting)

    async def _settle_all(self) -> None:
        """Tell what becomes of the lines, in order."""
        while True:
            kept: Counter[str] = Counter()
            posting = await self._unsettled.get()
            while True:
                await self._settle(posting, kept)
                if self._unsettled.empty():
                    break
                posting = self._unsettled.get_nowait()
                if not posting.is_known:
                    self._tell_kept(kept)
            self._tell_kept(kept)
            with suppress(Unwritable):
                await self._errors.drain()

    async def _settle(self, posting: Posting, kept: Counter[str]) -> None:
        try:
            kept.update((await posting).kept)
        except Refused as refused:
            kept.update(refused.kept)
            self._refuse(refused.line, "; ".join(one.why for one in refused.refusals))
        self._lines.popleft()
        if not self._lines:
            self._all_settled.set()

    def _tell_kept(self, kept: Counter[str]) -> None:
        for name, copies in kept.items():
            self._errors.put(harmless(f"! kept {name} {copies}") + "\n")
        kept.clear()

    async def _leave(self, chat: Chat) -> None:
        """Wait until all lines are settled, and all messages shown that are there by now.

        If the server goes meanwhile, there is no need to come back for messages alone.
        """
        if self._lines:
            self._all_settled.clear()
            await self._all_settled.wait()
        if not self._away.is_set():
            await _first(self._silence(chat), self._away.wait())

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

    def _give_up(self, why: str, code: int) -> int:
        """Say why, and show the lines that were read and are not taken in, as far as is known."""
        unsaid = [*self._lines]
        if unsaid:
            why += f"; {_lines(len(unsaid))} not taken in:"
        self._say(why, unsaid)
        return code

    def _refuse(self, line: str, why: str) -> None:
        self._has_failed = True
        more = "…" if len(line) > _SHOWN else ""
        self._say(f"refused: {line[:_SHOWN]}{more}", [why])

    def _say(self, sentence: str, lines: Iterable[str] = ()) -> None:
        self._errors.put(harmless(f"achat: {sentence}") + "\n")
        for line in lines:
            self._errors.put(f"    {harmless(line)}\n")


async def _first(*work: Coroutine[Any, Any, object]) -> None:
    """Run all of it until one ends, or raises; the others are cancelled then."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _wait(interrupted: asyncio.Future[int]) -> None:
    raise Interrupted(await interrupted)


def _lines(count: int) -> str:
    return f"{count} line{'' if count == 1 else 's'}"
