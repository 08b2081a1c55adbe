"""Standard input, output and error: open files that never block, and say how they ended.

Strategy: Twisted's C{StandardIO} does not tell why an output broke, nor how much of what was
written is lost; and it takes an error in the input for its end. So these are descriptors of our
own. Standard error is one, too: on a terminal all three share one mode, and a blocking write would
fail.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat

from twisted.internet.abstract import FileDescriptor
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IProtocol, IReactorFDSet
from twisted.internet.main import CONNECTION_DONE, CONNECTION_LOST
from twisted.python.failure import Failure

_CHUNK = 2**13
"""The bytes that are read at a time."""


class Input(FileDescriptor):
    """An open file that is only read; a protocol gets its content, and the reason for its end."""

    def __init__(self, fd: int, protocol: IProtocol, reactor: IReactorFDSet) -> None:
        super().__init__(reactor)
        self.connected = 1
        self._fd = fd
        self._protocol = protocol
        os.set_blocking(fd, False)
        self.startReading()
        protocol.makeConnection(self)

    def fileno(self) -> int:
        return self._fd

    def doRead(self) -> Exception | None:
        try:
            data = os.read(self._fd, _CHUNK)
        except BlockingIOError:
            return None
        except OSError as error:
            return error
        if not data:
            return CONNECTION_DONE
        self._protocol.dataReceived(data)
        return None

    def connectionLost(self, reason: Failure) -> None:
        super().connectionLost(reason)
        self._protocol.connectionLost(reason)


class Output(FileDescriptor):
    """An open file that is only written to, by whole lines.

    A line is out when the kernel has taken all of it.

    @ivar ended: fires when it is closed, or takes no more.
    @ivar unshown: the number of lines that are not out; after the end they are lost.
    @ivar fault: the reason why it takes no more; empty if it was closed.
    """

    def __init__(self, fd: int, name: str, reactor: IReactorFDSet) -> None:
        """@param name: its name in words that the user knows."""
        super().__init__(reactor)
        self.ended: Deferred[None] = Deferred()
        self.unshown = 0
        self.fault = ""
        self.connected = 1
        self._fd = fd
        self._name = name
        os.set_blocking(fd, False)
        if _is_written_pipe(fd):
            # It can never be read, but this is how the kernel tells that nobody reads it any more.
            self.startReading()

    @property
    def full(self) -> bool:
        """True while there is no room for more."""
        return self.producerPaused and not self.disconnected

    def fileno(self) -> int:
        return self._fd

    def doRead(self) -> Exception:
        """Ends it: nothing can be read there, so the other end is gone."""
        return CONNECTION_LOST

    def write(self, data: bytes) -> None:
        self.unshown += data.count(b"\n")
        super().write(data)

    def writeSomeData(self, data: bytes | memoryview) -> int | BaseException:
        try:
            written = os.write(self._fd, data)
        except BlockingIOError:
            return 0
        except OSError as error:
            return error
        self.unshown -= bytes(data[:written]).count(b"\n")
        return written

    def connectionLost(self, reason: Failure) -> None:
        if self.unshown or not self.disconnecting:
            error = reason.value
            if isinstance(error, OSError) and error.errno != errno.EPIPE:
                self.fault = f"{self._name} cannot be written: {os.strerror(error.errno or 0)}"
            else:
                self.fault = f"nobody reads {self._name} any more"
        super().connectionLost(reason)
        self.ended.callback(None)


def _is_written_pipe(fd: int) -> bool:
    """True for a pipe that is open for writing only."""
    mode = fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE
    return stat.S_ISFIFO(os.fstat(fd).st_mode) and mode == os.O_WRONLY
