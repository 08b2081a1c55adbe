"""Delays: who guesses secrets gets slower with each guess."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from twisted.internet.interfaces import IReactorTime

FIRST = 1.0
"""Seconds that a host's next login waits after a wrong secret."""

LONGEST = 10.0
"""After each further one it is twice as long, up to this."""

FORGET = 600.0
"""Seconds without a wrong secret, after which a host is as good as new."""

HOSTS = 10_000
"""How many hosts are remembered; when there are more, who guessed longest ago is forgotten."""


@dataclass(frozen=True, slots=True)
class _Record:
    wait: float
    since: float


class Delays:
    """How long the logins from each host wait before anybody looks at them.

    All of them, for if only wrong ones did, who guesses would not wait for the answer. A right
    secret does not make up for wrong ones, or else one of one's own would do for any number of
    guesses; but it waits no longer than L{LONGEST}, so nobody is locked out by a neighbour.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._records: OrderedDict[str, _Record] = OrderedDict()  # the longest ago first

    def __len__(self) -> int:
        """How many hosts are remembered."""
        return len(self._records)

    def wait(self, host: str) -> float:
        """Seconds that a login from C{host} has to wait."""
        record = self._records.get(host)
        if record is None or self._clock.seconds() >= record.since + FORGET:
            return 0.0
        return record.wait

    def wrong(self, host: str) -> None:
        """A wrong secret has come from C{host}."""
        wait = min(2 * self.wait(host), LONGEST) or FIRST
        self._records[host] = _Record(wait, self._clock.seconds())
        self._records.move_to_end(host)
        if len(self._records) > HOSTS:
            self._records.popitem(last=False)
