"""Verdicts: answers that name the lines they are about, to a client with a tag."""

from __future__ import annotations

from dataclasses import replace

from achat_twisted import wire
from achat_twisted.broker.answers import Answers, RenderNotice
from achat_twisted.broker.interfaces import IOwner, ITurns
from achat_twisted.broker.window import WindowOutbox
from achat_twisted.mailbox.tags import Tag
from achat_twisted.wire.tags import Verdict

_FULL = "its refusals wait, and it confirms none"


class Verdicts(Answers):
    """Answers a client that numbers its lines.

    A refusal is remembered with the tag as soon as it is known, and told again after each login
    until the client says that it knows. No answer is a promise by itself: a session with a tag is
    told nothing at all before what that rests on is safe.

    @ivar tag: the record of the tag, once the session has begun; nothing is tallied before.
    """

    __slots__ = ("_latest", "_untold", "tag")
    tag: Tag
    _outbox: WindowOutbox

    def __init__(
        self, session: IOwner, outbox: WindowOutbox, turns: ITurns, render: RenderNotice
    ) -> None:
        super().__init__(session, outbox, turns, render)
        # None for most of the time, as two containers take 0.1 KB.
        self._latest: dict[tuple[str, str], Verdict] | None = None
        self._untold: dict[tuple[str, str, int], Verdict] | None = None

    def give(self, answer: bytes) -> None:
        self._outbox.has_notices = True
        super().give(answer)

    def promise(self, notice: wire.Notice) -> None:
        self.tell(notice)

    def tally(self, word: str, name: str) -> None:
        """Count one copy of the line that was taken in last."""
        if self._latest is None or self._untold is None:
            self._latest, self._untold = {}, {}
        number = self.tag.lines
        before = self._latest.get((word, name))
        if before is None or number > before.last + 1:
            before, verdict = None, Verdict(number, number, word, name, 1)
        else:
            verdict = replace(before, last=number, copies=before.copies + 1)
        self._latest[word, name] = self._untold[word, name, verdict.first] = verdict
        if word != "kept":
            self._refuse(verdict)
        self.count(word, name, verdict.first)

    def fault(self, error: wire.WireError) -> None:
        """Tell of a line that means nothing; a command has no number, and is told of once."""
        self.settle()
        number = 0 if error.is_command else self.tag.lines
        verdict = Verdict(number, number, error.notice.word, error.notice.detail)
        if number:
            self._refuse(verdict)
        self.tell(verdict.notice())

    def _refuse(self, verdict: Verdict) -> None:
        """Remember a refusal; if too many wait, the session ends behind this line."""
        self.tag.refuse(verdict)
        if self.tag.is_full:
            self._session.hold(_FULL)

    def _take_outcomes(self) -> list[wire.Notice]:
        untold = self._untold or {}
        self._latest = self._untold = self.tallies = None
        return [verdict.notice() for verdict in untold.values()]
