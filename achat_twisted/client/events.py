"""Events: what a conversation tells of, in the order in which it happened."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from achat_twisted import wire
from achat_twisted.client.errors import Refusal


@dataclass(frozen=True, slots=True)
class Welcome:
    """The client is let in, and told where to go on.

    @ivar doubtful: the number of its lines that are said again although an earlier server, which
        the present one knows nothing of, may have taken them in.
    """

    doubtful: int = 0


@dataclass(frozen=True, slots=True)
class Received:
    """A message.

    @ivar number: its number in its era, from 1 on; of what is said in a room, that in the room.
    @ivar era: that era; a message of another one cannot be confirmed any more.
    @ivar stamp: when it was accepted (UTC), as C{20261130T031005Z}.
    @ivar room: the room in which it was said; empty if it was said to the name itself.
    @ivar is_own: true if our own name has said it, here or elsewhere.
    """

    number: int
    era: str
    sender: str
    text: str = field(repr=False)
    stamp: str = ""
    room: str = ""
    is_own: bool = False


@dataclass(frozen=True, slots=True)
class Joined:
    """The name is in a room, which is heard; told on each connection, and when it joins one.

    @ivar number: that of the line that comes next.
    @ivar era: the numbers of the room belong to it. If it is another one than before, the room was
        made again, and its lines count anew.
    """

    room: str
    number: int
    era: str


@dataclass(frozen=True, slots=True)
class Parted:
    """The name is not in a room any more, by its own wish or by that of somebody else."""

    room: str


@dataclass(frozen=True, slots=True)
class Missed:
    """Lines of a room have fallen off at the server before they could come.

    @ivar lines: the number of them.
    """

    room: str
    lines: int


@dataclass(frozen=True, slots=True)
class Settled:
    """The fate of some lines in a row is known: each copy is on its way, kept, or refused.

    @ivar first: the place of the first line.
    @ivar last: the place of the last line.
    @ivar kept: the recipients whose copy waits for their return, by place.
    @ivar refused: the copies that were refused, by place.
    """

    first: int
    last: int
    kept: dict[int, tuple[str, ...]]
    refused: dict[int, tuple[Refusal, ...]]


@dataclass(frozen=True, slots=True)
class Notice:
    """Anything else that the server says, such as C{who}, C{pong} or C{slow-down}."""

    word: str
    detail: str


@dataclass(frozen=True, slots=True)
class Ended:
    """A connection is over, or could not be made.

    @ivar why: a sentence without its full stop.
    @ivar word: that of the server's notice, if one gave the reason.
    @ivar again: the seconds to wait before the next connection; None if that would be no better.
    @ivar is_probe: true if the connection was only made to see if the server speaks in the clear.
    @ivar is_out_of_time: true if there is no next one only because the time for trying is over.
    """

    why: str
    word: str = ""
    again: float | None = None
    is_out_of_time: bool = False
    is_probe: bool = False


Event = Welcome | Received | Settled | Notice | Ended | Joined | Parted | Missed
"""All that a conversation tells of."""


class Listener(Protocol):
    """Anything that wants to know of all events, such as a status line."""

    def heard(self, event: Event) -> None:
        """Take note of an event; it must neither wait nor raise."""


class NoListener:
    """The null object: it listens to nothing."""

    def heard(self, event: Event) -> None:
        """Take no note."""


def from_wire(notice: wire.Notice) -> Notice:
    """A notice of the server's, as an event."""
    return Notice(notice.word, notice.detail)
