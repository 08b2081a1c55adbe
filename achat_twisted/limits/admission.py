"""Admission: limits on connections, by the number that are here and by how often they come."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from achat_twisted.limits.limits import Limits

MINUTE = 60.0
"""The seconds over which attempts are counted, and refusals for the log."""

_TOLD = 128
"""The number of connections above a limit that are told so; any more are closed at once."""

_ORIGINS = 100_000
"""The most origins whose attempts and refusals are remembered: about 15 MB for each of the two."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The reason why a connection may not stay.

    @ivar is_told: true if there is time to tell the client.
    """

    why: str
    is_told: bool


class Admission:
    """Counts connections, in all and by their origin, and attempts by the minute.

    A connection that enters is counted until it leaves, welcome or not, as it has a descriptor. An
    origin that is not known yet is C{""}.
    """

    _log = Logger()

    def __init__(self, clock: IReactorTime, limits: Limits) -> None:
        self._clock = clock
        self._limits = limits
        self._total = 0
        self._here: Counter[str] = Counter()
        self._attempts: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._told: set[str] = set()
        self._minute: IDelayedCall | None = None
        self._stopped = False

    def enter(self, origin: str, is_local: bool) -> Refusal | None:
        """Count a connection that has come; None if it is welcome."""
        self._total += 1
        self._here[origin] += 1
        most = self._limits
        excess, why = _excess(self._total, most.connections), "too many connections"
        if origin and (most.limit_local or not is_local):
            self._attempts[origin] += 1
            excess, why = max(
                (excess, why),
                (_excess(self._here[origin], most.connections_per_host), f"{why} from {origin}"),
                (
                    _excess(self._attempts[origin], most.logins_per_host),
                    f"too many logins from {origin}, try again in a minute",
                ),
            )
            self._watch()
        if excess <= 0:
            return None
        self.refused(origin, why)
        return Refusal(why, is_told=excess <= _TOLD)

    def leave(self, origin: str) -> None:
        """Stop counting a connection that has entered with that origin and is gone."""
        self._total -= 1
        self._here[origin] -= 1
        if not self._here[origin]:
            del self._here[origin]

    def stop(self) -> None:
        """End the minute, and begin no other; nobody will come any more."""
        self._stopped = True
        if self._minute is not None:
            self._minute.cancel()
            self._end_minute()

    def refused(self, origin: str, why: str, kind: str = "") -> None:
        """Note that one that has entered is refused; the log has the first in a minute, and a sum.

        @param kind: one of a few; the log has the first of each. All limits are one kind.
        """
        if kind not in self._told:
            self._told.add(kind)
            self._log.info("connections are refused: {reason}", reason=why)
        self._refused[origin] += 1
        self._watch()

    def _watch(self) -> None:
        if self._minute is None and not self._stopped:
            self._minute = self._clock.callLater(MINUTE, self._end_minute)
        if len(self._attempts) > _ORIGINS:
            self._attempts.clear()
        if len(self._refused) > _ORIGINS:
            self._tell_refused()

    def _end_minute(self) -> None:
        self._minute = None
        self._attempts.clear()
        self._tell_refused()

    def _tell_refused(self) -> None:
        if self._refused:
            ((most, count),) = self._refused.most_common(1)
            self._log.info(
                "connections refused within a minute: {count}, from {peer} alone: {most}",
                count=self._refused.total(),
                most=count,
                peer=most,
            )
            self._refused.clear()
            self._told.clear()


def _excess(count: int, limit: int) -> int:
    """The excess over C{limit}; none if that is 0, which means no limit."""
    return count - limit if limit else 0
