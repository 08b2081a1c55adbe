"""A chat whose server, files and terminal are the test's own, for the tests of this folder."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Callable
from typing import Any, NoReturn

from achat_twisted.client.address import parse_address
from achat_twisted.client.chat import Chat
from achat_twisted.client.conversation import Conversation
from achat_twisted.client.driving import Receiver
from achat_twisted.client.errors import Unreachable
from achat_twisted.client.events import Listener
from achat_twisted.client.state import MemoryState, State
from achat_twisted.client.streams import AsyncioDriver
from achat_twisted.shell.course import Interrupted
from achat_twisted.shell.exits import INTERRUPTED
from achat_twisted.shell.files import Unwritable
from tests.client.fakes import WELCOME, FakeLink
from tests.client.playing import NoChance
from tests.shell.loops import turns

_SERVED = 30.0
"""The seconds after which a client should have gone."""


class FakeInput:
    """Standard input, typed by the test."""

    def __init__(self) -> None:
        self._chunks: asyncio.Queue[bytes | OSError] = asyncio.Queue()
        self.waits = False

    async def read(self) -> bytes:
        self.waits = True
        chunk = await self._chunks.get()
        self.waits = False
        if isinstance(chunk, OSError):
            raise chunk
        return chunk

    def comes(self, *chunks: bytes) -> None:
        for chunk in chunks:
            self._chunks.put_nowait(chunk)

    def types(self, *lines: str) -> None:
        self.comes("".join(f"{line}\n" for line in lines).encode())

    def ends(self) -> None:
        self.comes(b"")

    def breaks(self) -> None:
        self._chunks.put_nowait(OSError(errno.EIO, ""))


class FakeOutput:
    """Standard output, or error: all is out at once, unless the test says otherwise."""

    def __init__(self) -> None:
        self.fault = ""
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._text = ""
        self._has_room = asyncio.Event()
        self._has_room.set()

    def put(self, text: str) -> None:
        if not self.fault:
            self._text += text

    async def drain(self) -> None:
        if not self.fault:
            await self._has_room.wait()
        if self.fault:
            raise Unwritable(self.fault)

    def fills(self) -> None:
        """There is no room for more."""
        self._has_room.clear()

    def empties(self) -> None:
        """There is room again."""
        self._has_room.set()

    def breaks(self, fault: str = "standard output cannot be written: No space left") -> None:
        """It takes no more."""
        self.fault = fault
        self._has_room.set()

    def is_deserted(self) -> None:
        """Nobody reads it any more."""
        self.breaks("nobody reads standard output any more")
        self.gone.set_result(None)

    def take(self) -> list[str]:
        """The lines that have come since this was last asked."""
        text, self._text = self._text, ""
        return text.splitlines()


class FakeEnding:
    """Signals, each of which comes when the test says so, and ends one wait."""

    def __init__(self) -> None:
        self._codes: asyncio.Queue[int] = asyncio.Queue()

    async def wait(self) -> NoReturn:
        raise Interrupted(await self._codes.get())

    def comes(self, code: int = INTERRUPTED) -> None:
        self._codes.put_nowait(code)


class FakeDriver(AsyncioDriver):
    """A loop on which connections are made when the test says so."""

    def __init__(self) -> None:
        super().__init__(parse_address("ann@host"), None)
        self.links: list[FakeLink] = []
        self._asked: asyncio.Queue[asyncio.Future[bool]] = asyncio.Queue()

    async def connect(self, receiver: Receiver) -> None:
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._asked.put_nowait(answer)
        if not await answer:
            raise Unreachable(f"cannot reach host:8080: {os.strerror(errno.ECONNREFUSED)}")
        link = FakeLink(receiver)
        self.links.append(link)
        receiver.made(link)

    async def answer(self, *, works: bool) -> None:
        """Let the next connection be made, or fail, when it is asked for."""
        (await self._asked.get()).set_result(works)
        await turns()


class Scene:
    """A chat of Ann's, and all that surrounds it."""

    def __init__(
        self,
        listener: Listener,
        *,
        retry: float | None = None,
        state: State | None = None,
        only_sends: bool = False,
        rooms: bool = False,
    ) -> None:
        self.driver = FakeDriver()
        state = state or MemoryState()
        state.numbers.tag = "t1"
        now = self.driver.seconds()
        address = parse_address("ann@host")
        conversation = Conversation(
            address, state, now, only_sends=only_sends, rooms=rooms, retry=retry, chance=NoChance()
        )
        self.chat = Chat(conversation, state, self.driver, listener)
        self.running: asyncio.Task[int] | None = None

    @property
    def link(self) -> FakeLink:
        return self.driver.links[-1]

    def run(self, run: Callable[..., Any], *more: Any) -> None:
        """Let the chat begin."""
        self.running = asyncio.ensure_future(run(self.chat, *more))

    async def come_in(self, welcome: str = WELCOME) -> None:
        """Let the client come in, and forget what it has said for that."""
        await self.driver.answer(works=True)
        self.link.take()
        await self.hears(welcome)

    async def refuse(self) -> None:
        """Let it find nobody at the server's port."""
        await self.driver.answer(works=False)

    async def hears(self, *lines: str) -> None:
        self.link.hears("".join(line if line.endswith("\n") else f"{line}\n" for line in lines))
        await turns()

    async def loses(self) -> None:
        self.link.lose()
        await turns()

    async def serve(self, lines: int = 0) -> None:
        """Answer all that the client asks, until it has gone, as a server that keeps nothing.

        @param lines: the number of lines that are settled already.
        """
        until = self.driver.seconds() + _SERVED
        while not self.link.is_closed:
            assert self.driver.seconds() < until, "the client does not go"
            await turns()
            for said in self.link.take().splitlines():
                if said == "/ping":
                    await self.hears("! pong")
                elif said == "/sync":
                    await self.hears(f"! synced {lines}")
                elif said == "/quit":
                    await self.hears(f"! bye {lines}")
                elif not said.startswith("/"):
                    lines += 1
            await asyncio.sleep(0.01)

    async def ended(self) -> int:
        """The exit code, when the chat has ended."""
        assert self.running is not None
        return await self.running

    @property
    def is_over(self) -> bool:
        """True if the client has ended."""
        return self.running is not None and self.running.done()

    def cancel(self) -> None:
        """Stop the client at once."""
        assert self.running is not None
        self.running.cancel()
