"""Lingering: a half-closed connection is closed once that cannot destroy what was sent."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from achat_twisted.net.transport import ServerTransport

QUIET = 1.0
"""The seconds without input after which a peer that has everything is waited for no longer."""

STALL_TIMEOUT = 10.0
"""The seconds within which a peer must acknowledge something, or close; then it is aborted."""

_FIRST_LOOK = 0.01
"""The seconds before the second look; each further wait is twice as long, up to L{QUIET}."""


class Linger:
    """Looks at a transport that has half-closed, now and then, until it can close it.

    @ivar flushed: fires when nothing is outstanding, or when the connection is gone.
    """

    def __init__(self, transport: ServerTransport, clock: IReactorTime) -> None:
        self.flushed: Deferred[None] = Deferred()
        self._transport = transport
        self._clock = clock
        self._wait = _FIRST_LOOK
        self._outstanding = transport.outstanding()
        self._input_seen = transport.input_seen
        self._progress = self._input = clock.seconds()
        self._timer: IDelayedCall = clock.callLater(0, self._look)

    def connection_lost(self) -> None:
        if self._timer.active():
            self._timer.cancel()
        self._flush()

    def _look(self) -> None:
        now = self._clock.seconds()
        outstanding = self._transport.outstanding()
        if outstanding < self._outstanding:
            self._outstanding, self._progress = outstanding, now
        if self._transport.input_seen > self._input_seen:
            self._input_seen, self._input = self._transport.input_seen, now
        if outstanding == 0:
            self._flush()
        if outstanding == 0 and (self._transport.input_over or now - self._input >= QUIET):
            self._transport.loseConnection()
        elif now - self._progress >= STALL_TIMEOUT:
            self._transport.abortConnection()
        else:
            self._timer = self._clock.callLater(self._wait, self._look)
            self._wait = min(2 * self._wait, QUIET)

    def _flush(self) -> None:
        if not self.flushed.called:
            self.flushed.callback(None)
