"""The console: an operator's view of the server, and its controls."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from operator import attrgetter

from achat_twisted.broker.broker import Broker
from achat_twisted.broker.reading import Stage
from achat_twisted.broker.session import Session
from achat_twisted.broker.tagged import TaggedSession
from achat_twisted.mailbox.interfaces import IMailbox
from achat_twisted.operator.outcome import Outcome
from achat_twisted.operator.protocol import Facts, NotDone
from achat_twisted.operator.rooms import RoomDesk
from achat_twisted.reader.factory import ChatFactory


class Console:
    """Asks the server's own parts."""

    def __init__(
        self,
        broker: Broker,
        mailbox: IMailbox,
        factory: ChatFactory,
        phase: Callable[[], str],
        reload: Callable[[], Outcome],
    ) -> None:
        """@param phase: returns the server's phase between its start and its end.
        @param reload: has the server take new options, as on SIGHUP.
        """
        self.reload = reload
        self.rooms = RoomDesk(broker.rooms, mailbox)
        self._broker = broker
        self._mailbox = mailbox
        self._factory = factory
        self._phase = phase

    def who(self) -> Iterator[Facts]:
        """The facts about each session, as they are when they are taken."""
        for session in sorted(self._broker.sessions, key=attrgetter("name")):
            if session.stage is not Stage.OVER:
                yield {
                    "name": session.name,
                    "from": session.outlet.peer,
                    "since": _moment(session.since),
                    "taken": session.taken,
                    "queued": session.outbox.size,
                    "unacknowledged": session.outlet.outstanding(),
                    "tag": session.opening.tag if isinstance(session, TaggedSession) else "-",
                    **self._not_got(session),
                }

    def _not_got(self, session: Session | None) -> Facts:
        """The messages that were sent to a client with a tag, and not got, and since when."""
        if not isinstance(session, TaggedSession):
            return {"unconfirmed": 0, "unconfirmed_bytes": 0, "oldest": "-"}
        oldest = session.window.oldest
        return {
            "unconfirmed": session.window.sent,
            "unconfirmed_bytes": session.window.tail_size,
            "oldest": "-" if oldest is None else _moment(self._broker.time_of_day(oldest)),
        }

    def sessions(self) -> int:
        """The number of sessions, including those that leave and have not got everything yet."""
        return len(self._broker.sessions)

    def kick(self, name: str) -> bool:
        """End the session of C{name} at once, with the lines written so far; and those that only
        send for it.

        Those that it has not got are kept for it. False if there is no such session.
        """
        return self._broker.kick(name)

    def stats(self) -> Facts:
        """The fate of all copies so far, and the number of clients."""
        balance = self._broker.estimate()
        return {
            "phase": self.state(),
            "connections": self._factory.connections,
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

    def mail(self, name: str) -> Facts | None:
        """The amount of mail kept for C{name}; None if there is nobody by that name."""
        if not self._mailbox.knows(name):
            return None
        return {"kept": self._mailbox.count(name), "bytes": self._mailbox.size_for(name)}

    def names(self) -> Sequence[str]:
        """All names that the mailbox knows."""
        return self._mailbox.names()

    def size(self, name: str) -> int:
        """The bytes that count towards the limit for a name."""
        return self._mailbox.size_for(name)

    def mailbox(self, name: str) -> Facts | None:
        """The facts about the mailbox of C{name}; None if there is nobody by that name."""
        mail = self.mail(name)
        return mail and {"name": name, **mail, "tags": len(self._mailbox.tags.of(name))}

    async def purge(self, name: str) -> tuple[Facts, bool]:
        """Throw away all mail for C{name}, which must have no session, see L{is_here}.

        @return: how much that was, and true if its end would survive a crash.
        """
        size = self.size(name)
        copies = self._mailbox.purge(name)
        purged: Facts = {"purged": copies, "bytes": size - self.size(name)}
        committed = self._mailbox.commit()
        return purged, committed is None or await committed

    def is_here(self, name: str) -> bool:
        """True while there is a session of C{name}, even one that is over and has not ended yet."""
        return any(session.name == name for session in self._broker.sessions)

    def tags(self, name: str) -> Iterator[Facts]:
        """The facts about each tag of C{name}, the one unused for longest first."""
        here = {
            session.tag: session
            for session in self._broker.sessions
            if isinstance(session, TaggedSession) and session.name == name
        }
        for tag in self._mailbox.tags.of(name):
            yield {
                "tag": tag.name,
                "here": "yes" if tag.is_here else "no",
                "lines": tag.lines,
                "refusals": len(tag.refusals),
                **self._not_got(here.get(tag)),
            }

    def devices(self, name: str, forget: str = "") -> Iterator[Facts]:
        """The facts about each device of C{name}, after one was forgotten.

        @param forget: the one to forget; empty for none.
        @raise NotDone: if there is nobody by that name, or no such device that is away.
        """
        if not self._mailbox.knows(name):
            raise NotDone(f"there is nobody by the name {name}")
        if forget:
            self._forget_device(name, forget)
        row = self._mailbox.rows.get(name)
        for device in self._mailbox.rows.devices(name):
            left = row.end - row.position(name, device) if row else 0
            yield {"device": device, "left": left}

    def _forget_device(self, name: str, device: str) -> None:
        if device not in self._mailbox.rows.devices(name):
            raise NotDone(f"{name} has no device {device}")
        for tag in self._mailbox.tags.of(name):
            if tag.name == device and tag.is_here:
                raise NotDone(f"the device {device} is here; kick {name} first")
            if tag.name == device:
                self._mailbox.tags.forget(name, tag)

    @property
    def draining(self) -> bool:
        """True while nobody new is let in."""
        return self._broker.draining

    @draining.setter
    def draining(self, on: bool) -> None:
        self._broker.draining = on

    def status(self) -> str:
        """The server's status in a few words."""
        in_flight = self._broker.estimate().in_flight
        return f"{self.state()}: {self.sessions()} sessions, {in_flight} in flight"

    def state(self) -> str:
        """The server's phase, or C{draining}."""
        phase = self._phase()
        return "draining" if self.draining and phase == "ready" else phase


def _moment(when: float) -> str:
    """A time as people read it, in UTC.

    @param when: seconds since 1970.
    """
    return f"{datetime.fromtimestamp(when, UTC):%Y-%m-%dT%H:%M:%SZ}"
