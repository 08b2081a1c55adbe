"""Standard input, output and error: open files that never block, and say how they ended.

Strategy: they are watched by the event loop, as sockets are; a regular file, which cannot be
watched, is always ready. They are made not to block, as a thread that is stuck in one could not be
ended; the mode belongs to the open file, not to the process, so L{restored} puts it back for those
that share it.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_CHUNK = 2**16
"""The bytes that are read at a time."""


class Unwritable(Exception):
    """An output that takes no more: one sentence."""


@contextmanager
def restored() -> Iterator[None]:
    """Have standard files, and leave them with the modes that they had.

    One that was closed is replaced by one that is at its end, and takes nothing, or else the next
    file or socket that is opened would take its place.
    """
    for fd in range(3):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDONLY)
    modes = {fd: os.get_blocking(fd) for fd in range(3)}
    try:
        yield
    finally:
        for fd, mode in modes.items():
            with suppress(OSError):
                os.set_blocking(fd, mode)


class Input:
    """An open file that is only read."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        os.set_blocking(fd, False)

    async def read(self) -> bytes:
        """Some of what comes next, as soon as there is any; nothing at the end.

        @raise OSError: if it cannot be read.
        """
        await asyncio.sleep(0)  # a regular file is always ready, and others want their turn
        while True:
            try:
                return os.read(self._fd, _CHUNK)
            except BlockingIOError:
                await self._ready()

    async def _ready(self) -> None:
        loop = asyncio.get_running_loop()
        ready = loop.create_future()
        loop.add_reader(self._fd, _fire, ready)
        try:
            await ready
        finally:
            loop.remove_reader(self._fd)


class Output:
    """An open file that is only written to.

    @ivar gone: happens when nobody reads it any more, if it is a pipe.
    """

    def __init__(self, fd: int, name: str) -> None:
        """@param name: its name in words that the user knows."""
        self._loop = asyncio.get_running_loop()
        self._fd = fd
        self._name = name
        self._waiting = b""
        self._fault = ""
        self._room: asyncio.Future[None] | None = None
        self.gone: asyncio.Future[None] = self._loop.create_future()
        os.set_blocking(fd, False)
        if _is_written_pipe(fd):
            # It can never be read, but this is how the kernel tells that nobody reads it any more.
            self._loop.add_reader(fd, self._desert)

    @property
    def fault(self) -> str:
        """The reason why it takes no more; empty if it does."""
        return self._fault

    def put(self, text: str) -> None:
        """Write a text now, or as soon as there is room; nothing if it takes no more."""
        if not self._fault:
            self._waiting += text.encode(errors="backslashreplace")
            self._flow()

    async def drain(self) -> None:
        """Wait until the kernel has taken all that was put.

        @raise Unwritable: if it takes no more.
        """
        while self._waiting and not self._fault:
            if self._room is None:
                self._room = self._loop.create_future()
            await asyncio.shield(self._room)
        if self._fault:
            raise Unwritable(self._fault)

    def close(self) -> None:
        """Watch it no more; what is not out by now is given up."""
        self._waiting = b""
        self._unwatch()
        self._loop.remove_reader(self._fd)

    def _flow(self) -> None:
        try:
            while self._waiting:
                self._waiting = self._waiting[os.write(self._fd, self._waiting) :]
        except BlockingIOError:
            self._loop.add_writer(self._fd, self._flow)
            return
        except OSError as error:
            self._end(error)
        self._unwatch()

    def _unwatch(self) -> None:
        self._loop.remove_writer(self._fd)
        if self._room is not None:
            _fire(self._room)
            self._room = None

    def _desert(self) -> None:
        self._end(OSError(errno.EPIPE, ""))
        self._unwatch()
        _fire(self.gone)

    def _end(self, error: OSError) -> None:
        if error.errno == errno.EPIPE:
            self._fault = f"nobody reads {self._name} any more"
        else:
            self._fault = f"{self._name} cannot be written: {os.strerror(error.errno or 0)}"
        self._loop.remove_reader(self._fd)
        self._waiting = b""


def _fire(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _is_written_pipe(fd: int) -> bool:
    """True for a pipe that is open for writing only."""
    mode = fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE
    return stat.S_ISFIFO(os.fstat(fd).st_mode) and mode == os.O_WRONLY
