"""The housekeeper: an operator's view of the server, and its controls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from zope.interface import implementer

from achat_twisted.broker.broker import Broker
from achat_twisted.broker.session import Stage
from achat_twisted.mailbox.interfaces import IMailbox
from achat_twisted.operator.interfaces import IHousekeeper, Row


@implementer(IHousekeeper)
class Housekeeper:
    """Asks the server's own parts."""

    def __init__(
        self,
        broker: Broker,
        mailbox: IMailbox,
        connections: Callable[[], int],
        phase: Callable[[], str],
    ) -> None:
        """@param connections: returns the number that are open, including those without a name.
        @param phase: returns the server's phase between its start and its end.
        """
        self._broker = broker
        self._mailbox = mailbox
        self._connections = connections
        self._phase = phase

    def who(self) -> Iterator[Row]:
        for session in sorted(self._broker.sessions, key=lambda session: session.name):
            if session.stage is Stage.OVER:
                continue
            since = datetime.fromtimestamp(session.since, UTC)
            yield {
                "name": session.name,
                "from": session.outlet.peer,
                "since": f"{since:%Y-%m-%dT%H:%M:%SZ}",
                "taken": session.taken,
                "queued": session.outbox.size,
                "unacknowledged": session.outlet.outstanding(),
            }

    def sessions(self) -> int:
        return len(self._broker.sessions)

    def kick(self, name: str) -> bool:
        return self._broker.kick(name)

    def stats(self) -> Row:
        balance = self._broker.estimate()
        return {
            "phase": self.state(),
            "connections": self._connections(),
            "sessions": self.sessions(),
            "accepted": balance.accepted,
            "inherited": balance.inherited,
            "delivered": balance.delivered,
            "kept": balance.kept,
            "refused": balance.refused.total(),
            **{f"refused {word}": copies for word, copies in sorted(balance.refused.items())},
            "expired": balance.expired,
            "in flight": balance.in_flight,
        }

    def mail(self, name: str) -> Row | None:
        if not self._mailbox.knows(name):
            return None
        return {"kept": self._mailbox.count(name), "bytes": self._mailbox.size_for(name)}

    def drain(self, on: bool) -> None:
        self._broker.draining = on

    def draining(self) -> bool:
        return self._broker.draining

    def status(self) -> str:
        """The server's status in a few words."""
        in_flight = self._broker.estimate().in_flight
        return f"{self.state()}: {self.sessions()} sessions, {in_flight} in flight"

    def state(self) -> str:
        """The server's phase, or C{draining}."""
        phase = self._phase()
        return "draining" if self.draining() and phase == "ready" else phase
