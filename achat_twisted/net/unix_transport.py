"""The connection on a unix socket, where the kernel knows the peer, and forgets it sooner."""

from __future__ import annotations

from socket import SO_ERROR, SOL_SOCKET, socket
from typing import Any

from twisted.internet import unix
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from achat_twisted.net.interfaces import IPoller
from achat_twisted.net.transport import ServerTransport
from achat_twisted.net.unix_sockets import uid_of_peer


class UnixServerTransport(ServerTransport, unix.Server):
    """A server's connection on a unix socket.

    The kernel counts what the peer has not read; but it forgets that when the peer is gone,
    so that after an unclean end only what was seen to be read before counts as such. A peer that
    dies with unread data leaves an error on our socket before its data is forgotten.
    """

    _written = 0
    _read = 0
    _died = False

    def __init__(self, poller: IPoller, sock: socket, *args: Any) -> None:
        super().__init__(poller, sock, *args)
        self.owner = f"uid {uid_of_peer(sock)}"

    def write(self, data: bytes) -> None:
        self._written += len(data)
        super().write(data)

    def _look(self) -> int:
        outstanding = super()._look()
        if self.socket.getsockopt(SOL_SOCKET, SO_ERROR):
            self._died = True
            self.abortConnection()  # as asking for the error has taken it from the reactor
        if self._died:
            return self._written - self._read
        self._read = max(self._read, self._written - outstanding)
        return outstanding

    def _look_back(self, reason: Failure) -> int:
        if reason.check(ConnectionDone):
            return self._look()
        return self._written - self._read
