"""A session's answers: the notices about its client's own lines, each told once it is true."""

from __future__ import annotations

from collections.abc import Callable

from achat_twisted import wire
from achat_twisted.broker.interfaces import IOwner, ITurns
from achat_twisted.broker.outbox import Outbox

RenderNotice = Callable[[wire.Notice], bytes]

_UNREAD = 16 * 1024
"""Bytes of answers that may wait for a client; then it must read before it is read again."""

_TALLIES = 1024
"""The number of tallies and answers to C{/sync} that may wait; beyond that, likewise."""


class Answers:
    """Renders the notices for one client, which is not read while it does not read them.

    The outcomes of copies are tallied until the turn ends. With C{--durable} some answers are
    I{promises} that lines outlive a crash, and a commit comes before they are dispatched. If it
    fails they are I{withheld}, and dispatched after the first one that does not.

    @ivar tallies: the outcomes that have not been told, in copies, by word, name and first line; if
        any. Lines have a number for a session with a tag, and 0 for all others.
    @ivar sealed: the promises that were made before the turn ended, until they are dispatched.
    @ivar withheld: the promises that could not be dispatched.
    """

    __slots__ = (
        "_outbox",
        "_promises",
        "_render",
        "_session",
        "_turns",
        "_unread",
        "sealed",
        "tallies",
        "withheld",
    )

    def __init__(
        self, session: IOwner, outbox: Outbox, turns: ITurns, render: RenderNotice
    ) -> None:
        self._session = session
        self._outbox = outbox
        self._render = render
        self._turns = turns
        # These are mostly empty, and containers for them would take 0.2 KB in all.
        self.tallies: dict[tuple[str, str, int], int] | None = None
        self.sealed: tuple[bytes, ...] = ()
        self.withheld: tuple[bytes, ...] = ()
        self._promises: tuple[bytes, ...] = ()  # those of this turn
        self._unread = 0  # bytes of answers that may still be in the outbox

    def tell(self, notice: wire.Notice) -> None:
        self.give(self._render(notice))

    def give(self, answer: bytes) -> None:
        """Queue a rendered notice."""
        self._session.deliver(answer)
        self._unread = min(self._unread + len(answer), self._outbox.size)
        self._hold_if_clogged()

    def tally(self, word: str, name: str) -> None:
        self.count(word, name, 0)

    def count(self, word: str, name: str, line: int) -> None:
        """Count one copy towards the notice that begins with that line."""
        if self.tallies is None:
            self.tallies = {}
            self._session.touch()
        self.tallies[word, name, line] = self.tallies.get((word, name, line), 0) + 1
        self._hold_if_clogged()

    def settle(self) -> None:
        """Turn the tallies into notices."""
        for notice in self._take_outcomes():
            if notice.word == "kept":
                self.promise(notice)
            else:
                self.tell(notice)

    def promise(self, notice: wire.Notice) -> None:
        """Queue an answer that is true once all lines so far are safe, behind others like it."""
        answer = self._render(notice)
        if self.withheld:
            self.withheld += (answer,)
            self._session.touch()
            self._hold_if_clogged()
            return
        if self._turns.is_durable:
            self._promises += (answer,)
        self.give(answer)

    def end_turn(self) -> None:
        """Settle if there is room, or else go on counting; and try once more what is withheld."""
        if self.tallies and self._outbox.size < self._outbox.limit:
            self.settle()
        for answer in self.withheld:
            self._outbox.append(answer)
        self.sealed += self._promises + self.withheld
        self._promises = self.withheld = ()

    def dispatch(self, is_safe: bool) -> None:
        """Let what was promised by the turn's end go, as all lines until then are safe; or not."""
        sealed, self.sealed = self.sealed, ()
        if not is_safe:
            self.withheld += sealed
            self._withdraw(sealed)

    def cut(self, is_safe: bool) -> None:
        """Leave no promise that may not hold.

        @param is_safe: true if all lines so far are safe, and so the promises hold.
        """
        if is_safe:
            for answer in self.withheld:
                self._outbox.append(answer)
        else:
            self._withdraw(self.sealed + self._promises)
            self.tallies = {key: n for key, n in (self.tallies or {}).items() if key[0] != "kept"}
        self.sealed = self._promises = self.withheld = ()

    def farewell(self, *notices: wire.Notice) -> bytes:
        """The outcomes that have not been told, and then C{notices}, rendered."""
        return b"".join(map(self._render, [*self._take_outcomes(), *notices]))

    def relieve(self) -> None:
        """Go on, as there is plenty of room in the outbox."""
        if self.tallies:
            self._session.touch()
        self.unclog()

    def unclog(self) -> None:
        """Let the client be read again if it has been told everything, and has read enough."""
        is_read = self._outbox.low and not (self.tallies or self.withheld)
        if is_read and self in self._session.holds:
            self._unread = 0
            self._outbox.low_mark = self._outbox.limit // 4
            self._session.release(self)

    def _hold_if_clogged(self) -> None:
        has_unread = self._unread > min(_UNREAD, self._outbox.limit // 4)
        waiting = len(self.tallies or ()) + len(self.withheld)
        if (has_unread or waiting > _TALLIES) and self not in self._session.holds:
            self._outbox.low_mark = min(self._outbox.low_mark, _UNREAD // 2)
            self._session.hold(self)

    def _withdraw(self, answers: tuple[bytes, ...]) -> None:
        if self._outbox.withdraw(answers):
            self._session.relieved()

    def _take_outcomes(self) -> list[wire.Notice]:
        tallies, self.tallies = self.tallies or {}, None
        return [wire.outcome(word, name, copies) for (word, name, _), copies in tallies.items()]
