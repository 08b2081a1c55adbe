"""The window: what is sent to a client with a tag, and what it has not said that it got.

Nothing counts as delivered here because a machine has acknowledged it: only the client's own word
counts, C{/got}. So what was sent stays until then, and takes up room in the outbox.
"""

from __future__ import annotations

import sys

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from achat_twisted import wire
from achat_twisted.broker.feed import Feed
from achat_twisted.broker.interfaces import IOwner
from achat_twisted.broker.outbox import Outbox
from achat_twisted.broker.writer import Writer
from achat_twisted.limits.memory import Pool
from achat_twisted.net.interfaces import IOutlet
from achat_twisted.wire.rooms import is_said_in_room


class WindowOutbox(Outbox):
    """An outbox in which messages take up room until the client has them.

    No sender is held because this client has not confirmed: its C{/got} may stand behind lines of
    its own, for which it may be held itself. Copies go to the mailbox instead.

    C{high_mark} is only where the broker begins to look closely at each copy, as from there on the
    outbox may be full, or high.

    @ivar unconfirmed: bytes of messages that were sent and not got; only L{keep} changes it.
    @ivar in_rooms: the same for what was said in rooms; the mailbox has it, so it takes no memory.
    @ivar has_notices: true if a notice may be among the lines that wait.
    """

    __slots__ = ("has_notices", "in_rooms", "unconfirmed")

    def __init__(self, limit: int, pool: Pool) -> None:
        super().__init__(limit, pool)
        self.unconfirmed = self.in_rooms = 0
        self.has_notices = False

    @property
    def high(self) -> bool:
        return self.size >= self.limit // 2

    @property
    def is_full(self) -> bool:
        return self.size + self.unconfirmed + self.in_rooms >= self.limit

    @property
    def takes_page(self) -> bool:
        return self.size + self.unconfirmed + self.in_rooms <= self.limit // 4

    @property
    def admits(self) -> int:
        return sys.maxsize

    def keep(self, size: int) -> None:
        """Count so many bytes more as unconfirmed; fewer, if it is negative."""
        self.unconfirmed += size
        half, room = self.limit // 2, self.limit - self.unconfirmed - self.in_rooms
        self.high_mark = half if half < room else room

    def keep_in_rooms(self, size: int) -> None:
        """Do the same for what was said in rooms."""
        self.in_rooms += size
        self.keep(0)

    def resize(self, limit: int) -> bool:
        is_low = super().resize(limit)
        self.keep(0)
        return is_low


_HOP = 1024
"""Bytes in which messages are counted at a time, rather than looked for one by one."""


class WindowWriter(Writer):
    """Writes to a client with a tag, and keeps messages until it has them: they are the tail.

    To count them as they are written would cost a stream 0.03 us each. A C{/got} counts on to where
    it ends; so each byte is counted once, whatever a client confirms, or says that it does.
    """

    __slots__ = ("_counted", "_upto")
    _outbox: WindowOutbox

    def __init__(self, session: IOwner, feed: Feed, outlet: IOutlet, clock: IReactorTime) -> None:
        super().__init__(session, feed, outlet, clock)
        assert isinstance(feed.outbox, WindowOutbox)
        self._counted = self._upto = 0  # messages that are counted, in so many bytes of the tail

    @property
    def oldest(self) -> float | None:
        """The time at which the oldest message not got was sent, to a second; None without any."""
        return next((mark.moment for mark in self.marks if mark.written > self._arrived), None)

    @property
    def sent(self) -> int:
        """The number of messages that were sent and not got."""
        return self._counted + self._tail.count(b"\n", self._upto)

    def has(self, messages: int) -> bool:
        """Tell if so many messages were sent and not got."""
        size = len(self._tail)
        while self._counted < messages and self._upto < size:
            end = min(self._upto + _HOP, size)
            self._counted += self._tail.count(b"\n", self._upto, end)
            self._upto = end
        return self._counted >= messages

    def got(self, messages: int) -> None:
        """Forget the first C{messages} that were sent; L{has} has told that they are there."""
        tail, beyond = self._tail, self._counted - messages
        if messages <= beyond:
            end = 0
            for _ in range(messages):
                end = tail.index(b"\n", end) + 1
        else:
            end = self._upto
            for _ in range(beyond + 1):
                end = tail.rindex(b"\n", 0, end)
            end += 1
        self._counted -= messages
        self._upto -= end
        del tail[:end]  # which moves nothing, as a bytearray has room before its first byte
        self._arrived += end
        self._pool.size -= end
        self._outbox.keep(-end)

    def prune(self, unwritten: int = 0) -> None:
        """No machine's word counts for messages."""

    def forget(self) -> None:
        super().forget()
        self._counted = self._upto = 0
        self._outbox.keep(-self._outbox.unconfirmed)

    @property
    def is_asked(self) -> bool:
        """True if something was written since the last mark, and none is due for it yet."""
        written = self._arrived + len(self._tail)
        return bool(self._tail) and not (self.marks and self.marks[-1].written == written)

    def _write(self, batch: bytes) -> Deferred[None] | None:
        window = self._outbox
        is_mixed = window.has_notices or self._session.rooms is not None
        messages = self._without_notices(batch) if is_mixed else batch
        self._tail += messages
        self._pool.size += len(messages)
        window.keep(len(messages))
        room = self._outlet.write(batch)
        if room is not None:
            self._last = len(batch)
        elif window.written(len(batch)):
            self._session.relieved()
        return room

    def _without_notices(self, batch: bytes) -> bytes:
        """The messages of a batch, as its notices need not come again, nor what is in rooms."""
        self._outbox.has_notices = self._outbox.size > len(batch)
        lines = batch.splitlines(keepends=True)
        return b"".join(
            [line for line in lines if wire.is_message(line) and not is_said_in_room(line)]
        )
