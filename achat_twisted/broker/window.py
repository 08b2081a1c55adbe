"""The window: what is sent to a client with a tag, and what it has not said that it got.

Nothing counts as delivered here because a machine has acknowledged it: only the client's own word
counts, C{/got}. So what was sent stays until then, and takes up room in the outbox.
"""

from __future__ import annotations

import sys
from typing import NamedTuple

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from achat_twisted import wire
from achat_twisted.broker.feed import Feed
from achat_twisted.broker.interfaces import IOwner
from achat_twisted.broker.outbox import Outbox
from achat_twisted.broker.writer import Writer
from achat_twisted.limits.memory import Pool
from achat_twisted.net.interfaces import IOutlet


class WindowOutbox(Outbox):
    """An outbox in which messages take up room until the client has them.

    No sender is held because this client has not confirmed: its C{/got} may stand behind lines of
    its own, for which it may be held itself. Copies go to the mailbox instead.

    @ivar unconfirmed: bytes of messages that were sent and not got.
    """

    __slots__ = ("unconfirmed",)

    def __init__(self, limit: int, pool: Pool) -> None:
        super().__init__(limit, pool)
        self.high_mark = 0  # so that the broker looks closely at each copy
        self.unconfirmed = 0

    @property
    def high(self) -> bool:
        return self.size >= self.limit // 2

    @property
    def is_full(self) -> bool:
        return self.size + self.unconfirmed >= self.limit

    @property
    def takes_page(self) -> bool:
        return self.size + self.unconfirmed <= self.limit // 4

    @property
    def admits(self) -> int:
        return sys.maxsize

    def takes(self, lines: bytes) -> bool:
        return self.size + self.unconfirmed + len(lines) < self.limit

    def resize(self, limit: int) -> bool:
        is_low = super().resize(limit)
        self.high_mark = 0
        return is_low


_PIECE = 1024
"""The bytes up to which messages are put together, as each piece takes 0.1 KB besides."""

_MOMENT = 1.0
"""The seconds within which they must have been sent, so that their age is known to a second."""


class _Piece(NamedTuple):
    """Messages that were sent together, or nearly so.

    @ivar number: the number of them.
    @ivar moment: when the first of them was, by the clock that the server waits by.
    """

    messages: bytes
    number: int
    moment: float


class WindowWriter(Writer):
    """Writes to a client with a tag, and keeps messages until it has them.

    @ivar sent: the number of messages that were sent and not got.
    """

    __slots__ = ("_got", "_pieces", "_window", "sent")

    def __init__(self, session: IOwner, feed: Feed, outlet: IOutlet, clock: IReactorTime) -> None:
        super().__init__(session, feed, outlet, clock)
        assert isinstance(feed.outbox, WindowOutbox)
        self._window = feed.outbox
        self.sent = 0
        # None for most. There are some thousand at most, and a deque would take 0.6 KB.
        self._pieces: list[_Piece] | None = None
        self._got = 0  # bytes of the first of them that the client has

    @property
    def oldest(self) -> float | None:
        """The time at which the oldest message not got was sent, to a second; None without any."""
        return self._pieces[0].moment if self._pieces else None

    def got(self, messages: int) -> None:
        """Forget the first C{messages} that were sent, all of which there are."""
        self.sent -= messages
        pieces = self._pieces or []
        gone = 0
        while messages and pieces[gone].number <= messages:
            messages -= pieces[gone].number
            self._shrink(len(pieces[gone].messages) - self._got)
            self._got = 0
            gone += 1
        del pieces[:gone]
        if messages:
            self._begin_first(pieces, messages)
        self._pieces = pieces or None

    def _begin_first(self, pieces: list[_Piece], messages: int) -> None:
        """Forget the first messages of a piece that has more; so a page costs what is got of it."""
        piece = pieces[0]
        at = self._got
        for _ in range(messages):
            at = piece.messages.index(b"\n", at) + 1
        self._shrink(at - self._got)
        self._got = at
        rest = piece.messages
        if 2 * at > len(rest):
            rest, self._got = rest[at:], 0
        pieces[0] = _Piece(rest, piece.number - messages, piece.moment)

    def prune(self, unwritten: int = 0) -> None:
        """Forget the notices of the tail; no machine's word counts for messages."""
        self._pool.size -= len(self._tail)
        self._tail.clear()

    def look(self) -> None:
        """Nobody knows more than the client has said."""

    def forget(self) -> None:
        super().forget()
        self._shrink(self._window.unconfirmed)
        self._pieces = None

    @property
    def tail_size(self) -> int:
        return self._window.unconfirmed

    @property
    def is_asked(self) -> bool:
        return False

    def _unacknowledged(self) -> bytes:
        sent = b"".join(piece.messages for piece in self._pieces or ())
        return sent[self._got :] + self._outbox.left()

    def _write(self, batch: bytes) -> Deferred[None] | None:
        self._retain(batch)
        room = self._outlet.write(batch)
        if room is not None:
            self._last = len(batch)
        elif self._outbox.written(len(batch)):
            self._session.relieved()
        return room

    def _retain(self, batch: bytes) -> None:
        """Keep the messages of a batch; its notices need not come again."""
        count = wire.count_messages(batch)
        if not count:
            return
        if batch.count(b"\n") > count:
            lines = batch.splitlines(keepends=True)
            batch = b"".join([line for line in lines if wire.is_message(line)])
        self.sent += count
        self._window.unconfirmed += len(batch)
        self._pool.size += len(batch)
        self._add(_Piece(batch, count, self._clock.seconds()))

    def _add(self, piece: _Piece) -> None:
        if self._pieces is None:
            self._pieces = [piece]
            return
        last = self._pieces[-1]
        is_small = len(last.messages) + len(piece.messages) <= _PIECE
        if is_small and piece.moment < last.moment + _MOMENT:
            messages, number = last.messages + piece.messages, last.number + piece.number
            self._pieces[-1] = _Piece(messages, number, last.moment)
        else:
            self._pieces.append(piece)

    def _shrink(self, size: int) -> None:
        self._window.unconfirmed -= size
        self._pool.size -= size
