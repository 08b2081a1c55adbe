"""Descriptors: a process has only so many, and must keep some in reserve."""

from __future__ import annotations

import os
import resource

from twisted.internet import tcp
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

AGAIN = 0.25
"""The seconds between two looks at whether there are enough again."""


class Descriptors:
    """Makes ports accept nobody while descriptors are short.

    Clients that come meanwhile wait in the kernel. Otherwise Twisted would accept and close them,
    as fast as they come again. The lowest free number is the next to be given out, see C{open(2)},
    so a high one says that few are left.

    @ivar are_short: true while nobody may be accepted.
    """

    _log = Logger()

    def __init__(self, clock: IReactorTime, limit: int) -> None:
        """@param limit: the first number that is never given out."""
        self._clock = clock
        self._most = limit - min(128, limit // 4)
        self._ports: list[tcp.Port] = []
        self.are_short = False

    def watch(self, port: tcp.Port) -> None:
        """From now on make C{port} accept nobody while descriptors are short."""
        self._ports.append(port)

    def taken(self, fd: int) -> None:
        """Note that a connection has this one."""
        if fd >= self._most and not self.are_short:
            self.are_short = True
            self._log.warn(
                "descriptors are short, as there are {most} connections and files: nobody is let in"
                " until there are fewer; LimitNOFILE= in systemd's unit and ulimit -n allow more",
                most=self._most,
            )
            for port in self._open_ports():
                port.stopReading()
            self._clock.callLater(AGAIN, self._look)

    def _look(self) -> None:
        if self.lowest_free() >= self._most:
            self._clock.callLater(AGAIN, self._look)
            return
        self.are_short = False
        for port in self._open_ports():
            port.startReading()

    def lowest_free(self) -> int:
        """The lowest free descriptor; the limit, if none is free."""
        try:
            fd = os.open(os.devnull, os.O_RDONLY)
        except OSError:
            return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        os.close(fd)
        return fd

    def _open_ports(self) -> list[tcp.Port]:
        return [port for port in self._ports if port.connected]


def have_many(wanted: int) -> int:
    """Raise this process's limit on descriptors to C{wanted}, or as near as it may.

    @return: the limit now, see C{getrlimit(2)}.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return soft
