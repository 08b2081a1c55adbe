"""Unix sockets, which are files: a dead server's is replaced, and a server's own is removed.

Strategy: the kernel does not remove the file of a socket that nobody has open any more, so a killed
server leaves one behind. Twisted tells a dead server from a living one by its process number, which
in a container is the same each time. Here the socket itself is tried: a connection is refused when
nobody listens (C{connect(2)}, C{unix(7)}).
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import socket
import stat
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from twisted.internet import tcp, unix
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IProtocolFactory
from twisted.logger import Logger
from twisted.python.failure import Failure

LOCK_TIMEOUT = 1.0
"""The seconds to wait for another server that starts in the same directory."""

_AGAIN = 0.01
"""The seconds between two looks at whether it is done."""

NOBODY = (-1, -1)
"""A user and a group that leave a file's owners unchanged, see C{chown(2)}."""


def uid_of_peer(connection: socket.socket) -> int:
    """The user at the other end of a connection, as the kernel knows it."""
    ucred = struct.Struct("iII")  # the kernel's: process, user and group, see unix(7)
    packed = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, ucred.size)
    return int(ucred.unpack(packed)[1])


class UnixSockets:
    """Listens on unix sockets in the reactor's place, see C{IReactorUNIX.listenUNIX}.

    Twisted's own C{unix:} endpoints take it for a reactor.
    """

    def __init__(self, reactor: Any, owner: tuple[int, int] = NOBODY) -> None:
        """@param owner: the user and the group that the files are to belong to."""
        self._reactor = reactor
        self._owner = owner

    def listenUNIX(
        self,
        address: str,
        factory: IProtocolFactory,
        backlog: int = 50,
        mode: int = 0o666,
        wantPID: bool = False,
    ) -> IListeningPort:
        """Listen at a path.

        @param wantPID: true for a lock file beside it while it is open, as Twisted makes it; other
            programs on Twisted respect it.
        @raise CannotListenError: if that is not possible, or another server listens there.
        """
        port = _Port(os.fsencode(address), factory, backlog, mode, self._reactor, wantPID)
        try:
            with _alone_in(os.path.dirname(os.path.abspath(address))):
                _make_way(address)
                port.startListening()
            if self._owner != NOBODY:  # as a sandbox may forbid the call
                os.chown(address, *self._owner, follow_symlinks=False)
        except OSError as error:
            raise CannotListenError(None, address, error) from None
        listening: IListeningPort = port
        return listening

    def peer_uid(self, transport: Any) -> int:
        return uid_of_peer(transport.getHandle())

    def is_gone(self, transport: Any) -> bool:
        """Tell if the other end of a connection, which writes no more, reads no more either."""
        poll = select.poll()
        poll.register(transport.getHandle(), 0)  # a hangup is always reported
        return bool(poll.poll(0))


class _Port(unix.Port):
    """Twisted's own, which at its end would remove whatever is at its path, or fail to."""

    _log = Logger()
    _file: os.stat_result

    def startListening(self) -> None:
        try:
            super().startListening()
        except CannotListenError:
            self._unlock()
            raise
        self._file = os.lstat(self._bindPath)

    def connectionLost(self, reason: Failure) -> None:
        try:
            with suppress(FileNotFoundError):
                if os.path.samestat(self._file, os.lstat(self._bindPath)):
                    os.unlink(self._bindPath)
                    self._unlock()
        except OSError as error:
            self._log.info(
                "{path} stays behind, for the next server to take over: {why}",
                path=os.fsdecode(self._bindPath),
                why=error.strerror,
            )
        tcp.Port.connectionLost(self, reason)

    def _unlock(self) -> None:
        if self.lockFile is not None and self.lockFile.locked:
            with suppress(ValueError):  # it is another server's by now
                self.lockFile.unlock()


@contextmanager
def _alone_in(directory: str) -> Iterator[None]:
    """Keep other servers from looking at the sockets of a directory until this one listens.

    Otherwise two that start at once could both find a dead server's socket, and the second would
    remove the first one's. The kernel's lock ends with the process that holds it, however that
    ends, see C{flock(2)}.

    @raise OSError: if another process does not release it within L{LOCK_TIMEOUT}.
    """
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        deadline = time.monotonic() + LOCK_TIMEOUT
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise OSError(
                        errno.EBUSY, f"{directory} is locked by another process"
                    ) from None
                time.sleep(_AGAIN)
        yield
    finally:
        os.close(descriptor)


def _make_way(path: str) -> None:
    """Remove a socket that a dead server has left behind, and its lock file; nothing else.

    @raise OSError: if a server is there.
    """
    with suppress(FileNotFoundError):
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            return  # and listening will fail, as something is there
        with socket.socket(socket.AF_UNIX) as knocking:
            knocking.setblocking(False)
            code = knocking.connect_ex(path)
        if code in (0, errno.EAGAIN):
            raise OSError(errno.EADDRINUSE, "another server listens there")
        if code != errno.ECONNREFUSED:
            return
        os.unlink(path)
    if os.path.islink(f"{path}.lock"):  # as Twisted's are
        os.unlink(f"{path}.lock")
