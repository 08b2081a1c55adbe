"""Standard files: their input, their output, and their ends."""

from __future__ import annotations

import asyncio
import errno
import os

from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.shell.files import Input, Output, Unwritable, restored
from tests.disk import scratch_file
from tests.shell.loops import in_loop, turns

MUCH = 2**18
"""Bytes, more than a pipe holds."""


class FileTestCase(SynchronousTestCase):
    """A test with files that are closed when it is over."""

    def pipe(self) -> tuple[int, int]:
        reading, writing = os.pipe()
        for fd in (reading, writing):
            self.addCleanup(_close, fd)
        return reading, writing

    def open(self, path: str, flags: int) -> int:
        fd = os.open(path, flags)
        self.addCleanup(_close, fd)
        return fd

    def output(self, fd: int) -> Output:
        return Output(fd, "standard output")


class OutputTests(FileTestCase):
    """L{Output}."""

    @in_loop
    async def test_file(self) -> None:
        """A text that was put is in a file at once."""
        path = scratch_file(self)
        output = self.output(self.open(str(path), os.O_WRONLY | os.O_CREAT))
        output.put("one\n")
        output.put("zwölf\n")
        await output.drain()
        self.assertEqual(path.read_text(), "one\nzwölf\n")
        self.assertEqual(output.fault, "")
        output.close()

    @in_loop
    async def test_drain(self) -> None:
        """It is drained when the kernel has taken all, however slowly that is read."""
        reading, writing = self.pipe()
        output = self.output(writing)
        self.assertFalse(os.get_blocking(writing))
        output.put("x" * MUCH + "\n")
        draining = asyncio.ensure_future(output.drain())
        read = b""
        while not draining.done():
            self.assertLess(len(read), MUCH)
            read += os.read(reading, 2**12)
            await turns()
        output.close()
        os.close(writing)
        while data := os.read(reading, MUCH):
            read += data
        self.assertEqual(read, b"x" * MUCH + b"\n")

    @in_loop
    async def test_full_disk(self) -> None:
        """A file that takes no more says why, then and later."""
        output = self.output(self.open("/dev/full", os.O_WRONLY))
        for _ in range(2):
            output.put("one\n")
            with self.assertRaises(Unwritable) as raised:
                await output.drain()
            self.assertEqual(
                str(raised.exception), "standard output cannot be written: No space left on device"
            )

    @in_loop
    async def test_pipe_that_nobody_reads(self) -> None:
        """A pipe's end is noticed at once, though nothing is written."""
        reading, writing = self.pipe()
        output = self.output(writing)
        await turns()
        self.assertFalse(output.gone.done())
        os.close(reading)
        await output.gone
        self.assertEqual(output.fault, "nobody reads standard output any more")

    @in_loop
    async def test_broken_pipe(self) -> None:
        """A pipe's end is noticed while one waits for room, too."""
        reading, writing = self.pipe()
        output = self.output(writing)
        output.put("x" * MUCH)
        draining = asyncio.ensure_future(output.drain())
        await turns()
        os.close(reading)
        with self.assertRaises(Unwritable) as raised:
            await draining
        self.assertEqual(str(raised.exception), "nobody reads standard output any more")

    @in_loop
    async def test_nothing_for_a_closed_file(self) -> None:
        """A file that could not be written is not a fault if there was nothing to write."""
        output = self.output(self.open(os.devnull, os.O_RDONLY))
        await output.drain()
        self.assertEqual(output.fault, "")

    @in_loop
    async def test_cancelled(self) -> None:
        """To be cancelled while waiting for room takes nothing back."""
        reading, writing = self.pipe()
        output = self.output(writing)
        output.put("x" * MUCH)
        draining = asyncio.ensure_future(output.drain())
        await turns()
        draining.cancel()
        read = 0
        while read < MUCH:
            read += len(os.read(reading, MUCH))
            await turns()
        await output.drain()
        output.close()


class InputTests(FileTestCase):
    """L{Input}."""

    @in_loop
    async def test_reads(self) -> None:
        """Bytes are read as they come, and so is the end."""
        reading, writing = self.pipe()
        source = Input(reading)
        self.assertFalse(os.get_blocking(reading))
        coming = asyncio.ensure_future(source.read())
        await turns()
        self.assertFalse(coming.done())
        os.write(writing, b"bob: hi\n")
        self.assertEqual(await coming, b"bob: hi\n")
        os.close(writing)
        self.assertEqual(await source.read(), b"")

    @in_loop
    async def test_file(self) -> None:
        """A regular file, which cannot be watched, is read to its end."""
        path = scratch_file(self)
        path.write_bytes(b"x" * MUCH)
        source = Input(self.open(str(path), os.O_RDONLY))
        read = b""
        while data := await source.read():
            read += data
        self.assertEqual(len(read), MUCH)

    @in_loop
    async def test_cannot_be_read(self) -> None:
        """An error is not taken for the end."""
        _, writing = self.pipe()
        with self.assertRaises(OSError) as raised:
            await Input(writing).read()
        self.assertEqual(raised.exception.errno, errno.EBADF)


class RestoredTests(FileTestCase):
    """L{restored}."""

    def test_modes(self) -> None:
        """The standard files block again afterwards, if they did before."""
        before = [os.get_blocking(fd) for fd in range(3)]
        with restored():
            for fd in range(3):
                os.set_blocking(fd, not before[fd])
        self.assertEqual([os.get_blocking(fd) for fd in range(3)], before)


def _close(fd: int) -> None:
    try:
        os.close(fd)
    except OSError as error:  # the test has closed it
        assert error.errno == errno.EBADF
