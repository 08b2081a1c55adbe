"""The broker: knows who is here, routes each line, and accounts for it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from enum import StrEnum

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IPushProducer, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from achat_twisted import wire
from achat_twisted.broker.backpressure import Backpressure
from achat_twisted.broker.feed import FeedState
from achat_twisted.broker.interfaces import IBroker
from achat_twisted.broker.ledger import Balance, Ledger
from achat_twisted.broker.load import Load, weigh
from achat_twisted.broker.session import RenderNotice, Session
from achat_twisted.broker.turns import Turns
from achat_twisted.limits.limits import Limits
from achat_twisted.limits.memory import Pool
from achat_twisted.limits.rate import UNLIMITED, Allowance, Bucket
from achat_twisted.mailbox.interfaces import IMailbox
from achat_twisted.net.interfaces import IOutlet, Soon
from achat_twisted.tools.backoff import Backoff

OUTBOX_LIMIT = 2**20
"""Bytes queued in memory for one peer, unless the server is told otherwise."""


_PEACE = 60.0
"""Seconds at most for which a name that is fought over cannot be taken over again."""

_FED = 2
"""The most outboxes to hold more in a turn: each may be fed a page of mail, in 10 to 20 ms."""

_LIVE = FeedState.LIVE
"""Looked up once, as that takes 0.07 µs with an enum, and is needed for each copy."""


class Duplicate(StrEnum):
    """The fate of a login with the name of somebody who is here."""

    REJECT = "reject"
    TAKEOVER = "takeover"


@implementer(IBroker)
class Broker(Service):
    """Routes each line, and keeps the ledger.

    It knows no transport and no reactor. Sessions come through L{join} and go only when their
    writer has ended, for whatever reason, and what the writer left goes to the mailbox, ahead of
    anything newer. Stopping it drains it: every outbox gets its end marker behind what is queued.

    @ivar pool: the count of what all outboxes and writers hold.
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
    ) -> None:
        """@param soon: C{clock}, if it is not given.
        @param limits: the usual ones, if they are not given.
        @param durable: true if each turn's copies are committed before they reach any writer.
        @param render: renders notices; L{wire.say_nothing} for the seeds' wire.
        @param expects: true for a name that may come though it never has; its mail is kept.
        @param wall: the time of day, for display only; everything waits by C{clock}.
        """
        self.durable = durable
        self._clock = clock
        self._mailbox = mailbox
        self._duplicate = duplicate
        self._outbox_limit = outbox_limit
        self._limits = limits or Limits()
        self.pool = Pool(self._limits)
        self._render = render
        self._expects = expects
        self._wall = wall
        self._ledger = Ledger()
        self._peers: dict[str, Session] = {}
        self._sessions: set[Session] = set()
        self._count: Counter[str] = Counter()
        self._fights = Backoff(clock, longest=_PEACE)
        self._turns = Turns(
            clock,
            soon or (lambda call: clock.callLater(0, call)),
            mailbox.commit if durable else None,
            self.pool,
            self._look_at_pool,
        )
        self.touch = self._turns.touch
        self._backpressure = Backpressure(clock, mailbox)
        self._expired_before = 0
        self._to_resize: list[Session] = []
        self._resizing: IDelayedCall | None = None
        self._deserted: dict[str, list[Session]] = {}  # by name, the longest ago first
        self._who: bytes | None = None  # the answer to /who, until somebody comes or goes
        self._drained: Deferred[None] | None = None
        self.draining = False

    def startService(self) -> None:
        super().startService()
        self._ledger.inherited = self._mailbox.copies()
        self._expired_before = self._mailbox.expired

    def set_terms(self, duplicate: Duplicate, outbox_limit: int) -> None:
        """Apply this to all logins from now on."""
        self._duplicate = duplicate
        self._outbox_limit = outbox_limit

    # Sessions, by name

    def join(self, name: str, outlet: IOutlet, source: IPushProducer) -> Session:
        if self._drained is not None or self.draining:
            raise wire.busy()
        holder = self._peers.get(name)
        if holder is not None and holder.is_here:
            if self._duplicate is Duplicate.REJECT or self._fights.lasts(name):
                raise wire.name_taken(name)
            self._fights.tried(name)
        session = Session(
            name,
            outlet,
            source,
            self,
            self._mailbox,
            self._ledger,
            clock=self._clock,
            since=self._wall(),
            outbox_limit=self._share(),
            pool=self.pool,
            allowance=self._allowance(outlet),
            render=self._render,
        )
        self._peers[name] = session
        self._sessions.add(session)
        self._count[name] += 1
        self._who = None
        self._mailbox.enroll(name)
        session.tell(wire.welcome(name))
        session.writer.start()
        self._log.info("{name} logged in from {peer}", name=name, peer=outlet.peer)
        if name in self._deserted:
            session.rest()  # as what the name has said before comes first
        if holder is not None and not holder.deserted:
            self._replace(holder)
        self._catch_up(name)
        return session

    def _allowance(self, outlet: IOutlet) -> Allowance:
        if outlet.local and not self._limits.limit_local:
            return UNLIMITED
        return Bucket(self._clock, self._limits)

    def _catch_up(self, name: str) -> None:
        """Let the name's session have its mail, unless an older one still has lines for it."""
        session = self._peers.get(name)
        if (
            session is not None
            and session.feed.state is FeedState.WAITING
            and self._count[name] == 1
        ):
            session.feed.begin()

    def leave(self, session: Session) -> None:
        if not session.leaving:
            session.leaving = True
            self._who = None
            session.source.stopProducing()
            session.feed.drain()

    def names(self) -> list[str]:
        return sorted(name for name, session in self._peers.items() if session.is_here)

    def tell_names(self, session: Session) -> None:
        # Rendered once for all that ask until somebody comes or goes: with 1,000 names of 64 bytes
        # it takes 0.3 ms.
        if self._who is None:
            self._who = self._render(wire.who(self.names()))
        if not self.pool.takes(len(self._who)):
            raise wire.BadLine(
                "/who is not answered just now, as too much waits for clients that do not read"
            )
        session.answer(self._who)

    def deserted(self, session: Session) -> None:
        self._who = None
        self._deserted.setdefault(session.name, []).append(session)
        session.feed.cut()

    @property
    def sessions(self) -> Collection[Session]:
        """All sessions, even those that are leaving and still have lines to get."""
        return self._sessions

    def kick(self, name: str) -> bool:
        session = self._peers.get(name)
        if session is None:
            return False
        if wire.kicked() not in session.parting:
            session.parting += (wire.kicked(),)
        self._cut_short(session)
        return True

    # Routing

    def post(self, sender: Session, post: wire.Post) -> None:
        line = wire.render_post(sender.name, post.text)
        self._ledger.accepted += len(post.recipients)
        for name in post.recipients:
            peer = self._peers.get(name)
            if peer is None:
                self._keep(sender, name, line)
                continue
            feed, outbox = peer.feed, peer.outbox
            if feed.state is _LIVE:
                if self.durable:
                    self._record(sender, name, line)
                else:
                    feed.passed += 1
                if outbox.append(line):
                    self.touch(peer)
                if outbox.size < outbox.high_mark:
                    continue
                if outbox.size >= outbox.limit:
                    feed.fall_behind()
            else:
                self._keep(sender, name, line)
                feed.admitted += len(line)
            if feed.pressed:
                feed.pace.press(sender)

    def post_run(self, sender: Session, posts: Sequence[wire.Post]) -> bool:
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
            if self.durable:
                self._record(sender, peer.name, lines)
            else:
                peer.feed.passed += copies
            peer.deliver(lines)
        return True

    def _record(self, sender: Session, name: str, lines: bytes) -> None:
        """Make lines that go straight to C{name} outlive a crash.

        When more comes than the disk takes, the sender waits: all that it says would have to.
        """
        self._mailbox.record(name, lines)
        committed = self._mailbox.commit() if self._mailbox.pressed else None
        if committed is not None:
            sender.hold(committed)
            committed.addCallback(lambda _: sender.release(committed))

    def _keep(self, sender: Session, name: str, line: bytes) -> None:
        if not (self._mailbox.knows(name) or self._introduce(name)):
            outcome = "unknown"
        elif self._mailbox.keep(name, line):
            outcome = "kept"
        else:
            outcome = "full"
        if outcome != "kept":
            self._ledger.refused[outcome] += 1
        sender.tally(outcome, name)
        if self._mailbox.pressed:
            self._backpressure.press(sender)

    def _introduce(self, name: str) -> bool:
        """Let the mailbox know a name that is expected."""
        is_expected = self._expects(name)
        if is_expected:
            self._mailbox.introduce(name)
        return is_expected

    def resume(self, session: Session) -> None:
        """Let a session go on, unless an older one of its name has lines still to be taken in."""
        deserted = self._deserted.get(session.name)
        if deserted is None or deserted[0] is session:
            self._turns.resume(session)

    def _resume_next(self, name: str) -> None:
        """Let the next session of a name go on, as the one before it has no more to say."""
        waiting = self._deserted[name] or [*filter(None, [self._peers.get(name)])]
        if not self._deserted[name]:
            del self._deserted[name]
        for session in waiting[:1]:
            self._turns.resume(session)

    def _look_at_pool(self) -> None:
        """Let each outbox hold less when all together hold too much, and more when they do not."""
        if self.pool.look():
            self._log.info(
                "{size} bytes wait for all clients: {share} may wait for each from now on",
                size=self.pool.size,
                share=self._share(),
            )
            self._stop_resizing()
            self._to_resize = [*self._sessions]
            self._resize()

    def _resize(self) -> None:
        """Let all outboxes hold less; or a few hold more, and the others in the turns to come."""
        self._resizing = None
        share = self._share()
        some = len(self._to_resize) if share < self._outbox_limit else _FED
        for session in self._to_resize[:some]:
            if session.outbox.resize(share):
                session.relieved()
        del self._to_resize[:some]
        if self._to_resize:
            self._resizing = self._clock.callLater(0, self._resize)

    def _stop_resizing(self) -> None:
        if self._resizing is not None:
            self._resizing.cancel()
            self._resizing = None

    def _share(self) -> int:
        return self.pool.share(self._outbox_limit, len(self._sessions))

    # The end of a session

    def _replace(self, session: Session) -> None:
        """Let the session go at once: what it has not got goes to the one that replaced it."""
        session.parting += (wire.replaced(),)
        self._cut_short(session)

    def _cut_short(self, session: Session) -> None:
        """Let the session go with what has been written by now."""
        session.leaving = True
        self._who = None
        session.feed.cut()
        session.source.stopProducing()
        if session.deserted:
            return
        committed = self._mailbox.commit() if self.durable else None
        if committed is None:
            session.cut_short(is_safe=True)
        else:
            committed.addCallback(session.cut_short)

    def ended(self, session: Session, failure: Failure | None) -> None:
        if failure is not None:
            self._log.failure("The writer of {name} failed", failure, name=session.name)
            session.outlet.abort()
        session.leaving = True
        self._who = None
        session.source.stopProducing()
        self._conclude(session)

    def _conclude(self, session: Session) -> None:
        """Remove the session, and take back what it leaves; only once, however often called."""
        if session.over:
            return
        name = session.name
        session.over = True
        left = session.writer.undelivered()
        self._sessions.remove(session)
        self._count[name] -= 1
        if not self._count[name]:
            del self._count[name]
        if self._peers.get(name) is session:
            del self._peers[name]
        session.feed.forget(left)
        session.outbox.forget()
        session.writer.forget()
        session.allowance.end()
        self._log.info(
            "{name} left; {taken} lines taken in, {left} handed back",
            name=name,
            peer=session.outlet.peer,
            taken=session.taken,
            left=len(left),
        )
        self._catch_up(name)
        if session.deserted:
            self._deserted[name].remove(session)
            self._resume_next(name)
        self._check_drained()

    # The stop

    def stopService(self) -> Deferred[None]:
        """Drain: end every outbox behind what is queued for it.

        @return: fires when every writer has ended. The readers must have stopped before.
        """
        super().stopService()
        self._turns.end()
        drained: Deferred[None] = Deferred()
        self._drained = drained
        for session in list(self._sessions):
            self.leave(session)
        self._turns.end()
        self._check_drained()
        return drained

    def cut_short(self) -> None:
        """Wait no more for slow clients: what is not written yet goes to the mailbox."""
        for session in list(self._sessions):
            self._cut_short(session)

    def give_up(self) -> None:
        """End sessions whose writers should have ended long ago: a bug, but no reason to wait."""
        for session in list(self._sessions):
            self._log.error("{name} does not end: ended by force", name=session.name)
            self._conclude(session)

    def balance(self) -> Balance:
        """The ledger, with what the mailbox and the sessions really hold at this moment."""
        return self._close_ledger(
            in_flight=sum(session.writer.copies() for session in self._sessions)
        )

    def _close_ledger(self, in_flight: int) -> Balance:
        return self._ledger.balance(
            kept=self._mailbox.copies(),
            expired=self._mailbox.expired - self._expired_before,
            in_flight=in_flight,
        )

    def stats(self) -> str:
        return str(self.estimate())

    def estimate(self) -> Balance:
        """The ledger, with all that is in no other column as in flight.

        Nothing is counted here: a client that keeps asking must not keep the others waiting.
        """
        balance = self._close_ledger(in_flight=0)
        return replace(balance, in_flight=balance.missing)

    def load(self) -> Load:
        """The load of the sessions at this moment."""
        self.pool.highest = max(self.pool.highest, self.pool.size)
        return weigh(self._sessions, self._clock.seconds(), self.pool.size)

    def _check_drained(self) -> None:
        if self._drained is None or self._sessions:
            return
        self._backpressure.stop()
        self._turns.stop()
        self._stop_resizing()
        if not self._drained.called:
            self._drained.callback(None)
