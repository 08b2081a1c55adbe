"""Allowances: how many lines a client may send, and when it has to wait."""

from __future__ import annotations

import math
import sys
from typing import Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from achat_twisted import wire
from achat_twisted.limits.limits import Limits
from achat_twisted.limits.pacing import Sender

TELL_AGAIN = 60.0
"""Seconds until a client is told again that it is too fast."""

_AT_LEAST = 0.1
"""Seconds that a wait is longer than it need be, so that several lines may follow it."""


class Allowance(Protocol):
    """What a session may send.

    @ivar lines: how many lines it may have sent by now, since its login; who has sent more than
        that has I{overdrawn}.
    @ivar is_waiting: whether the sender is held now.
    """

    lines: int

    @property
    def is_waiting(self) -> bool: ...

    def overdraw(self, sender: Sender, sent: int) -> wire.Notice | None:
        """Hold C{sender}, who has sent so many lines, until it may send more.

        @return: what to tell it, if anything.
        """

    def end(self) -> None:
        """The session has ended."""


class Unlimited:
    """For this machine's own clients, who have no reason to be told what they may do."""

    __slots__ = ()
    lines = sys.maxsize
    is_waiting = False

    def overdraw(self, sender: Sender, sent: int) -> None:
        return None

    def end(self) -> None:
        pass


class Bucket:
    """A token bucket: a line takes a token out, and so many come in each second.

    A whole chunk is read at a time, which may take more than there is; then its sender waits for
    as long as it takes to make up for that. The bucket is looked at only when it is empty, so that
    a line costs nothing. What has come in by then makes up for what was overdrawn, and is a burst
    at most besides; so at once there can be two bursts and a chunk, and from the login on never
    more than rate, a burst and a chunk.
    """

    __slots__ = ("_clock", "_limits", "_owed", "_since", "_timer", "_told", "lines")

    def __init__(self, clock: IReactorTime, limits: Limits) -> None:
        self.lines = limits.burst
        self._clock = clock
        self._limits = limits
        self._since = clock.seconds()
        self._owed = 0
        self._told = -math.inf
        self._timer: IDelayedCall | None = None

    def overdraw(self, sender: Sender, sent: int) -> wire.Notice | None:
        now, rate, burst = self._clock.seconds(), self._limits.rate, self._limits.burst
        if not rate:
            self.lines = sent + burst
            return None
        earned = self.lines + min((now - self._since) * rate, burst + self._owed)
        self.lines = int(earned)
        self._since = now - (earned - self.lines) / rate
        self._owed = max(0, sent - self.lines)
        if self.lines >= sent or self.is_waiting:
            return None
        wait = (sent - earned) / rate + min(_AT_LEAST, burst / rate)
        self._timer = self._clock.callLater(wait, self._go_on, sender)
        sender.hold()
        if now - self._told < TELL_AGAIN:
            return None
        self._told = now
        return wire.slow_down(rate)

    @property
    def is_waiting(self) -> bool:
        return self._timer is not None

    def _go_on(self, sender: Sender) -> None:
        self._timer = None
        sender.release()

    def end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


UNLIMITED = Unlimited()
"""One is enough."""
