"""Stamps: outboxes for clients that want the time of acceptance with each message.

The mailbox holds lines as all others get them, with a time beside each. So a line is stamped when
it goes into an outbox, and comes back to the mailbox without its stamp, but with its time.
"""

from __future__ import annotations

from collections.abc import Callable

from achat_twisted.broker.outbox import Outbox
from achat_twisted.broker.window import WindowOutbox
from achat_twisted.limits.memory import Pool
from achat_twisted.wire.tags import stamped, unstamped

Wall = Callable[[], float]
"""The time of day, in seconds since 1970 (UTC)."""


class _Stamping(Outbox):
    """Stamps messages with the time at which they were accepted."""

    __slots__ = ()
    stamps = True
    _wall: Wall

    def append(self, lines: bytes, age: float = 0.0) -> bool:
        return super().append(stamped(lines, self._wall() - age))

    def kept(self, lines: list[bytes]) -> tuple[list[bytes], list[float]]:
        now = self._wall()
        pairs = [unstamped(line) for line in lines]
        return [line for line, _ in pairs], [now - when for _, when in pairs]


class StampingOutbox(_Stamping):
    """An outbox that stamps messages."""

    __slots__ = ("_wall",)

    def __init__(self, limit: int, pool: Pool, wall: Wall) -> None:
        super().__init__(limit, pool)
        self._wall = wall


class StampingWindow(_Stamping, WindowOutbox):
    """The same for a client with a tag."""

    __slots__ = ("_wall",)

    def __init__(self, limit: int, pool: Pool, wall: Wall) -> None:
        super().__init__(limit, pool)
        self._wall = wall
