"""The saying of lines to some recipients, until all is known of them.

Strategy: each line that was read has the place that it gets in the state, and stays here until it
is taken in or refused. So it is always known what is in the state, what is settled, and what is
neither, whatever ends the work.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from itertools import islice
from typing import Protocol

from achat_twisted.client.chat import Chat
from achat_twisted.client.errors import SessionOver, StateError, UnusableLine
from achat_twisted.client.events import Event, Settled
from achat_twisted.client.lines import check
from achat_twisted.client.state import State
from achat_twisted.shell import exits
from achat_twisted.shell.course import Ending, Interrupted, first
from achat_twisted.shell.files import Unwritable
from achat_twisted.shell.reading import check_length
from achat_twisted.shell.results import Line, Results
from achat_twisted.shell.status import Status
from achat_twisted.shell.trying import Trying, count

PROGRESS_AFTER = 1.0
"""The seconds after which it is shown how far the work is; a short one needs no such thing."""

WRITE_WITHIN = 10.0
"""The seconds that standard output has after a signal to take the lines that are not taken in,
unless another signal ends even that.
"""

_PROGRESS_EVERY = 0.25
"""The seconds between two such looks."""


class Source(Protocol):
    """The lines to say; see L{LineReader} and L{Given}."""

    def batches(self) -> AsyncIterator[list[str]]:
        """All of them, as many at a time as come together.

        @raise OSError: if they cannot be read to their end.
        """

    def rest(self) -> list[str]:
        """The lines that have come, and were not handed out."""


class Saying:
    """Says lines, and listens to what becomes of them."""

    def __init__(
        self, to: str, state: State, results: Results, status: Status, trying: Trying | None
    ) -> None:
        """@param to: the recipients, as a line begins.
        @param trying: what is to be told of connections; None for nothing.
        """
        self._to = to
        self._state = state
        self._results = results
        self._status = status
        self._trying = trying
        self._earlier = state.last  # the place of the last line of earlier runs
        self._lines: deque[Line] = deque()  # that are read, and not settled, in order of place
        self._given = self._taken = 0
        self._unsaid: list[Line] = []
        self._has_failed = False

    # What happens

    def heard(self, event: Event) -> None:
        if isinstance(event, Settled):
            self._settle(event)
        elif self._trying is not None:
            for sentence in self._trying.sentences(event):
                self._status.tell(sentence)

    def _settle(self, settled: Settled) -> None:
        for place in range(settled.first, settled.last + 1):
            kept = settled.kept.get(place, ())
            if place <= self._earlier:
                self._results.taken(None, kept)  # if it was refused, the state knows that
                continue
            line = self._lines.popleft()
            if refusals := settled.refused.get(place):
                self._has_failed = True
                self._results.refused(line, refusals, kept)
            else:
                self._taken += 1
                self._results.taken(line, kept)

    # The course

    async def run(self, chat: Chat, source: Source, ending: Ending) -> int:
        """Say all there is, and wait until all of it is settled.

        No message ever comes to C{chat.next}; it raises when the chat is over, even while nothing
        is read that could be said.

        @return: the exit code, see L{exits}.
        """
        progress = asyncio.create_task(self._show_progress())
        patience: float | None = None
        try:
            async with chat:
                await first(self._say_all(chat, source), chat.next(), ending.wait())
        except Interrupted as interruption:
            code = self._end("interrupted", interruption.code, source)
            patience = WRITE_WITHIN
        except SessionOver as error:
            code = self._end(str(error), exits.code(error), source)
        except StateError as error:
            # It is not known how much of it could be saved: rather twice than never.
            code = self._end(str(error), exits.UNREACHED, source, is_in_state=False)
        else:
            code = 0
        finally:
            progress.cancel()
            self._status.show("")
        return await self._close(code, ending, patience)

    async def give_back(self, why: str, source: Source, ending: Ending, patience: float) -> int:
        """Say nothing: all lines that come within so many seconds are unsaid.

        @param why: the reason, as a sentence without its full stop.
        @return: the exit code.
        """
        code = exits.UNREACHED
        try:
            async with asyncio.timeout(patience):
                await first(self._read_all(source), ending.wait())
        except TimeoutError:
            pass  # as with a server that is not there, what comes later is left where it is
        except Interrupted as interruption:
            code = interruption.code
        self._end(why, code, source, is_in_state=False)
        return await self._close(code, ending, None)

    async def _read_all(self, source: Source) -> None:
        async for texts in self._batches(source):
            self._take_up(texts)

    async def _batches(self, source: Source) -> AsyncIterator[list[str]]:
        """All lines; if they cannot be read to their end, that is told."""
        try:
            async for texts in source.batches():
                yield texts
        except OSError as error:
            self._has_failed = True
            self._status.tell(f"standard input cannot be read: {os.strerror(error.errno or 0)}")
            yield source.rest()

    async def _close(self, code: int, ending: Ending, patience: float | None) -> int:
        """Wait until standard output has taken all, or is given up.

        @param code: the exit code if it takes all.
        @param patience: the seconds that it has; None for as long as nobody ends it.
        @return: the exit code.
        """
        closing = asyncio.ensure_future(self._results.close())
        signalled = asyncio.ensure_future(ending.wait())
        await asyncio.wait(
            [closing, signalled], timeout=patience, return_when=asyncio.FIRST_COMPLETED
        )
        why = ""
        try:
            if closing.done():
                closing.result()
            else:
                why = "standard output takes nothing"
                if signalled.done():
                    signalled.result()
        except Unwritable as error:
            why = str(error)
        except Interrupted as interruption:
            code = code or interruption.code
        finally:
            for task in (closing, signalled):
                task.cancel()
            await asyncio.gather(closing, signalled, return_exceptions=True)
        if why:
            self._has_failed = True
            self._status.tell(why, *(line.text for line in self._unsaid))
        return code or (exits.REFUSED if self._has_failed else 0)

    async def _say_all(self, chat: Chat, source: Source) -> None:
        async for texts in self._batches(source):
            await self._say(chat, texts)
        await chat.sync()
        if refusals := chat.refusals():
            self._has_failed = True
            self._results.refused_before(refusals)

    async def _say(self, chat: Chat, texts: Iterable[str]) -> None:
        if lines := self._take_up(texts):
            await chat.submit(lines)
        with suppress(Unwritable):  # which is told at the end
            await self._results.drain()

    def _take_up(self, texts: Iterable[str]) -> list[str]:
        """Note lines that were read.

        @return: those that can be said, each with its recipients.
        """
        lines: list[str] = []
        for text in texts:
            self._given += 1
            line = Line(self._given, text)
            try:
                lines.append(self._check(text))
            except UnusableLine as error:
                self._has_failed = True
                self._results.unusable(line, str(error))
            else:
                self._lines.append(line)
        return lines

    def _check(self, text: str) -> str:
        return check(f"{self._to}: {check_length(text)}")

    def _end(self, why: str, code: int, source: Source, *, is_in_state: bool = True) -> int:
        """Tell why not all is settled, and where those lines are that are not."""
        self._take_up(source.rest())
        kept = ours = 0
        if is_in_state and self._state.is_lasting:
            settled = self._state.numbers.settled
            kept = self._state.last - settled
            ours = self._state.last - max(settled, self._earlier)
        self._unsaid = [*islice(self._lines, ours, None)]
        if kept:
            why += f"; {count(kept)} wait{'s' if kept == 1 else ''} in the state"
        if self._unsaid:
            why += f"; standard output has {count(len(self._unsaid))} not known to be taken in"
        self._status.show("")
        self._status.tell(why)
        self._results.waiting(islice(self._lines, ours))
        self._results.unsaid(self._unsaid)
        return code

    async def _show_progress(self) -> None:
        await asyncio.sleep(PROGRESS_AFTER)
        while True:
            self._status.show(f"{count(self._taken)} taken in, {len(self._lines):,} not yet")
            await asyncio.sleep(_PROGRESS_EVERY)
