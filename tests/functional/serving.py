"""Servers and programs for tests that run on asyncio."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import Awaitable, Callable
from functools import wraps
from pathlib import Path
from tempfile import TemporaryDirectory
from traceback import format_exception
from typing import Any
from unittest import IsolatedAsyncioTestCase

from tests.functional.processes import TWISTD, FunctionalTestCase

PATIENCE = 60.0
"""Seconds within which anything that a test waits for must have come."""

_LOOK = 0.02
"""Seconds between two looks."""


class Running:
    """A process, with all that it prints.

    @ivar output: what it has printed by now.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.output = ""
        self.process = process
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, *arguments: str, environment: dict[str, str] | None = None) -> Running:
        process = await asyncio.create_subprocess_exec(
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
        )
        return cls(process)

    async def _read(self) -> None:
        assert self.process.stdout is not None
        while data := await self.process.stdout.read(65536):
            self.output += data.decode()

    @property
    def is_over(self) -> bool:
        return self.process.returncode is not None

    async def end(self, how: signal.Signals) -> None:
        """End it with a signal, and wait for that."""
        if not self.is_over:
            self.process.send_signal(how)
        await self.process.wait()
        await self._reading


class LiveServer:
    """A server with many lives, on one port.

    @ivar port: that port, as soon as it has one.
    """

    def __init__(self, *options: str) -> None:
        self.port = 0
        self._options = options

    async def start(self) -> None:
        where = () if "--listen" in self._options else ("--port", str(self.port))
        self.running = await Running.start(*TWISTD, *where, *self._options)
        await until(lambda: "listening on " in self.running.output or self.running.is_over)
        assert not self.running.is_over, self.running.output
        if ports := re.findall(r"listening on \S+:(\d+)$", self.running.output, re.MULTILINE):
            self.port = int(ports[0])

    async def stop(self) -> None:
        """An ordered stop."""
        await self.running.end(signal.SIGTERM)
        assert "Traceback" not in self.running.output, self.running.output

    async def kill(self) -> None:
        """The end without a warning."""
        await self.running.end(signal.SIGKILL)


async def until(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(_LOOK)


def _bounded(test: Callable[[Any], Awaitable[None]]) -> Callable[[Any], Awaitable[None]]:
    """Gives a test as much time as those on Twisted's loop have."""

    @wraps(test)
    async def bounded(self: ServedTestCase) -> None:
        asyncio.get_running_loop().set_debug(False)  # it prints what takes long, as logging in does
        try:
            async with asyncio.timeout(FunctionalTestCase.timeout):
                await test(self)
        except TimeoutError as late:
            place = "".join(format_exception(late.__cause__ or late))
            self.fail(f"waited in vain:\n{place}")

    return bounded


class ServedTestCase(IsolatedAsyncioTestCase):
    """A test with servers and programs that are gone when it is over."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for name, method in [*vars(cls).items()]:
            if name.startswith("test_"):
                setattr(cls, name, _bounded(method))

    def folder(self) -> Path:
        """A folder of the test's own; its path is short enough for a unix socket."""
        folder = TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        return Path(folder.name)

    async def serve(self, *options: str) -> LiveServer:
        """A server, on a port of its own unless the options say where."""
        server = LiveServer(*options)
        await server.start()
        self.addAsyncCleanup(server.kill)
        return server

    async def run_python(self, code: str, *arguments: str) -> Running:
        """A program that is gone when the test is over."""
        running = await Running.start(sys.executable, "-c", code, *arguments)
        self.addAsyncCleanup(running.end, signal.SIGKILL)
        return running
