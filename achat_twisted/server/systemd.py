"""Messages to systemd about the server: C{sd_notify(3)}.

A message is a datagram of C{NAME=value} lines, and that is all there is to it; a library would be
larger than this, and would bring a clock and a thread of its own.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, MutableMapping
from functools import partial

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from zope.interface import implementer

from achat_twisted.server.interfaces import INotifier

EVERY = 2.0
"""The most seconds between two looks at the status, and between two requests for more time."""

EXTENSION = 10.0
"""The seconds that systemd is asked for at a time, while a stop goes on."""

_STATES = ("READY=1", "STOPPING=1")
"""The lines that systemd waits for, and must get even if late."""


@implementer(INotifier)
class SystemdNotifier:
    """Tells systemd, which has started the process with C{Type=notify}.

    A timer on the reactor answers the watchdog, so that a reactor that hangs is noticed. It does so
    four times as often as the watchdog asks, since a suspension of the process does not count for
    the timer, but does for systemd: up to three quarters of the watchdog's time do no harm.
    """

    _log = Logger()

    def __init__(
        self,
        send: Callable[[bytes], None],
        status: Callable[[], str],
        clock: IReactorTime,
        *,
        watchdog: float | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """@param send: sends one message; may raise C{OSError}.
        @param status: returns the server's status, in one line.
        @param watchdog: seconds within which systemd wants to hear from us; None if it does not.
        @param monotonic: the time as systemd measures it; C{clock} may differ.
        """
        self._send = send
        self._status = status
        self._clock = clock
        self._has_watchdog = watchdog is not None
        self._every = EVERY if watchdog is None else min(EVERY, watchdog / 4)
        self._monotonic = monotonic
        self._told = ""
        self._untold: list[str] = []
        self._stop_until: float | None = None
        self._failing = False
        self._look = LoopingCall(self._look_around)
        self._look.clock = clock

    def ready(self) -> None:
        self._tell("READY=1", *self._news())
        self._start_looking()

    def reloading(self) -> None:
        self._tell("RELOADING=1", f"MONOTONIC_USEC={_usec(self._monotonic())}")

    def stopping(self, patience: float) -> None:
        self._stop_until = self._clock.seconds() + patience
        self._tell("STOPPING=1", *self._news(), _extension())
        self._start_looking()

    def stopped(self) -> None:
        if self._look.running:
            self._look.stop()

    def _start_looking(self) -> None:
        if not self._look.running:
            self._look.start(self._every, now=False).addErrback(
                partial(self._log.failure, "systemd is no longer told")
            )

    def _look_around(self) -> None:
        """Send news and messages that could not be sent; during a stop also ask for more time.

        Answer the watchdog, if there is one.
        """
        news = [*self._untold, *self._news()]
        if self._stop_until is not None and self._clock.seconds() < self._stop_until:
            news.append(_extension())
        if self._has_watchdog:
            news.append("WATCHDOG=1")
        if news:
            self._tell(*news)

    def _news(self) -> list[str]:
        """The status, if it differs from the last one sent."""
        status = self._status()
        if status == self._told:
            return []
        self._told = status
        return [f"STATUS={status}"]

    def _tell(self, *lines: str) -> None:
        """Send a message; a failure is logged once, until one can be sent again."""
        states = [line for line in lines if line in _STATES]
        try:
            self._send("\n".join(lines).encode())
        except OSError as error:
            if not self._failing:
                self._log.error(
                    "systemd cannot be told {lines}: {error}", lines=", ".join(lines), error=error
                )
            self._failing = True
            self._told = ""
            self._untold = states or self._untold
        else:
            self._failing = False
            if states:
                self._untold = []


@implementer(INotifier)
class NoNotifier:
    """The null object: nobody wants to know."""

    def ready(self) -> None:
        pass

    def reloading(self) -> None:
        pass

    def stopping(self, patience: float) -> None:
        pass

    def stopped(self) -> None:
        pass


def from_environment(
    environ: MutableMapping[str, str], status: Callable[[], str], clock: IReactorTime
) -> INotifier:
    """The notifier that systemd has asked for, or the null object.

    Its variables are removed from C{environ}, as they are not meant for child processes.
    """
    address = environ.pop("NOTIFY_SOCKET", "")
    usec = environ.pop("WATCHDOG_USEC", "")
    is_for_us = environ.pop("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    if not address:
        return NoNotifier()
    watchdog = int(usec) / 1_000_000 if usec.isdecimal() and is_for_us else 0
    return SystemdNotifier(_sender(address), status, clock, watchdog=watchdog or None)


def _sender(address: str) -> Callable[[bytes], None]:
    """Sends to C{address}: a path, or a name after an C{@}, which stands for a zero byte."""
    to = f"\0{address[1:]}" if address.startswith("@") else address

    def send(message: bytes) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as way:
            way.setblocking(False)  # as nobody may wait; what is not sent is sent again later
            way.sendto(message, to)

    return send


def _extension() -> str:
    return f"EXTEND_TIMEOUT_USEC={_usec(EXTENSION)}"


def _usec(seconds: float) -> int:
    return int(seconds * 1_000_000)
