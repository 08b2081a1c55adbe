"""A logged-in connection: its parts, its stage, and the reasons that hold it up."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from achat_twisted import wire
from achat_twisted.broker.answers import Answers, RenderNotice
from achat_twisted.broker.feed import Feed
from achat_twisted.broker.interfaces import IOwner, IPresence, ISession, ISource, ITurns
from achat_twisted.broker.ledger import Ledger
from achat_twisted.broker.outbox import Outbox
from achat_twisted.broker.writer import Writer
from achat_twisted.limits.rate import UNLIMITED, Allowance
from achat_twisted.mailbox.interfaces import IMailbox
from achat_twisted.net.interfaces import IOutlet


class Stage(Enum):
    """The stages of a session, which goes through one of the two in the middle."""

    HERE = "takes part: others see it in /who, and it holds its name"
    LEAVING = "takes in no more lines, and goes when it is flushed, or with what was written"
    LOST = "its connection is lost, and its reader works off what has come"
    OVER = "its writer has ended, and all that it left is in the mailbox"


Place = str | tuple[str, str]
"""A thing that one session has at a time: a name, to get its messages; or a name's tag."""


@dataclass(frozen=True, slots=True)
class Shared:
    """The collaborators that all sessions share."""

    turns: ITurns
    presence: IPresence
    mailbox: IMailbox
    ledger: Ledger
    clock: IReactorTime
    render: RenderNotice


@implementer(ISession, IOwner)
class Session:
    """One name's connection: a feed, an outbox and its writer, and answers, for one reader.

    @ivar stage: only the session itself changes it.
    @ivar holds: the reasons for which its client is not read just now.
    @ivar unconfirmed: true if something may not have arrived, so that it is asked again.
    @ivar since: the time it began, in seconds since 1970 by the wall clock.
    @ivar taken: the number of lines it has taken in; the reader counts, C{! bye} tells.
    @ivar commands: the number of them that are commands.
    """

    __slots__ = (
        "_parting",
        "_presence",
        "_turns",
        "allowance",
        "answers",
        "commands",
        "feed",
        "holds",
        "local",
        "name",
        "outbox",
        "outlet",
        "since",
        "source",
        "stage",
        "taken",
        "unconfirmed",
        "writer",
    )
    is_numbered = False
    _log = Logger()

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
        self.name = name
        self.outlet = outlet
        self.local = outlet.local
        self.source = source
        self.outbox = outbox
        self.allowance = allowance
        self.feed: Feed = Feed(self, name, outbox, shared.mailbox, shared.ledger, shared.clock)
        self.answers: Answers = Answers(self, outbox, shared.turns, shared.render)
        self.writer: Writer = Writer(self, self.feed, outlet, shared.clock)
        self.stage = Stage.HERE
        self.holds: frozenset[object] = frozenset()
        self.unconfirmed = False
        self.since = since
        self.taken = 0
        self.commands = 0
        self._parting: tuple[wire.Notice, ...] = ()
        self._turns = shared.turns
        self._presence = shared.presence

    def __repr__(self) -> str:
        return f"<{self.name} {self.stage.name} {self.feed.state.name}>"

    @property
    def places(self) -> tuple[Place, ...]:
        """The places that it takes; an older session that had one of them comes to its end."""
        return (self.name,)

    @property
    def lost(self) -> bool:
        return self.stage is Stage.LOST or self.stage is Stage.OVER

    @property
    def left_behind(self) -> int:
        """Bytes that go back to the mailbox soon, as the connection is lost."""
        return self.outbox.size + self.writer.tail_size if self.lost else 0

    def begin(self) -> None:
        """Begin with what is in the mailbox, as no older session has lines for it."""
        self.feed.begin()

    # Lines and notices for the client

    def deliver(self, lines: bytes, age: float = 0.0) -> None:
        if lines and self.outbox.append(lines, age):
            self._turns.touch(self)

    def tell(self, notice: wire.Notice) -> None:
        if not self.lost:
            self.answers.tell(notice)

    def tally(self, word: str, name: str) -> None:
        """Count one copy for C{name} towards the notice C{word} of this turn."""
        if not self.lost:
            self.answers.tally(word, name)

    def refuse(self, error: wire.WireError, *, is_command: bool) -> None:
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

    @property
    def is_withheld(self) -> bool:
        """True if it has not been told something, as commits fail."""
        return bool(self.answers.withheld)

    def end_turn(self) -> None:
        """Seal what has come by now."""
        if self.stage is not Stage.OVER:
            self.answers.end_turn()
            self.outbox.seal()

    def dispatch(self, is_safe: bool = True) -> None:
        """Wake the writer for what is sealed, as all that was recorded by then is safe; or not."""
        if self.stage is not Stage.OVER:
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

    # Calls from its writer and its feed

    def relieved(self) -> None:
        self.feed.relieve()
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

    def last_call(self) -> bool:
        if self.holds & {self.answers, self.allowance}:
            return False
        self.allowance = UNLIMITED
        return True

    def overdrawn(self) -> None:
        notice = self.allowance.overdraw(self, self.taken)
        if notice is not None:
            self.tell(notice)

    def hold(self, reason: object) -> None:
        """Stop reading this client until every reason for that is gone.

        A client whose connection is lost is not held: all that it can still say is here.
        """
        if self.lost:
            return
        if not self.holds:
            self.source.pauseProducing()
        self.holds |= {reason}

    def release(self, reason: object) -> None:
        """Stop holding it for that reason.

        The caller may be deep in the work of another session; to take in lines there would stack
        one session's work upon the other's without end. So that waits for the turn's end.
        """
        if reason in self.holds:
            self.holds -= {reason}
            if not self.holds:
                self.go_on()

    def rest(self) -> None:
        if not self.lost:
            self.source.pauseProducing()
        self.go_on()

    def go_on(self) -> None:
        """Read it again, in one of the turns to come; an older one of its name comes first."""
        if self._presence.is_first(self):
            self._turns.resume(self)

    def resume(self) -> None:
        """Read this client again, unless it has been held once more."""
        if not self.holds:
            self.source.resumeProducing()

    # The end

    def connection_lost(self) -> None:
        if self.stage is not Stage.HERE:
            return  # it is going already, and its writer knows
        self.stage = Stage.LOST
        self.holds = frozenset()
        self.answers.tallies = None
        self.feed.cut()
        self._presence.lost(self)

    def drain(self) -> None:
        was_here = self.stage is Stage.HERE
        self._stop_reading()
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
        self.outbox.forget()
        self.writer.forget()
        self.answers.tallies = None
        self.allowance.end()
        self._log.info(
            "{name} left; {taken} lines taken in, {left} handed back",
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
