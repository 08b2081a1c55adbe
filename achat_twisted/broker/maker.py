"""The maker of sessions: each of the parts that its client's wishes ask for."""

from __future__ import annotations

from collections.abc import Callable

from achat_twisted.broker.interfaces import ISource
from achat_twisted.broker.outbox import Outbox
from achat_twisted.broker.session import Session, Shared
from achat_twisted.broker.shares import Shares
from achat_twisted.broker.stamps import StampingOutbox, StampingWindow
from achat_twisted.broker.tagged import TaggedSession
from achat_twisted.broker.window import WindowOutbox
from achat_twisted.limits.limits import Limits
from achat_twisted.limits.rate import UNLIMITED, Allowance, Bucket
from achat_twisted.net.interfaces import IOutlet
from achat_twisted.wire.tags import Opening


class Maker:
    """Makes sessions, with a tag or without."""

    def __init__(
        self, shared: Shared, shares: Shares, limits: Limits, wall: Callable[[], float]
    ) -> None:
        """@param wall: the time of day, for display and for stamps."""
        self._shared = shared
        self._shares = shares
        self._limits = limits
        self._wall = wall

    def make(self, name: str, outlet: IOutlet, source: ISource, opening: Opening) -> Session:
        limit, pool, wall = self._shares.each(), self._shares.pool, self._wall
        allowance, now = self._allowance(outlet), wall()
        if opening.tag:
            window = (
                StampingWindow(limit, pool, wall) if opening.stamps else WindowOutbox(limit, pool)
            )
            return TaggedSession(
                opening, name, outlet, source, window, allowance, now, self._shared
            )
        outbox = StampingOutbox(limit, pool, wall) if opening.stamps else Outbox(limit, pool)
        return Session(name, outlet, source, outbox, allowance, now, self._shared)

    def _allowance(self, outlet: IOutlet) -> Allowance:
        if outlet.local and not self._limits.limit_local:
            return UNLIMITED
        return Bucket(self._shared.clock, self._limits)
