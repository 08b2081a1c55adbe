"""Turns: the work for sessions at the end of a turn of the reactor, and now and then."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from operator import methodcaller

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from achat_twisted.broker.interfaces import ITurns
from achat_twisted.broker.session import Session, Stage
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

_RESUMED = 32
"""The number of readers that go on in a turn, each with what it may work off at once."""

_HANDED_BACK = 2**15
"""Bytes of lines that go back to the mailbox in the time that a reader takes: 1 to 8 ms."""

# A session with a tag does these in its own way, so they are looked up for each.
_resume = methodcaller("resume")
_dispatch = methodcaller("dispatch")
_dispatch_unsafe = methodcaller("dispatch", is_safe=False)


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
        self._touched: list[Session] = []
        self._resuming: deque[Session] = deque()
        self._unconfirmed: list[Session] = []
        self._asking: list[Session] = []
        self._will_end = self._stopped = False
        self._end: IDelayedCall | None = None
        self._sweep: IDelayedCall | None = None

    def touch(self, session: Session) -> None:
        self._touched.append(session)
        if not session.unconfirmed:
            self._look_after(session)
        if not (self._will_end or self._committing):
            self._await_end()
        elif len(self._touched) == self._company and self._end is not None:
            self._end.cancel()
            self._end = self._soon(self._on_end)

    def resume(self, session: Session) -> None:
        self._resuming.append(session)
        self._await_end()

    def commit(self) -> Deferred[bool] | None:
        return self._mailbox.commit() if self.is_durable else None

    def end(self) -> None:
        """End the turn for all that were touched."""
        if self._committing:
            return
        if self._pool.size > self._pool.calm:
            self._shares.look()
        touched, self._touched = self._touched, []
        if not self.is_durable:
            self._serve(touched, Session.flush)
            return
        self._serve(touched, Session.end_turn)
        committed = self.commit()
        if committed is None:
            self._serve(touched, _dispatch)
        else:
            self._committing = True
            committed.addCallback(self._committed, touched, self._clock.seconds())

    def stop(self) -> None:
        """End no more turns."""
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

    def _committed(self, is_safe: bool, touched: list[Session], since: float) -> None:
        self._committing = False
        self._company = len(touched) if len(touched) >= _COMPANY else 0
        self._pause = min((self._clock.seconds() - since) / 2, _PAUSE)
        self._serve(touched, _dispatch if is_safe else _dispatch_unsafe)
        if self._touched:
            self._await_end()

    def _on_end(self) -> None:
        self._end, self._will_end = None, False
        if self._stopped:
            return
        if self._resuming:
            self._resume()
        self.end()
        if self._resuming:
            self._await_end()

    def _resume(self) -> None:
        """Let readers go on, as many as others can wait for."""
        left = min(_RESUMED, len(self._resuming))  # as one may be resumed again for the next turn
        while left > 0:
            session = self._resuming.popleft()
            left -= 1 + session.left_behind // _HANDED_BACK
            self._serve([session], _resume)

    def _serve(self, sessions: list[Session], serve: Callable[[Session], None]) -> None:
        """Do the same for each; a bug costs only the session that it hits."""
        for session in sessions:
            try:
                serve(session)
            except Exception:
                self._log.failure("{name} could not be served: closed", name=session.name)
                session.outlet.abort()

    def _look_after(self, session: Session) -> None:
        """Ask it from now on what has arrived, until everything has."""
        session.unconfirmed = True
        self._unconfirmed.append(session)
        if self._sweep is None and not self._stopped:
            self._sweep = self._clock.callLater(_SWEEP, self._begin_sweep)

    def _ask(self, session: Session) -> None:
        """Ask what has arrived, and go on looking after the session if something has not."""
        session.unconfirmed = False
        if session.stage is Stage.OVER:
            return
        session.writer.look()
        if session.is_withheld:
            self.touch(session)
        elif session.writer.is_asked or session.outbox.size:
            self._look_after(session)

    def _begin_sweep(self) -> None:
        self._asking, self._unconfirmed = self._unconfirmed, []
        self._go_on_sweeping()

    def _go_on_sweeping(self) -> None:
        asked, self._asking = self._asking[:_AT_A_TIME], self._asking[_AT_A_TIME:]
        self._serve(asked, self._ask)
        self._sweep = None
        if self._asking:
            self._sweep = self._clock.callLater(0, self._go_on_sweeping)
        elif self._unconfirmed:
            self._sweep = self._clock.callLater(_SWEEP, self._begin_sweep)
