"""A logged-in connection: its parts, its stage, and the reasons that hold it up."""

from __future__ import annotations

from dataclasses import dataclass

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from achat_twisted import wire
from achat_twisted.broker.answers import Answers, RenderNotice
from achat_twisted.broker.audience import Audience
from achat_twisted.broker.feed import Feed
from achat_twisted.broker.follower import Follower, RoomFollower
from achat_twisted.broker.interfaces import (
    IOwner,
    IPresence,
    IRooms,
    IServed,
    ISession,
    ISource,
    ITurns,
    Place,
)
from achat_twisted.broker.ledger import Ledger
from achat_twisted.broker.outbox import Outbox
from achat_twisted.broker.reading import NO_HOLDS, Reading, Stage
from achat_twisted.broker.writer import Writer
from achat_twisted.limits.rate import UNLIMITED, Allowance
from achat_twisted.mailbox.interfaces import IMailbox
from achat_twisted.net.interfaces import IOutlet
from achat_twisted.wire.rooms import parted, rooms_heard

_OVER = Stage.OVER
"""Looked up once, as that takes 0.07 µs with an enum, and is needed twice for each durable line."""


@dataclass(frozen=True, slots=True)
class Shared:
    """The collaborators that all sessions share."""

    turns: ITurns
    presence: IPresence
    rooms: IRooms
    mailbox: IMailbox
    ledger: Ledger
    clock: IReactorTime
    render: RenderNotice


@implementer(ISession, IOwner, IServed)
class Session(Reading):
    """One name's connection: a feed, an outbox and its writer, and answers, for one reader.

    @ivar rooms: the rooms that it follows, by name; None if it has not asked for any.
    @ivar since: the time it began, in seconds since 1970 by the wall clock.
    @ivar taken: the number of lines it has taken in; the reader counts, C{! bye} tells.
    @ivar commands: the number of them that are commands.
    """

    __slots__ = (
        "_parting",
        "_presence",
        "_shared",
        "_stray",
        "_turns",
        "allowance",
        "answers",
        "commands",
        "feed",
        "local",
        "name",
        "outbox",
        "outlet",
        "rooms",
        "since",
        "taken",
        "watched",
        "writer",
    )
    is_numbered = False
    _log = Logger()
    device = ""
    only_sends = False
    _room_follower = RoomFollower

    def __init__(
        self,
        name: str,
        outlet: IOutlet,
        source: ISource,
        outbox: Outbox,
        allowance: Allowance,
        since: float,
        shared: Shared,
    ) -> None:
        super().__init__(source)
        self.name = name
        self.outlet = outlet
        self.local = outlet.local
        self.outbox = outbox
        self.allowance = allowance
        self.feed: Feed = Feed(self, name, outbox, shared.mailbox, shared.ledger, shared.clock)
        self.answers: Answers = Answers(self, outbox, shared.turns, shared.render)
        self.writer: Writer = Writer(self, self.feed, outlet, shared.clock)
        self.watched = False
        self.since = since
        self.taken = 0
        self.commands = 0
        self.rooms: dict[str, RoomFollower] | None = None
        self._stray: dict[str, int] | None = None  # lines under way of rooms that it has left
        self._parting: tuple[wire.Notice, ...] = ()
        self._turns = shared.turns
        self._shared = shared
        self._presence = shared.presence

    def __repr__(self) -> str:
        return f"<{self.name} {self.stage.name} {self.feed.state.name}>"

    @property
    def places(self) -> tuple[Place, ...]:
        return (self.name,)

    @property
    def left_behind(self) -> int:
        return self.outbox.size + self.writer.tail_size if self.lost else 0

    def begin(self) -> None:
        self.feed.begin()
        if self.rooms is not None and self.is_here:
            self._shared.rooms.enter(self)

    def listen(self) -> None:
        """Hear what is said in the rooms of its name from now on."""
        self.rooms = {}
        self._shared.rooms.enter(self)

    def follow(self, audience: Audience, era: str) -> None:
        assert self.rooms is not None
        shared = self._shared
        self.rooms[audience.row.name] = follower = self._room_follower(
            self,
            self.name,
            self.outbox,
            shared.mailbox,
            shared.ledger,
            shared.clock,
            audience,
            self.device,
            era,
        )
        follower.begin()

    def unfollow(self, room: str) -> None:
        follower = (self.rooms or {}).pop(room, None)
        if follower is not None:
            follower.forget([])
            if under_way := follower.under_way:
                self._stray = self._stray or {}
                self._stray[room] = self._stray.get(room, 0) + under_way
        self.tell(parted(room))

    def feed_from(self, feed: Follower, sent: int) -> None:
        """Follow the row of its name from now on, as that is shared.

        @param sent: the number of messages that are on their way to it.
        """
        was, self.feed = self.feed, feed
        was.abandon()
        self.writer.feed_from(feed)
        feed.succeed(was, sent, is_here=self.stage is Stage.HERE)

    def arrived_of_rooms(self, messages: bytes) -> int:
        heard = rooms_heard(messages)
        for room, lines in heard.items():
            new = lines - self._strayed(room, lines)
            follower = (self.rooms or {}).get(room)
            if new and follower is not None:
                follower.delivered(new)
        return sum(heard.values())

    def _strayed(self, room: str, lines: int) -> int:
        """The part of the lines that have arrived from before it has left a room and come back."""
        if not self._stray:
            return 0
        stray = self._stray.pop(room, 0)
        if stray > lines:
            self._stray[room] = stray - lines
        return min(stray, lines)

    def _cut_rooms(self) -> None:
        """Send nothing more of what is said in rooms: it is there for the next session."""
        for follower in (self.rooms or {}).values():
            follower.cut()

    # Lines and notices for the client

    def deliver(self, lines: bytes, age: float = 0.0) -> None:
        if lines and self.outbox.append(lines, age):
            self._turns.touch(self)

    def tell(self, notice: wire.Notice) -> None:
        if not self.lost:
            self.answers.tell(notice)

    def give(self, answer: bytes) -> None:
        self.answers.give(answer)

    def tally(self, word: str, name: str) -> None:
        if not self.lost:
            self.answers.tally(word, name)

    def refuse(self, error: wire.WireError) -> None:
        self.tell(error.notice)

    def got(self, argument: str) -> None:
        raise wire.BadLine("/got is for those who have said /resume before their login line")

    def sync(self, token: str) -> None:
        self.answers.settle()
        self.answers.promise(wire.synced(self.lines, token))

    @property
    def lines(self) -> int:
        """The number of lines that are taken in, as its client is told."""
        return self.taken

    # The turn's end

    def touch(self) -> None:
        self._turns.touch(self)

    @property
    def is_withheld(self) -> bool:
        """True if it has not been told something, as commits fail."""
        return bool(self.answers.withheld)

    def end_turn(self) -> None:
        if self.stage is not _OVER:
            self.answers.end_turn()
            self.outbox.seal()

    def dispatch(self, is_safe: bool = True) -> None:
        if self.stage is not _OVER:
            if self.answers.sealed:
                self.answers.dispatch(is_safe)
            self.writer.release()
            if self.holds:
                self.answers.unclog()

    def flush(self) -> None:
        """Do both, L{end_turn} and L{dispatch}, as nothing is committed in between.

        A session that is only written to, as nearly all are, needs nothing else of them. With the
        one pass that L{Turns} makes then, that saves 6 calls for a line that comes alone.
        """
        if self.answers.tallies or self.holds:
            self.end_turn()
            self.dispatch()
        else:
            self.outbox.seal()
            self.writer.release()

    def look(self) -> bool:
        if self.stage is Stage.OVER:
            return False
        self.writer.look()
        if not self.is_withheld:
            return self.writer.is_asked or self.outbox.size > 0
        self.touch()
        return False

    # Calls from its writer and its feed

    def relieved(self) -> None:
        self.feed.relieve()
        if self.rooms:
            for follower in [*self.rooms.values()]:
                follower.relieve()
        self.answers.relieve()

    def all_fed(self) -> None:
        self.feed.cut()
        self.answers.settle()
        self.outbox.end()
        self._turns.touch(self)

    def farewell(self) -> bytes:
        return self.answers.farewell(*self._parting, wire.bye(self.lines))

    def ended(self, failure: Failure | None) -> None:
        if failure is not None:
            self._log.failure("The writer of {name} failed", failure, name=self.name)
            self.outlet.abort()
        self._stop_reading()
        self.forget()

    # The reading of its client

    @property
    def is_too_fast(self) -> bool:
        """True if it is not read just now, as its client has said too much, in rooms or at all."""
        return any(isinstance(reason, Allowance) for reason in self.holds)

    def last_call(self) -> bool:
        if self.answers in self.holds or self.is_too_fast:
            return False
        self.allowance = UNLIMITED
        return True

    def overdrawn(self) -> None:
        notice = self.allowance.overdraw(self, self.taken)
        if notice is not None:
            self.tell(notice)

    def go_on(self) -> None:
        """Read it again, in one of the turns to come; an older one of its name comes first."""
        if self._presence.is_first(self):
            self._turns.resume(self)

    # The end

    def connection_lost(self) -> None:
        if self.stage is not Stage.HERE:
            return  # it is going already, and its writer knows
        self.stage = Stage.LOST
        self.holds = NO_HOLDS
        self.answers.tallies = None
        self.feed.cut()
        self._cut_rooms()
        self._presence.lost(self)

    def drain(self) -> None:
        was_here = self.stage is Stage.HERE
        self._stop_reading()
        self._cut_rooms()
        if was_here:
            self.feed.drain()

    def cut(self, notice: wire.Notice | None = None) -> None:
        """Let it go with what has been written by now: the next session of its name gets the rest.

        One whose connection is lost ends when its reader has worked off what has come.

        @param notice: tells why, before C{! bye}.
        """
        if notice is not None and notice not in self._parting:
            self._parting += (notice,)
        self._stop_reading()
        self.feed.cut()
        self._cut_rooms()
        if self.stage is Stage.LEAVING:
            committed = self._turns.commit()
            if committed is None:
                self._cut(is_safe=True)
            else:
                committed.addCallback(self._cut)

    def forget(self) -> None:
        """Give back what has not arrived, and be gone; only once, however often called."""
        if self.stage is Stage.OVER:
            return
        self.stage = Stage.OVER
        left = self.writer.undelivered()
        self.feed.forget(left)
        self._shared.rooms.leave(self)
        self.outbox.forget()
        self.writer.forget()
        self.answers.tallies = None
        self.allowance.end()
        self._log.info(
            "{name} left; lines taken in: {taken}, handed back: {left}",
            name=self.name,
            peer=self.outlet.peer,
            taken=self.taken,
            left=len(left),
        )
        self._presence.remove(self)

    def _stop_reading(self) -> None:
        if self.stage is Stage.HERE:
            self.stage = Stage.LEAVING
            self._presence.changed()
        self.source.stopProducing()

    def _cut(self, is_safe: bool) -> None:
        """@param is_safe: true if the promises hold."""
        if self.stage is not Stage.OVER:
            self.answers.cut(is_safe)
            self.writer.cut()
