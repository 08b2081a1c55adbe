"""Workers: those to whom a message is given, and who say whether it is worked off."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Protocol

from achat_twisted.client.messages import Message
from achat_twisted.shell import exits
from achat_twisted.shell.escapes import harmless, to_json
from achat_twisted.shell.status import Writable

STOP_WITHIN = 10.0
"""The seconds that a command has after SIGTERM, before it is killed; and those that standard output
has then to take a message."""

_NOT_FOUND, _NOT_RUN = 127, 126
"""The exit codes of a command that cannot be run, as POSIX has them for shells (2.8.2)."""

_KILLED = 128
"""The number that shells add to that of the signal that has ended a command."""


class Unrunnable(Exception):
    """A command that cannot be run, whatever the message.

    @ivar code: the exit code that tells so.
    """

    def __init__(self, why: str, code: int) -> None:
        super().__init__(why)
        self.code = code


class Worker(Protocol):
    """Anything that works messages off, one at a time."""

    async def work(self, message: Message) -> int:
        """Work a message off.

        @return: 0 if it is; or else the exit code that tells why not.
        @raise Unwritable: if standard output takes no more.
        @raise Unrunnable: if no message will ever be.
        """

    def stop(self) -> None:
        """End the work on a message soon, if there is one."""


class Printer:
    """Prints messages; one is worked off when standard output has taken it."""

    def __init__(self, output: Writable, render: Callable[[Message], str]) -> None:
        self._output = output
        self._render = render
        self._until: float | None = None  # by the loop's clock, when it is to end
        self._waiting: asyncio.Timeout | None = None

    async def work(self, message: Message) -> int:
        self._output.put(f"{self._render(message)}\n")
        try:
            async with asyncio.timeout_at(self._until) as self._waiting:
                await self._output.drain()
        except TimeoutError:
            return exits.REFUSED
        finally:
            self._waiting = None
        return 0

    def stop(self) -> None:
        """End the wait for a reader that takes nothing; one that is only slow has its time."""
        self._until = asyncio.get_running_loop().time() + STOP_WITHIN
        if self._waiting is not None:
            self._waiting.reschedule(self._until)


class Command:
    """Runs a command for each message, which has the text on its standard input."""

    def __init__(self, words: Sequence[str], environ: Mapping[str, str]) -> None:
        """@param environ: what the command has in its environment besides the message."""
        self._words = words
        self._environ = environ
        self._process: asyncio.subprocess.Process | None = None

    async def work(self, message: Message) -> int:
        self._process = await self._start(message)
        try:
            await self._process.communicate(f"{message.text}\n".encode())
            code = await self._process.wait()
        finally:
            self._process = None
        return code if code >= 0 else _KILLED - code

    async def _start(self, message: Message) -> asyncio.subprocess.Process:
        said = environment(message)
        try:
            return await asyncio.create_subprocess_exec(
                *self._words, stdin=asyncio.subprocess.PIPE, env={**self._environ, **said}
            )
        except OSError as error:
            why = f"cannot run {self._words[0]}: {os.strerror(error.errno or 0)}"
            is_there = not isinstance(error, FileNotFoundError)
            raise Unrunnable(why, _NOT_RUN if is_there else _NOT_FOUND) from None

    def stop(self) -> None:
        if self._process is not None:
            self._send(self._process, signal.SIGTERM)
            loop = asyncio.get_running_loop()
            loop.call_later(STOP_WITHIN, self._send, self._process, signal.SIGKILL)

    def _send(self, process: asyncio.subprocess.Process, number: signal.Signals) -> None:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.send_signal(number)


def environment(message: Message) -> dict[str, str]:
    """The variables that tell a command of a message.

    A rogue of a server may send names that no environment can hold, so they go through
    L{harmless}, which leaves real ones as they are.
    """
    return {
        "ACHAT_FROM": harmless(message.sender),
        "ACHAT_TIME": time(message) or "",
        "ACHAT_NUMBER": str(message.number),
        "ACHAT_ROOM": harmless(message.room),
    }


def plain(message: Message) -> str:
    """A message as a line for people, and as on the wire."""
    where = f" {message.room}" if message.room else ""
    return harmless(f"from {message.sender}{where}: {message.text}")


def as_json(message: Message) -> str:
    """A message as an object for programs."""
    described = {
        "number": message.number,
        **({"room": message.room} if message.room else {}),
        "from": message.sender,
        "time": time(message),
        "text": message.text,
    }
    return to_json(described)


def time(message: Message) -> str | None:
    """The moment of a message's acceptance (UTC), as in ISO 8601; None if it is not known."""
    moment = message.time
    return None if moment is None else f"{moment:%Y-%m-%dT%H:%M:%SZ}"
