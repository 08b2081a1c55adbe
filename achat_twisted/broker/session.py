"""A logged-in connection, as the broker and the commands know it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from twisted.internet.interfaces import IPushProducer, IReactorTime
from twisted.python.failure import Failure
from zope.interface import implementer

from achat_twisted import wire
from achat_twisted.broker.feed import Feed
from achat_twisted.broker.interfaces import IOwner, ISession
from achat_twisted.broker.ledger import Ledger
from achat_twisted.broker.outbox import Outbox
from achat_twisted.broker.writer import Writer
from achat_twisted.limits.memory import Pool
from achat_twisted.limits.rate import UNLIMITED, Allowance
from achat_twisted.mailbox.interfaces import IMailbox
from achat_twisted.net.interfaces import IOutlet

RenderNotice = Callable[[wire.Notice], bytes]

_UNREAD = 16 * 1024
"""Bytes of answers that may wait for a client; then it must read before it is read again."""

_TALLIES = 1024
"""The number of tallies and answers to C{/sync} that may wait; then likewise."""


class Home(Protocol):
    """The broker that a session belongs to, as the session sees it."""

    durable: bool
    """True if C{! kept} and C{! synced} promise that the lines they speak of outlive a crash."""

    def leave(self, session: Session) -> None:
        """Let the session go when it is flushed."""

    def ended(self, session: Session, failure: Failure | None) -> None:
        """The session's writer has ended: the one event that comes back up the stream."""

    def touch(self, session: Session) -> None:
        """Call C{session.end_turn}, and then C{session.dispatch}, when this turn ends.

        Or C{session.flush}, which is both, if the home is not C{durable}.
        """

    def resume(self, session: Session) -> None:
        """Call C{session.resume} when this turn ends, or one of those that follow."""

    def deserted(self, session: Session) -> None:
        """The session's connection is lost, and its reader works off what has come."""


@implementer(ISession, IOwner)
class Session:
    """One name's presence: its outbox and writer, its notices, and the holds on its reader.

    @ivar feed: the way that copies for it take.
    @ivar deserted: true if the connection is lost, so that nobody hears an answer, and its name
        is free.
    @ivar over: true if its writer has ended.
    @ivar unconfirmed: true if something may not have arrived, so that it is asked again.
    @ivar leaving: true if it takes in no more lines, and goes when it is flushed.
    @ivar since: the time it began, in seconds since 1970 by the wall clock.
    @ivar taken: the number of lines it has taken in; the reader counts, C{! bye} tells.
    """

    __slots__ = (
        "_answers",
        "_answers_sealed",
        "_holds",
        "_home",
        "_render",
        "_tallies",
        "_unread",
        "_withheld",
        "allowance",
        "deserted",
        "feed",
        "leaving",
        "local",
        "name",
        "outbox",
        "outlet",
        "over",
        "parting",
        "since",
        "source",
        "taken",
        "unconfirmed",
        "writer",
    )

    def __init__(
        self,
        name: str,
        outlet: IOutlet,
        source: IPushProducer,
        home: Home,
        mailbox: IMailbox,
        ledger: Ledger,
        *,
        clock: IReactorTime,
        since: float,
        outbox_limit: int,
        pool: Pool,
        allowance: Allowance,
        render: RenderNotice,
    ) -> None:
        self.name = name
        self.outlet = outlet
        self.local = outlet.local
        self.source = source
        self.outbox = Outbox(outbox_limit, pool)
        self.allowance = allowance
        self.feed = Feed(self, name, self.outbox, mailbox, ledger, clock)
        self.writer = Writer(self, self.outbox, outlet, clock)
        self.leaving = False
        self.over = False
        self.unconfirmed = False
        self.deserted = False
        self.since = since
        self.parting: tuple[wire.Notice, ...] = ()
        self.taken = 0
        self._home = home
        self._render = render
        # These are mostly empty, and containers for them would take 0.2 KB in all.
        self._tallies: dict[tuple[str, str], int] | None = None
        self._answers: tuple[bytes, ...] = ()  # perhaps false until they are dispatched
        self._answers_sealed = 0
        self._withheld: tuple[bytes, ...] = ()
        self._holds: frozenset[object] = frozenset()
        self._unread = 0  # bytes of answers that may still be in the outbox

    def __repr__(self) -> str:
        return f"<{self.name} {self.feed.state.name}>"

    def last_call(self) -> bool:
        if self._holds & {self, self.allowance}:
            return False
        self.allowance = UNLIMITED
        return True

    def overdrawn(self) -> None:
        notice = self.allowance.overdraw(self, self.taken)
        if notice is not None:
            self.tell(notice)

    def leave(self) -> None:
        self._home.leave(self)

    def deliver(self, lines: bytes) -> None:
        if lines and self.outbox.append(lines):
            self._home.touch(self)

    @property
    def is_here(self) -> bool:
        """True if it still takes part: others see it in C{/who}, and it holds its name."""
        return not (self.leaving or self.deserted)

    @property
    def left_behind(self) -> int:
        """Bytes that go back to the mailbox soon, as the connection is lost."""
        return self.outbox.size + self.writer.tail_size if self.deserted else 0

    def desert(self) -> None:
        self.deserted = True
        self._tallies = None
        self._holds = frozenset()
        self._home.deserted(self)

    def tell(self, notice: wire.Notice) -> None:
        if not self.deserted:
            self.answer(self._render(notice))

    def answer(self, answer: bytes) -> None:
        """Queue a rendered notice."""
        self.deliver(answer)
        self._unread = min(self._unread + len(answer), self.outbox.size)
        self._hold_if_clogged()

    def tally(self, word: str, name: str) -> None:
        """Count one copy for C{name} towards the notice C{word} of this turn."""
        if self.deserted:
            return
        if self._tallies is None:
            self._tallies = {}
            self._home.touch(self)
        self._tallies[word, name] = self._tallies.get((word, name), 0) + 1
        self._hold_if_clogged()

    def settle(self) -> None:
        """Turn the tallies into notices."""
        for notice in self._take_outcomes():
            if notice.word == "kept" and self._home.durable:
                self._promise(self._render(notice))
            else:
                self.answer(self._render(notice))

    def sync(self, token: str) -> None:
        self.settle()
        answer = self._render(wire.synced(self.taken, token))
        if self._home.durable:
            self._promise(answer)
        else:
            self.answer(answer)

    def _promise(self, answer: bytes) -> None:
        """Queue an answer that is true once all lines so far are safe, behind others like it."""
        if self._withheld:
            self._withheld += (answer,)
            self._home.touch(self)
            self._hold_if_clogged()
        else:
            self._answers += (answer,)
            self.answer(answer)

    @property
    def unsynced(self) -> bool:
        """True while answers are withheld until the lines they speak of are safe."""
        return bool(self._withheld)

    def end_turn(self) -> None:
        """Settle if there is room, or else go on counting; and seal what has come by now."""
        if self.over:
            return
        if self._tallies and self.outbox.size < self.outbox.limit:
            self.settle()
        if self._withheld:
            for answer in self._withheld:
                self.outbox.append(answer)
            self._answers += self._withheld
            self._withheld = ()
        self._answers_sealed = len(self._answers)
        self.outbox.seal()

    def dispatch(self, is_safe: bool = True) -> None:
        """Wake the writer for what is sealed, as all that was recorded by then is safe; or not."""
        if self.over:
            return
        if self._answers_sealed:
            sealed = self._answers[: self._answers_sealed]
            self._answers = self._answers[self._answers_sealed :]
            self._answers_sealed = 0
            if not is_safe:
                self._withheld += sealed
                self._withdraw(sealed)
        self.writer.release()
        if self._holds:
            self._unclog()

    def flush(self) -> None:
        """Do both, L{end_turn} and L{dispatch}, as nothing is committed in between.

        A session that is only written to, as nearly all are, needs nothing else of them. With the
        one pass that L{Turns} makes then, that saves 4 calls for a line that comes alone.
        """
        if self._tallies or self._holds:
            self.end_turn()
            self.dispatch()
        else:
            self.outbox.seal()
            self.writer.release()

    def cut_short(self, is_safe: bool) -> None:
        """Let it go with what has been written, and without a promise that may not hold.

        @param is_safe: true if all lines so far are safe, and so the answers about them hold.
        """
        if self.over:
            return
        if is_safe:
            for answer in self._withheld:
                self.outbox.append(answer)
        else:
            self._withdraw(self._answers)
            self._tallies = {key: n for key, n in (self._tallies or {}).items() if key[0] != "kept"}
        self._answers = self._withheld = ()
        self.writer.cut()

    def _withdraw(self, answers: tuple[bytes, ...]) -> None:
        if self.outbox.withdraw(answers):
            self.relieved()

    def relieved(self) -> None:
        self.feed.relieve()
        if self._tallies:
            self._home.touch(self)
        self._unclog()

    def all_fed(self) -> None:
        self.feed.cut()
        self.settle()
        self.outbox.end()
        self._home.touch(self)

    def hold(self, reason: object) -> None:
        """Stop reading this client until every reason for that is gone.

        A client whose connection is lost is not held: all that it can still say is here.
        """
        if self.deserted:
            return
        if not self._holds:
            self.source.pauseProducing()
        self._holds |= {reason}

    def release(self, reason: object) -> None:
        """Hold it for that reason no longer.

        The caller may be deep in the work of another session; to take in lines there would stack
        one session's work upon the other's without end. So that waits for the turn's end.
        """
        if reason in self._holds:
            self._holds -= {reason}
            if not self._holds:
                self._home.resume(self)

    def rest(self) -> None:
        if self.deserted:
            self._home.resume(self)
        else:
            self.hold(self.source)
            self.release(self.source)

    def resume(self) -> None:
        """Read this client again, unless it has been held once more."""
        if not self._holds:
            self.source.resumeProducing()

    def _hold_if_clogged(self) -> None:
        has_unread = self._unread > min(_UNREAD, self.outbox.limit // 4)
        waiting = len(self._tallies or ()) + len(self._withheld)
        if self not in self._holds and (has_unread or waiting > _TALLIES):
            self.outbox.low_mark = min(self.outbox.low_mark, _UNREAD // 2)
            self.hold(self)

    def _unclog(self) -> None:
        is_over = self.outbox.low and not (self._tallies or self._withheld)
        if self in self._holds and is_over:
            self._unread = 0
            self.outbox.low_mark = self.outbox.limit // 4
            self.release(self)

    def delivered(self, copies: int) -> None:
        self.feed.delivered(copies)

    def ended(self, failure: Failure | None) -> None:
        self._home.ended(self, failure)

    def farewell(self) -> bytes:
        return b"".join(
            map(self._render, [*self._take_outcomes(), *self.parting, wire.bye(self.taken)])
        )

    def _take_outcomes(self) -> list[wire.Notice]:
        tallies, self._tallies = self._tallies or {}, None
        return [wire.outcome(word, name, copies) for (word, name), copies in tallies.items()]
