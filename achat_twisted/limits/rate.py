"""Rate limits: the lines that a client may send, and the waits of one that sends more."""

from __future__ import annotations

import math
import sys

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from achat_twisted import wire
from achat_twisted.limits.limits import Limits
from achat_twisted.limits.pacing import ISender

TELL_AGAIN = 60.0
"""The seconds until a client is told again that it is too fast."""

_AT_LEAST = 0.1
"""The seconds by which a wait is longer than need be, so that several lines may follow it."""


class Allowance:
    """The lines that a session may send; here without a limit, for this machine's own clients.

    It holds a sender with itself as the reason.

    @ivar lines: the number it may have sent by now, since its login; a session that has sent more
        has I{overdrawn}.
    """

    __slots__ = ()
    lines = sys.maxsize

    def overdraw(self, sender: ISender, sent: int) -> wire.Notice | None:
        """Hold C{sender}, which has sent so many lines, until it may send more.

        @return: the notice for it, if there is one.
        """
        return None

    def spare(self) -> None:
        """Let one line more be sent, as one that was sent is not to count."""

    def end(self) -> None:
        """Forget the wait, as the session has ended."""


UNLIMITED = Allowance()
"""The one that all share, as it has no state."""


class Bucket(Allowance):
    """A token bucket: a line takes out a token, and C{rate} tokens come in each second.

    A whole chunk is read at a time, which may take more than there is; then its sender waits for
    as long as it takes to make up for that. The bucket is looked at only when it is empty, so that
    a line costs nothing. The tokens that have come in by then make up for what was overdrawn, and
    beyond that are a burst at most. So two bursts and a chunk can come at once, but from the login
    on never more than the rate, a burst and a chunk.
    """

    __slots__ = ("_clock", "_limits", "_owed", "_since", "_timer", "_told", "lines")

    def __init__(self, clock: IReactorTime, limits: Limits) -> None:
        self._clock = clock
        self._limits = limits
        _, self.lines = self._terms()
        self._since = clock.seconds()
        self._owed = 0
        self._told = -math.inf
        self._timer: IDelayedCall | None = None

    def overdraw(self, sender: ISender, sent: int) -> wire.Notice | None:
        now = self._clock.seconds()
        rate, burst = self._terms()
        if not rate:
            self.lines = sent + burst
            return None
        earned = self.lines + min((now - self._since) * rate, burst + self._owed)
        self.lines = int(earned)
        self._since = now - (earned - self.lines) / rate
        self._owed = max(0, sent - self.lines)
        if self.lines >= sent or self._timer is not None:
            return None
        wait = (sent - earned) / rate + min(_AT_LEAST, burst / rate)
        self._timer = self._clock.callLater(wait, self._go_on, sender)
        sender.hold(self)
        if now - self._told < TELL_AGAIN:
            return None
        self._told = now
        return self._notice(rate)

    def _terms(self) -> tuple[int, int]:
        """The rate, and the burst."""
        return self._limits.rate, self._limits.burst

    def _notice(self, rate: int) -> wire.Notice:
        return wire.slow_down(rate)

    def spare(self) -> None:
        self.lines += 1

    def _go_on(self, sender: ISender) -> None:
        self._timer = None
        sender.release(self)

    def end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
