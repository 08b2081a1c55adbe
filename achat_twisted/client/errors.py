"""The errors of the library: each is one sentence for the person who runs the program."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import TypeVar

from achat_twisted.wire.rooms import is_room

_REFUSALS = {
    "unknown": "nobody by the name of {recipient} has ever been there",
    "full": "the mailbox of {recipient} is full",
    "bad-line": "it is no line that the server understands: {detail}",
    "too-long": "it has more than the {detail} bytes that the server allows",
}
_ROOM_REFUSALS = {
    "not-in": "you are not in {recipient}; join it first",
    "closed": "only its owners may say something in {recipient} now",
    "unknown": "there is no room {recipient}",
    "full": "the server has no room for more lines in {recipient}",
}


class ChatError(Exception):
    """The base of all that can go wrong."""


class AddressError(ChatError, ValueError):
    """An address that leads nowhere, or a secret that cannot be read."""


class UnusableLine(ChatError, ValueError):
    """A line that no server would take; it was not posted."""


class StateError(ChatError):
    """A state that cannot be opened, read or written, or belongs to somebody else."""


class StateInUse(StateError):
    """A state that another program uses at the moment."""


class Closed(ChatError):
    """The chat was closed before this could be known."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A line, or one copy of it, that was not taken in.

    @ivar place: the line's place among all that were posted with its state.
    @ivar line: the line as it was posted.
    @ivar recipient: the name or room for which it was refused; empty if the line as a whole was.
    @ivar word: C{unknown}, C{full}, C{not-in}, C{closed}, C{bad-line}, C{too-long}, or a word of a
        newer server's.
    @ivar detail: what the server says about a line as a whole.
    """

    place: int
    line: str
    recipient: str
    word: str
    detail: str = ""

    @property
    def why(self) -> str:
        """The reason, as the rest of a sentence."""
        reasons = _ROOM_REFUSALS if is_room(self.recipient) else _REFUSALS
        text = reasons.get(self.word, "the server says {word} of {recipient}{detail}")
        return text.format(recipient=self.recipient, word=self.word, detail=self.detail)


class Refused(ChatError):
    """A line that was refused, for all of its recipients or for some.

    @ivar line: the line as it was posted.
    @ivar refusals: what was refused, at least one; the other recipients have it, or will.
    @ivar kept: the recipients whose copy waits for their return.
    """

    def __init__(self, refusals: tuple[Refusal, ...], kept: tuple[str, ...] = ()) -> None:
        super().__init__(refusals, kept)
        self.line = refusals[0].line
        self.refusals = refusals
        self.kept = kept

    def __str__(self) -> str:
        return f"{self.line!r} was refused: {'; '.join(one.why for one in self.refusals)}"


class RoomError(ChatError):
    """A room that cannot be joined, left or looked at, in the server's words."""


class SessionOver(ChatError):
    """A session that is over for a reason that will still hold when the client comes again.

    @ivar word: that of the server's notice, such as C{kicked} or C{replaced}; or empty.
    """

    def __init__(self, why: str, word: str = "") -> None:
        super().__init__(why, word)
        self.word = word

    def __str__(self) -> str:
        return str(self.args[0])


class NotLetIn(SessionOver):
    """A server that does not take the name or the secret, or cannot speak with this client."""


class Unreachable(SessionOver):
    """A server that was not reached for as long as was to be tried."""


_E = TypeVar("_E", bound=ChatError)


def afresh(error: _E) -> _E:
    """The same error, to be raised once more: each has one traceback, which would grow."""
    return copy(error)
