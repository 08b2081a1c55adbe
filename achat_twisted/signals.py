"""The process's signals, and none."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType

from twisted.internet.interfaces import IReactorFromThreads
from zope.interface import implementer

from achat_twisted.interfaces import ISignals


@implementer(ISignals)
class ProcessSignals:
    """The real ones.

    The reactor answers the first SIGTERM or SIGINT with a stop and ignores a second one; SIGHUP
    and SIGUSR1, which it leaves alone, would kill the process at once.
    """

    def __init__(self, reactor: IReactorFromThreads) -> None:
        self._reactor = reactor

    def on_hangup(self, reload: Callable[[], None]) -> None:
        self._install(signal.SIGHUP, reload)

    def on_rotate(self, rotate: Callable[[], None]) -> None:
        self._install(signal.SIGUSR1, rotate)

    def on_second_signal(self, hurry: Callable[[], None]) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            self._install(number, hurry)

    def _install(self, number: signal.Signals, call: Callable[[], None]) -> None:
        def handle(number: int, frame: FrameType | None) -> None:
            self._reactor.callFromThread(call)

        signal.signal(number, handle)


@implementer(ISignals)
class NoSignals:
    """None at all, for a service that shares its process with others."""

    def on_hangup(self, reload: Callable[[], None]) -> None:
        pass

    def on_rotate(self, rotate: Callable[[], None]) -> None:
        pass

    def on_second_signal(self, hurry: Callable[[], None]) -> None:
        pass
