"""The broker: routes each line to those that are here, or to the mailbox, and accounts for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from achat_twisted import wire
from achat_twisted.broker.answers import RenderNotice
from achat_twisted.broker.backpressure import Backpressure
from achat_twisted.broker.feed import FeedState
from achat_twisted.broker.interfaces import IBroker, ISession, ISource, Place
from achat_twisted.broker.ledger import Balance, Ledger
from achat_twisted.broker.load import Load, weigh
from achat_twisted.broker.maker import Maker
from achat_twisted.broker.presence import Presence
from achat_twisted.broker.room_commands import RoomCommands
from achat_twisted.broker.rooms import Rooms
from achat_twisted.broker.session import Session, Shared
from achat_twisted.broker.shares import OUTBOX_LIMIT, Shares
from achat_twisted.broker.takeover import Duplicate, Takeover
from achat_twisted.broker.turns import Turns
from achat_twisted.limits.limits import Limits
from achat_twisted.mailbox.interfaces import IMailbox
from achat_twisted.net.interfaces import IOutlet, Soon
from achat_twisted.wire.tags import PLAIN, Opening

_LIVE = FeedState.LIVE
"""Looked up once, as that takes 0.07 µs with an enum, and is needed for each copy."""


@implementer(IBroker)
class Broker(Service):
    """Routes each line, and keeps the ledger.

    It knows no transport and no reactor. Sessions come through L{join} and go only when their
    writer has ended; what the writer left goes to the mailbox, ahead of anything newer.

    @ivar sessions: all, even those that are leaving and still have lines to get.
    @ivar pool: see L{Shares}.
    @ivar rooms: the rooms, and those who are in them.
    @ivar room_commands: what clients may ask of them.
    @ivar draining: true if an operator wants nobody new let in.
    """

    _log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        mailbox: IMailbox,
        *,
        soon: Soon | None = None,
        limits: Limits | None = None,
        duplicate: Duplicate = Duplicate.REJECT,
        durable: bool = False,
        outbox_limit: int = OUTBOX_LIMIT,
        render: RenderNotice = wire.render_notice,
        expects: Callable[[str], bool] = lambda _name: False,
        wall: Callable[[], float] = time.time,
        anyone_makes_rooms: bool = False,
    ) -> None:
        """@param soon: C{clock} if it is not given, as C{limits} are the usual ones.
        @param durable: true if each turn's copies are committed before they reach any writer.
        @param render: renders notices; L{wire.say_nothing} for the seeds' wire.
        @param expects: true for a name that may come though it never has; its mail is kept.
        @param anyone_makes_rooms: true if a room that there is not is made for anyone who joins it.
        @param wall: the time of day, for display only; everything waits by C{clock}.
        """
        self._is_durable = durable
        self._clock = clock
        self._mailbox = mailbox
        self._limits = limits or Limits()
        self._render = render
        self._expects = expects
        self._wall = wall
        self._ledger = Ledger(mailbox)
        self._presence = Presence(render)
        self._peers: Mapping[Place, Session] = self._presence.places
        self.sessions: Collection[Session] = self._presence.sessions
        self._shares = Shares(clock, self._limits, outbox_limit, self.sessions)
        self.pool = self._shares.pool
        soon = soon or (lambda call: clock.callLater(0, call))
        self._turns = Turns(clock, soon, mailbox, self._shares, is_durable=durable)
        self.rooms = Rooms(mailbox, self._presence, self._ledger, self._turns, clock, self._limits)
        self.room_commands = RoomCommands(self.rooms, mailbox, self._presence, self.pool, wall)
        self.room_commands.let_anyone_make(anyone_makes_rooms)
        shared = Shared(
            self._turns, self._presence, self.rooms, mailbox, self._ledger, clock, render
        )
        self._maker = Maker(shared, self._shares, self._limits, wall)
        self._backpressure = Backpressure(clock, mailbox)
        self._takeover = Takeover(self._presence, clock, duplicate)
        self.draining = False

    def startService(self) -> None:
        super().startService()
        self._ledger.open()

    def set_duplicate(self, duplicate: Duplicate) -> None:
        """Decide in this way from now on when somebody logs in with the name of one who is here."""
        self._takeover.duplicate = duplicate

    def set_outbox_limit(self, limit: int) -> None:
        """Queue so many bytes at most for each who logs in from now on."""
        self._shares.limit = limit

    # Sessions, by name

    def join(
        self, name: str, outlet: IOutlet, source: ISource, opening: Opening = PLAIN
    ) -> Session:
        if not self.running or self.draining:
            raise wire.busy()
        older = self._takeover.older(name, opening)
        session = self._maker.make(name, outlet, source, opening)
        self._presence.add(session)
        if not opening.only_sends:
            self._mailbox.enroll(name)
            feed = self.rooms.feed_for(session)
            if feed is not None:
                session.feed_from(feed, 0)
        if opening.rooms:
            session.rooms = {}
        session.tell(wire.welcome(name))
        session.writer.start()
        self._log.info("{name} logged in from {peer}", name=name, peer=outlet.peer)
        if not self._presence.is_first(session):
            session.rest()  # as what the name has said before comes first
        for other in older:
            other.cut(wire.replaced())
        if opening.tag:
            self._turns.resume(session)  # when all that came with the login line is here
        else:
            self._presence.begin(session)
        return session

    def tell_names(self, session: ISession) -> None:
        who = self._presence.who()
        if not self.pool.takes(len(who)):
            raise wire.BadLine(
                "/who is not answered just now, as too much waits for clients that do not read"
            )
        session.give(who)

    def kick(self, name: str) -> bool:
        sessions = dict.fromkeys(each for each in self._peers.values() if each.name == name)
        for session in sessions:
            session.cut(wire.kicked())
        return bool(sessions)

    # Routing

    def post(self, sender: ISession, post: wire.Post) -> None:
        line = wire.render_post(sender.name, post.text)
        self._ledger.accepted += len(post.recipients)
        for name in post.recipients:
            peer = self._peers.get(name)
            if peer is None:
                self._keep(sender, name, line)
                continue
            feed, outbox = peer.feed, peer.outbox
            if feed.state is _LIVE:
                if self._is_durable:
                    if self._mailbox.record(name, line):
                        self._wait_for_disk(sender)
                else:
                    feed.passed += 1
                if outbox.append(line):
                    self._turns.touch(peer)
                if outbox.size < outbox.high_mark:
                    continue
                if outbox.is_full:
                    feed.fall_behind()
            else:
                self._keep(sender, name, line)
                feed.admitted += len(line)
            if feed.pressed:
                feed.pace.press(sender)

    def post_run(self, sender: ISession, posts: Sequence[wire.Post]) -> bool:
        deliveries: list[tuple[Session, bytes, int]] = []
        for post in posts:
            lines = wire.render_post(sender.name, post.text)
            copies = post.text.count("\n") + 1
            for name in post.recipients:
                peer = self._peers.get(name)
                if peer is None or peer.feed.state is not _LIVE or not peer.outbox.takes(lines):
                    return False
                deliveries.append((peer, lines, copies))
        for peer, lines, copies in deliveries:
            self._ledger.accepted += copies
            if self._is_durable:
                if self._mailbox.record(peer.name, lines):
                    self._wait_for_disk(sender)
            else:
                peer.feed.passed += copies
            peer.deliver(lines)
        return True

    def _wait_for_disk(self, sender: ISession) -> None:
        """Let a sender wait for the disk, as more comes than that takes, and so would its lines."""
        committed = self._mailbox.commit()
        if committed is not None:
            sender.hold(committed)
            committed.addCallback(lambda _: sender.release(committed))

    def _keep(self, sender: ISession, name: str, line: bytes) -> None:
        if self.rooms.takes(name):
            self.rooms.post(sender, name, line)
        else:
            self._keep_mail(sender, name, line)
        if self._mailbox.pressed:
            self._backpressure.press(sender)

    def _keep_mail(self, sender: ISession, name: str, line: bytes) -> None:
        if not (self._mailbox.knows(name) or self._introduce(name)):
            outcome = "unknown"
        elif self._mailbox.keep(name, line):
            outcome = "kept"
        else:
            outcome = "full"
        if outcome != "kept":
            self._ledger.refused[outcome] += 1
        sender.tally(outcome, name)

    def _introduce(self, name: str) -> bool:
        is_expected = self._expects(name)
        if is_expected:
            self._mailbox.introduce(name)
        return is_expected

    # The stop

    def stopService(self) -> Deferred[None]:
        """Drain: end every outbox behind what is queued for it.

        @return: fires when every writer has ended. The readers must have stopped before.
        """
        super().stopService()
        self._turns.end()
        for session in list(self.sessions):
            session.drain()
        self._turns.end()
        return self._presence.empty().addCallback(self._drained)

    def _drained(self, _: None) -> None:
        self._backpressure.stop()
        self._turns.stop()
        self._shares.stop()

    def cut(self) -> None:
        """Wait no more for slow clients: what is not written yet goes to the mailbox."""
        for session in list(self.sessions):
            session.cut()

    def forget(self) -> None:
        """Forget sessions that should have ended long ago: a bug, but no reason to wait."""
        for session in list(self.sessions):
            self._log.error("{name} does not end: ended by force", name=session.name)
            session.forget()

    # The accounts

    def balance(self) -> Balance:
        """The ledger, with what the mailbox and the sessions really hold at this moment."""
        return self._ledger.balance(sum(session.writer.copies() for session in self.sessions))

    def estimate(self) -> Balance:
        """The ledger, without a look at the sessions."""
        return self._ledger.estimate()

    def stats(self) -> str:
        return str(self.estimate())

    def load(self) -> Load:
        self.pool.highest = max(self.pool.highest, self.pool.size)
        return weigh(self.sessions, self._clock.seconds(), self.pool.size)

    def time_of_day(self, moment: float) -> float:
        """The time in seconds since 1970 of a moment by the clock that the server waits by."""
        return self._wall() - (self._clock.seconds() - moment)
