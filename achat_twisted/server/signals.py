"""The process's signals."""

from __future__ import annotations

import signal
from collections.abc import Callable
from functools import partial
from types import FrameType

from twisted.internet.interfaces import IReactorFromThreads
from twisted.logger import Logger
from zope.interface import implementer

from achat_twisted.server.interfaces import ISignals

STRAYS = (
    *(signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2),
    *(signal.SIGALRM, signal.SIGVTALRM, signal.SIGPROF),
    *(signal.SIGIO, signal.SIGPWR, signal.SIGSTKFLT),
    *range(signal.SIGRTMIN, signal.SIGRTMAX + 1),
)
"""Signals that mean something to other programs, and end a process that does not expect them.

The other signals in C{signal(7)} that end a process are faults of its own (SIGSEGV and the like),
limits that it has reached, or meant to end it: SIGTERM and SIGINT, which the reactor handles, and
SIGQUIT and SIGABRT, which leave a core dump for a watchdog. Python ignores SIGPIPE and SIGXFSZ.
"""


@implementer(ISignals)
class ProcessSignals:
    """The real signals.

    The reactor stops on the first SIGTERM or SIGINT and ignores a second one; it leaves all others
    alone.
    """

    _log = Logger()

    def __init__(self, reactor: IReactorFromThreads) -> None:
        self._reactor = reactor
        self._ignored: set[int] = set()

    def ignore_strays(self) -> None:
        for number in STRAYS:
            if signal.getsignal(number) == signal.SIG_DFL:
                self.on(number, partial(self._ignore, number))

    def on(self, number: int, call: Callable[[], object]) -> None:
        def handle(number: int, frame: FrameType | None) -> None:
            self._reactor.callFromThread(call)

        signal.signal(number, handle)

    def _ignore(self, number: int) -> None:
        if number not in self._ignored:
            self._ignored.add(number)
            self._log.info("{name} means nothing here: ignored", name=_name(number))


def _name(number: int) -> str:
    above = number - signal.SIGRTMIN
    return f"SIGRTMIN+{above}" if above >= 0 else signal.Signals(number).name
