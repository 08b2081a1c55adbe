"""Standard files as descriptors: their input, their output, and their ends."""

from __future__ import annotations

import errno
import os
import select
from collections.abc import Callable
from typing import Any

from twisted.internet.error import ConnectionDone
from twisted.internet.testing import AccumulatingProtocol, MemoryReactorClock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.shell.files import Input, Output
from tests.disk import scratch_file
from tests.fakes import FakeSource


class FileTestCase(SynchronousTestCase):
    """A test with files that are closed when it is over."""

    def setUp(self) -> None:
        self.reactor: Any = MemoryReactorClock()

    def keep(self, fd: int) -> int:
        self.addCleanup(os.close, fd)
        return fd

    def output(self, fd: int) -> Output:
        return Output(fd, "standard output", self.reactor)


class OutputTests(FileTestCase):
    """L{Output}."""

    def _turn(self, output: Output, turn: Callable[[], Any]) -> None:
        """Does what a reactor does when a descriptor is ready."""
        if end := turn():
            output.connectionLost(Failure(end))

    def test_flushes_before_it_closes(self) -> None:
        """All that was written is in the file when the output says that it has ended."""
        path = scratch_file(self)
        output = self.output(self.keep(os.open(path, os.O_WRONLY | os.O_CREAT)))
        self.assertFalse(os.get_blocking(output.fileno()))
        output.write(b"one\n")
        output.write(b"two\n")
        output.loseConnection()
        self.assertNoResult(output.ended)
        self.assertEqual(output.unshown, 2)
        self._turn(output, output.doWrite)
        self.successResultOf(output.ended)
        self.assertEqual(path.read_bytes(), b"one\ntwo\n")
        self.assertEqual((output.unshown, output.fault), (0, ""))
        self.assertEqual(self.reactor.getReaders(), [])

    def test_full(self) -> None:
        """It is full from the moment at which its producer is paused until there is room again."""
        read, write = map(self.keep, os.pipe())
        output, source = self.output(write), FakeSource()
        output.registerProducer(source, True)
        self.assertFalse(output.full)
        output.write(b"x" * 2**18)
        self.assertTrue(output.full and source.paused)
        while output.full:
            self._turn(output, output.doWrite)
            os.read(read, 2**18)
        self.assertFalse(source.paused)
        output.write(b"x" * 2**18)
        output.connectionLost(Failure(ConnectionDone()))
        self.assertFalse(output.full)

    def test_full_disk(self) -> None:
        """A file that takes no more says why, and counts what is lost, then and later."""
        output = self.output(self.keep(os.open("/dev/full", os.O_WRONLY)))
        output.write(b"one\n")
        output.loseConnection()
        self._turn(output, output.doWrite)
        self.successResultOf(output.ended)
        output.write(b"two\n")
        self.assertEqual(output.unshown, 2)
        self.assertEqual(output.fault, "standard output cannot be written: No space left on device")

    def test_part_of_a_line(self) -> None:
        """A line counts as shown when all of it has been taken, however it is cut."""
        reading, writing = os.pipe()
        output = self.output(self.keep(writing))
        output.write(b"x" * 2**16 + b"\n" + b"y\n")  # a pipe holds one byte less
        self._turn(output, output.doWrite)
        self.assertEqual(output.unshown, 2)
        os.read(reading, 2**16)
        self._turn(output, output.doWrite)
        self.assertEqual(output.unshown, 0)
        os.close(reading)

    def test_pipe_that_nobody_reads(self) -> None:
        """A pipe's end is noticed at once, though nothing is written."""
        reading, writing = os.pipe()
        output = self.output(self.keep(writing))
        self.assertEqual(self.reactor.getReaders(), [output])
        with select.epoll() as poll:
            poll.register(writing, select.EPOLLIN)
            self.assertEqual(poll.poll(0), [])
            os.close(reading)
            self.assertEqual(poll.poll(0), [(writing, select.EPOLLERR)])
        self._turn(output, output.doRead)
        self.successResultOf(output.ended)
        self.assertEqual(output.fault, "nobody reads standard output any more")

    def test_broken_pipe(self) -> None:
        """A pipe's end is noticed by a write, too, and the written bytes are lost."""
        reading, writing = os.pipe()
        output = self.output(self.keep(writing))
        output.write(b"one\n")
        os.close(reading)
        self._turn(output, output.doWrite)
        self.assertEqual(
            (output.fault, output.unshown), ("nobody reads standard output any more", 1)
        )

    def test_pipe_that_ends_at_the_close(self) -> None:
        """A pipe that nobody reads any more is not a fault when it is closed and all is out."""
        reading, writing = os.pipe()
        output = self.output(self.keep(writing))
        output.loseConnection()
        os.close(reading)
        output.connectionLost(Failure(ConnectionDone()))
        self.assertEqual(output.fault, "")

    def test_nothing_for_a_closed_file(self) -> None:
        """A file that could not be written is not a fault if there was nothing to write."""
        output = self.output(self.keep(os.open(os.devnull, os.O_RDONLY)))
        output.loseConnection()
        self._turn(output, output.doWrite)
        self.successResultOf(output.ended)
        self.assertEqual(output.fault, "")


class InputTests(FileTestCase):
    """L{Input}."""

    def setUp(self) -> None:
        super().setUp()
        reading, self.writing = os.pipe()
        self.heard = AccumulatingProtocol()
        self.input = Input(self.keep(reading), self.heard, self.reactor)

    def test_reads(self) -> None:
        """The file's contents are passed on, and so is its end."""
        self.assertEqual(self.reactor.getReaders(), [self.input])
        self.assertFalse(os.get_blocking(self.input.fileno()))
        self.assertIsNone(self.input.doRead())
        os.write(self.writing, b"bob: hi\n")
        self.assertIsNone(self.input.doRead())
        self.assertEqual(self.heard.data, b"bob: hi\n")
        os.close(self.writing)
        end = self.input.doRead()
        self.assertIsInstance(end, ConnectionDone)
        self.input.connectionLost(Failure(end))
        self.assertTrue(self.heard.closed)

    def test_cannot_be_read(self) -> None:
        """An error is not taken for the end."""
        broken = Input(self.writing, self.heard, self.reactor)
        end: Any = broken.doRead()
        self.assertEqual(end.errno, errno.EBADF)
        os.close(self.writing)
