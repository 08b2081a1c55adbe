"""Turns: the work for sessions at the end of a turn of the reactor, and now and then."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from operator import methodcaller

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from achat_twisted.broker.audience import Audience
from achat_twisted.broker.interfaces import IServed, ITurns
from achat_twisted.broker.shares import Shares
from achat_twisted.mailbox.interfaces import IMailbox
from achat_twisted.net.interfaces import Soon

_PAUSE = 0.002
"""Seconds at most for which a turn is put off, so that more lines share its commit."""

_COMPANY = 5
"""The number of sessions that a commit must have served for the next turn to be put off."""

_SWEEP = 0.25
"""Seconds between two looks for acknowledgements that nothing else has asked for.

With C{--durable} a crash repeats what has arrived since.
"""

_AT_A_TIME = 500
"""The number of sessions that are asked until others have their turn: 3 ms."""

_TOLD = 250
"""The followers of shared rows that are told of new lines in a turn: 5 to 8 ms, with what they are
then sent. An answer may wait for two turns: with 500 that was more than 20 ms.
"""

_TOLD_OF_ONE = 100
"""The followers of one row, until those of another have their turn."""

_RESUMED = 32
"""The number of readers that go on in a turn, each with what it may work off at once."""

_HANDED_BACK = 2**15
"""Bytes of lines that go back to the mailbox in the time that a reader takes: 1 to 8 ms."""

_FLUSH, _END_TURN, _RESUME, _DISPATCH = map(
    methodcaller, ("flush", "end_turn", "resume", "dispatch")
)
_DISPATCH_UNSAFE = methodcaller("dispatch", is_safe=False)


@implementer(ITurns)
class Turns:
    """Serves the sessions that a turn has touched: once, when it is over.

    All that came for a peer during the turn is written with one C{send}, once what must be
    committed first has been. Turns that end while a commit runs wait for the next one together.
    After a commit for many the next turn is put off for half as long as that took, as a commit
    costs as much as twenty lines; or until it has touched as many sessions.
    Readers that may go on do so now, with no other session's work below them on the stack.
    """

    _log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        soon: Soon,
        mailbox: IMailbox,
        shares: Shares,
        *,
        is_durable: bool,
    ) -> None:
        self.is_durable = is_durable
        self._clock = clock
        self._soon = soon
        self._mailbox = mailbox
        self._shares = shares
        self._pool = shares.pool
        self._committing = False
        self._pause = 0.0
        self._company = 0
        self._touched: list[IServed] = []
        self._resuming: deque[IServed] = deque()
        self._watched: list[IServed] = []
        self._asking: list[IServed] = []
        self._audiences: dict[Audience, None] = {}  # in order, each once
        self._will_end = self._stopped = False
        self._end: IDelayedCall | None = None
        self._sweep: IDelayedCall | None = None

    def touch(self, session: IServed) -> None:
        self._touched.append(session)
        if not session.watched:
            self._watch(session)
        if not (self._will_end or self._committing):
            self._await_end()
        elif len(self._touched) == self._company and self._end is not None:
            self._end.cancel()
            self._end = self._soon(self._on_end)

    def resume(self, session: IServed) -> None:
        self._resuming.append(session)
        self._await_end()

    def announce(self, audience: Audience) -> None:
        self._audiences[audience] = None
        self._await_end()

    def commit(self) -> Deferred[bool] | None:
        return self._mailbox.commit() if self.is_durable else None

    def end(self) -> None:
        if self._committing:
            return
        if self._pool.size > self._pool.calm:
            self._shares.look()
        if self._audiences:
            self._tell_audiences()
        touched, self._touched = self._touched, []
        if not self.is_durable:
            self._serve(touched, _FLUSH)
            return
        self._serve(touched, _END_TURN)
        committed = self.commit()
        if committed is None:
            self._serve(touched, _DISPATCH)
        else:
            self._committing = True
            committed.addCallback(self._committed, touched, self._clock.seconds())

    def _tell_audiences(self) -> None:
        """Tell followers of rows what is new, as many as others can wait for, each row in turn."""
        left = _TOLD
        while left > 0 and self._audiences:
            audience = next(iter(self._audiences))
            del self._audiences[audience]
            left -= max(1, audience.tell(min(left, _TOLD_OF_ONE)))
            if not audience.is_told:
                self._audiences[audience] = None

    def stop(self) -> None:
        self._stopped = True
        for call in (self._end, self._sweep):
            if call is not None and call.active():
                call.cancel()
        self._end = self._sweep = None

    def _await_end(self) -> None:
        if not self._will_end:
            self._will_end = True
            if len(self._touched) < self._company:
                self._end = self._clock.callLater(self._pause, self._on_end)
            else:
                self._end = self._soon(self._on_end)

    def _committed(self, is_safe: bool, touched: list[IServed], since: float) -> None:
        self._committing = False
        self._company = len(touched) if len(touched) >= _COMPANY else 0
        self._pause = min((self._clock.seconds() - since) / 2, _PAUSE)
        if is_safe:
            self._serve(touched, _DISPATCH)
        else:
            self._serve(touched, _DISPATCH_UNSAFE)
            for session in touched:
                if not session.watched:  # nothing was on its way when it was asked
                    self._watch(session)  # so that it is told once commits succeed
        if self._touched or self._audiences:
            self._await_end()

    def _on_end(self) -> None:
        self._end, self._will_end = None, False
        if self._stopped:
            return
        if self._resuming:
            self._resume()
        self.end()
        if self._resuming or (self._audiences and not self._committing):
            self._await_end()

    def _resume(self) -> None:
        """Let readers go on, as many as others can wait for."""
        left = min(_RESUMED, len(self._resuming))  # as one may be resumed again for the next turn
        while left > 0:
            session = self._resuming.popleft()
            left -= 1 + session.left_behind // _HANDED_BACK
            self._serve([session], _RESUME)

    def _serve(self, sessions: list[IServed], serve: Callable[[IServed], object]) -> None:
        """Do the same for each; a bug costs only the session that it hits."""
        for session in sessions:
            try:
                serve(session)
            except Exception:
                self._log.failure("{name} could not be served: closed", name=session.name)
                session.outlet.abort()

    def _watch(self, session: IServed) -> None:
        """Ask it from now on what has arrived, until everything has."""
        session.watched = True
        self._watched.append(session)
        if self._sweep is None and not self._stopped:
            self._sweep = self._clock.callLater(_SWEEP, self._begin_sweep)

    def _ask(self, session: IServed) -> None:
        """Ask what has arrived, and go on watching the session if something has not."""
        session.watched = False
        if session.look():
            self._watch(session)

    def _begin_sweep(self) -> None:
        self._asking, self._watched = self._watched, []
        self._go_on_sweeping()

    def _go_on_sweeping(self) -> None:
        asked, self._asking = self._asking[:_AT_A_TIME], self._asking[_AT_A_TIME:]
        self._serve(asked, self._ask)
        self._sweep = None
        if self._asking:
            self._sweep = self._clock.callLater(0, self._go_on_sweeping)
        elif self._watched:
            self._sweep = self._clock.callLater(_SWEEP, self._begin_sweep)
