"""The process's signals, as far as a stop is concerned."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType

from twisted.internet.interfaces import IReactorFromThreads
from zope.interface import implementer

from achat_twisted.interfaces import IStopSignals


@implementer(IStopSignals)
class ProcessSignals:
    """The real ones.

    The reactor answers the first SIGTERM or SIGINT with a stop and ignores a second one; SIGHUP,
    which it leaves alone, would kill the process at once.
    """

    def __init__(self, reactor: IReactorFromThreads) -> None:
        self._reactor = reactor

    def on_hangup(self, stop: Callable[[], None]) -> None:
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            self._install(signal.SIGHUP, stop)

    def on_second_signal(self, hurry: Callable[[], None]) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            self._install(number, hurry)
        self.on_hangup(hurry)

    def _install(self, number: signal.Signals, call: Callable[[], None]) -> None:
        def handle(number: int, frame: FrameType | None) -> None:
            self._reactor.callFromThread(call)

        signal.signal(number, handle)


@implementer(IStopSignals)
class NoSignals:
    """None at all, for a service that shares its process with others."""

    def on_hangup(self, stop: Callable[[], None]) -> None:
        pass

    def on_second_signal(self, hurry: Callable[[], None]) -> None:
        pass
