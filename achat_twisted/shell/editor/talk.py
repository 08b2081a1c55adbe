"""The talk of a user at a terminal: between the chat with the server and the screen.

Strategy: lines are said in the order in which they were typed, and shown above when their fate is
known; until then they stand right above the line in which one types. A message is got when it has
been shown.
"""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from contextlib import suppress
from datetime import datetime
from itertools import islice
from typing import Protocol

from achat_twisted.client.address import Address
from achat_twisted.client.chat import Chat
from achat_twisted.client.errors import Refused, SessionOver, UnusableLine
from achat_twisted.client.events import Ended, Event, Notice, Settled, Welcome
from achat_twisted.client.messages import Posting
from achat_twisted.shell import exits
from achat_twisted.shell.editor.colours import Fragments
from achat_twisted.shell.editor.people import People
from achat_twisted.shell.editor.transcript import WAITS, Transcript, own, words
from achat_twisted.shell.editor.typed import split
from achat_twisted.shell.escapes import harmless

LOOK = 20.0
"""The seconds between two looks at who is here; more, if there are many."""

LOOK_EACH = 0.1
"""The seconds for each name that is here: the more there are, the more it costs to list them."""

SETTLE_WITHIN = 5.0
"""The seconds that lines have, when the user leaves, to be taken in."""

_SHOWN = 5
"""The most lines that are shown while they wait."""

COMMANDS = ("/bell", "/help", "/ping", "/quit", "/stats", "/who")
"""The commands that one may type; some are the client's own, the others the server answers."""


_HELP = (
    "/bell rings the bell when a message comes, or does not any more",
    "/quit leaves, as does Ctrl-D",
)

_OTHERS_HELP = ("/sync", "/quit", "/help")
"""The beginnings of the server's help on commands that are no concern of the user's here."""

_GREETING = "write NAME: text; Tab completes names, /help helps, Ctrl-D leaves"


class Display(Protocol):
    """The screen, as the talk sees it."""

    async def run(self, desk: Talk) -> int:
        """See L{screen.Screen.run}."""

    def show(self, entry: Fragments, *, rings: bool = False) -> None:
        """Show something above what one types."""

    def refresh(self) -> None:
        """Ask again for what is below."""

    def leave(self, code: int) -> None:
        """End what L{run} does."""


class Talk:
    """One user's talk; it listens to the events of the chat, and is the screen's desk."""

    def __init__(
        self,
        address: Address,
        people: People,
        transcript: Transcript,
        screen: Display,
        *,
        bell: bool = False,
    ) -> None:
        """@param bell: true to ring when a message comes."""
        self._address = address
        self._bell = bell
        self._people = people
        self._transcript = transcript
        self._screen = screen
        self._own = {"/bell": self._switch_bell, "/quit": self._quit, "/who": self._ask_who}
        self._chat: Chat | None = None
        self._why = f"looking for {address.server}"
        self._was_in = False
        self._waiting: deque[str] = deque()  # typed, and neither taken in nor refused
        self._typed: asyncio.Queue[str] = asyncio.Queue()
        self._unsettled: asyncio.Queue[Posting | tuple[str, UnusableLine]] = asyncio.Queue()
        self._all_settled = asyncio.Event()
        self._look = asyncio.Event()
        self._is_asked_who = False

    # Its course

    async def run(self, chat: Chat) -> int:
        """Talk until the user leaves, or the server has ended it for good.

        @return: the exit code, see L{exits}.
        """
        self._chat = chat
        try:
            async with chat:
                code, why = await self._talk(chat), ""
        except SessionOver as error:
            code, why = exits.code(error), str(error)
        return self._part(code, why)

    async def _talk(self, chat: Chat) -> int:
        editing = asyncio.create_task(self._screen.run(self))
        tasks = [
            asyncio.create_task(each)
            for each in (
                self._show_all(chat),
                self._say_all(chat),
                self._settle_all(),
                self._look_around(chat),
            )
        ]
        try:
            done, _ = await asyncio.wait([editing, *tasks], return_when=asyncio.FIRST_COMPLETED)
            for task in done - {editing}:
                task.result()
            code = await editing
            if code == 0 and self._waiting and chat.is_connected:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._all_settled.wait(), SETTLE_WITHIN)
            if code:
                await chat.close(in_order=False)
            return code
        finally:
            self._screen.leave(0)
            await asyncio.wait([editing])
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _part(self, code: int, why: str) -> int:
        """Say why it has ended, and which lines were not taken in, as far as is known."""
        if self._waiting:
            count = len(self._waiting)
            why = f"{why}; " if why else ""
            why += f"{count} line{'' if count == 1 else 's'} not taken in:"
            code = code or exits.UNREACHED
        if why:
            lines = [f"achat: {why}", *(f"    {line}" for line in self._waiting)]
            print(*map(harmless, lines), sep="\n", file=sys.stderr)
        return code

    # What comes

    async def _show_all(self, chat: Chat) -> None:
        async for message in chat:
            when = message.time
            sender = message.sender
            self._people.met(sender)
            if self._people.is_missing(sender):
                self._look.set()
            local = _now() if when is None else when.astimezone()
            entry = self._transcript.message(sender, message.text, local)
            self._screen.show(entry, rings=self._bell)
            await message.done()

    def heard(self, event: Event) -> None:
        match event:
            case Welcome(doubtful):
                server = self._address.server
                self._note(f"{server} is here again" if self._was_in else _GREETING)
                if doubtful:
                    self._note(
                        f"{doubtful} of your lines may arrive twice, as the server lost its memory"
                        " before it confirmed them"
                    )
                self._why, self._was_in = "", True
                self._look.set()
            case Ended(why):
                why = f"{why}; trying again"
                if not self._why:
                    self._note(why)
                self._why = why
            case Notice("help", detail) if detail.startswith(_OTHERS_HELP):
                pass
            case Notice(word, detail):
                self._note(_plain(word, detail))
            case Settled():
                pass
        self._screen.refresh()

    def _note(self, text: str) -> None:
        self._screen.show(self._transcript.note(text, _now()))

    async def _look_around(self, chat: Chat) -> None:
        """Ask who is here, now and then, and when something says that it has changed."""
        while True:
            await chat.ready()
            names = await chat.who()
            self._people.are_here(names)
            self._screen.refresh()
            if self._is_asked_who:
                self._is_asked_who = False
                self._note(f"here: {', '.join(names)}")
            self._look.clear()
            await asyncio.sleep(1)  # however much changes
            with suppress(TimeoutError):
                await asyncio.wait_for(self._look.wait(), LOOK + LOOK_EACH * len(names))

    # What is said

    def typed(self, text: str) -> None:
        for line in split(text):
            if line.startswith("/"):
                self._command(line.rstrip())
            else:
                self._waiting.append(line)
                self._all_settled.clear()
                self._typed.put_nowait(line)

    async def _say_all(self, chat: Chat) -> None:
        while True:
            line = await self._typed.get()
            try:
                (posting,) = await chat.submit([line])
            except UnusableLine as error:
                self._unsettled.put_nowait((line, error))
            else:
                self._unsettled.put_nowait(posting)

    async def _settle_all(self) -> None:
        """Show what becomes of the lines, in order."""
        while True:
            posting = await self._unsettled.get()
            if isinstance(posting, tuple):
                line, error = posting
                entry = self._transcript.refused(line, [str(error)], (), _now())
            else:
                entry = await self._outcome(posting)
            self._waiting.popleft()
            self._screen.show(entry)
            if not self._waiting:
                self._all_settled.set()

    async def _outcome(self, posting: Posting) -> Fragments:
        line = posting.line
        try:
            posted = await posting
        except Refused as refused:
            why = words(refused.refusals)
            return self._transcript.refused(line, why, refused.kept, _now())
        for name in line.partition(":")[0].split(","):
            self._people.met(name.strip())
        if not {*posted.kept}.isdisjoint(self._people.here):
            self._look.set()
        return self._transcript.taken(line, posted.kept, _now())

    # Commands

    def _command(self, line: str) -> None:
        word = line.split(" ")[0]
        if word in self._own:
            self._own[word]()
        elif self._chat is None or not self._chat.is_connected:
            self._note(f"nobody is there to answer {word}; {self._why}")
        else:
            try:
                self._chat.command(line)
            except UnusableLine as error:
                self._note(str(error))
            if word == "/help":
                for text in _HELP:
                    self._note(text)

    def _switch_bell(self) -> None:
        self._bell = not self._bell
        self._note(f"the bell is {'on' if self._bell else 'off'}")

    def _quit(self) -> None:
        self._screen.leave(0)

    def _ask_who(self) -> None:
        self._is_asked_who = True
        self._look.set()

    # What is seen below

    def status(self) -> Fragments:
        name, server = harmless(self._address.name), self._address.server
        if self._why:
            fragments = [("class:status.away", f" {name}: {harmless(self._why)} ")]
        else:
            fragments = [("", f" {name} at {server} ")]
        if self._waiting:
            fragments.append(("", f"· {len(self._waiting)} waiting "))
        if not self._why:
            here = ", ".join(map(harmless, self._people.here)) or "nobody else"
            fragments.append(("", f"· here: {here} "))
        return fragments

    def about(self, text: str) -> Fragments:
        lines = split(text)
        head, colon, _ = (lines[0] if lines else "").partition(":")
        whom = f", all for {harmless(head)}" if colon else ""
        return [("", f" {len(lines)} lines{whom} · Enter says them, Ctrl-C drops them ")]

    def waiting(self) -> Fragments:
        fragments: Fragments = []
        for line in islice(self._waiting, _SHOWN):
            fragments += [("", "\n"), ("class:waits", f"{WAITS} "), *own(line)]
        if len(self._waiting) > _SHOWN:
            more = len(self._waiting) - _SHOWN
            fragments += [("", "\n"), ("class:waits", f"{WAITS} and {more} more")]
        return fragments[1:]


def _plain(word: str, detail: str) -> str:
    """A notice of the server's, in words for the user."""
    match word:
        case "help":
            return detail
        case "mail":
            return f"{detail} message{'' if detail == '1' else 's'} kept while you were away"
        case "slow-down":
            return f"the server takes no more than {detail} lines a second"
        case "bad-line" | "too-long":
            return detail.removeprefix("0 ")
    return f"{word} {detail}".rstrip()


def _now() -> datetime:
    return datetime.now().astimezone()
