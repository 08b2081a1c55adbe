"""Followers: the feeds of a shared row, which others read as well.

All lines are in the mailbox, so nothing is ever handed back: a session that ends leaves its cursor
where its client's word, or its machine's, has put it.
"""

from __future__ import annotations

from collections import deque

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from achat_twisted.broker.audience import Audience, Chunk
from achat_twisted.broker.feed import Feed, FeedState
from achat_twisted.broker.interfaces import IOwner
from achat_twisted.broker.ledger import Ledger
from achat_twisted.broker.outbox import Outbox
from achat_twisted.broker.window import WindowOutbox
from achat_twisted.mailbox.interfaces import IMailbox
from achat_twisted.mailbox.page import Page
from achat_twisted.wire.rooms import joined, missed, numbered


class Follower(Feed):
    """The messages to a name that has devices, as one of its sessions follows them."""

    __slots__ = ("_arrived", "_audience", "_device", "_head", "_is_up_to_date", "_row")
    hands_back = False

    def __init__(
        self,
        session: IOwner,
        name: str,
        outbox: Outbox,
        mailbox: IMailbox,
        ledger: Ledger,
        clock: IReactorTime,
        audience: Audience,
        device: str,
    ) -> None:
        """@param device: the one whose cursor it moves; empty for that of all sessions without."""
        super().__init__(session, name, outbox, mailbox, ledger, clock)
        self._audience = audience
        self._row = audience.row
        self._device = device
        self._head = self._arrived = 0
        self._is_up_to_date = False

    def settle(self) -> None:
        """See to it that its cursor is there, which may have gone while an older session ended."""
        self._mailbox.rows.follow(self._row, self.name, self._device)

    @property
    def first(self) -> int:
        return self._row.position(self.name, self._device)

    @property
    def left(self) -> int:
        return self._row.end - max(self._head, self._row.first)

    @property
    def pressed(self) -> bool:
        """False: what is too much for this session waits in the row, however much it is."""
        return False

    def begin(self) -> None:
        if self.state is FeedState.WAITING:
            self.settle()
            self._arrived = self.first
            self._begin_at(self._arrived)
            self._read_on()

    def succeed(self, before: Feed, sent: int, *, is_here: bool) -> None:
        """Go on where another feed was, behind so many copies that are on their way already.

        @param is_here: true if its session takes part; or else it gets no more from here.
        """
        self._arrived = self.first
        if before.state is FeedState.WAITING:
            if not is_here:
                self.drain()
        elif before.state is FeedState.BEHIND and is_here:
            self._begin_at(self._arrived + sent)
            self._greeted = True
            self._read_on()
        else:
            self.cut()
            if before.state is FeedState.BEHIND:
                self._session.all_fed()

    def _begin_at(self, position: int) -> None:
        self.state = FeedState.SHARED
        self._head = position
        self._audience.followers[self] = None

    @property
    def next(self) -> int:
        """The position of the line that its session is sent next."""
        return max(self._head, self._row.first)

    def offer(self, chunk: Chunk) -> None:
        """Take new lines, if all lines before them have been taken, and there is room."""
        if not self._is_live or self._head >= chunk.end:
            return
        if self._head > chunk.first:
            chunk = chunk.since(self._head)
        if self._head == chunk.first and self.outbox.takes(chunk.plain):
            self._head = chunk.end
            self._pass_on(chunk)
        else:
            self.fall_behind()
            self.refill()

    def give_up(self) -> None:
        self.cut()
        self._session.outlet.abort()

    def fall_behind(self) -> None:
        self._is_up_to_date = False

    def refill(self) -> None:
        """Feed on, if there is room: a page in each turn, as many may bring nothing to send."""
        if self._is_behind and self.outbox.takes_page:
            self._clock.callLater(0, super().refill)

    def delivered(self, copies: int) -> None:
        """Move the cursor, which need not be there, or where it was, if lines have fallen off."""
        self._arrived += copies
        self._advance(self._arrived)

    def cut(self) -> None:
        self.state = FeedState.ENDED
        self._audience.followers.pop(self, None)

    def forget(self, left: list[bytes]) -> None:
        self.cut()
        self.abandon()
        self._mailbox.hand_back(self.name, ())

    @property
    def _is_live(self) -> bool:
        return self._is_up_to_date and self.state is FeedState.SHARED

    @property
    def _is_behind(self) -> bool:
        return not self._is_up_to_date and self.state is FeedState.SHARED

    def _be_live(self) -> None:
        self._is_up_to_date = True

    def _take(self, size: int) -> Deferred[Page]:
        self._head = max(self._head, self._row.first)
        return self._mailbox.rows.page(self._row, self._head, size)

    def _fetched(self, lines: Page) -> None:
        self._head += len(lines)
        super()._fetched(lines)

    def _pass_on(self, chunk: Chunk) -> None:
        self._session.deliver(chunk.plain)

    def _advance(self, position: int) -> None:
        rows = self._mailbox.rows
        self._ledger.delivered += rows.advance(self._row, self.name, self._device, position)


class RoomFollower(Follower):
    """The lines of a room, as a session without a tag follows them.

    It does not hear what its own name has said there. As it has no numbers, the lines that it was
    sent are counted.
    """

    __slots__ = ("_era", "_sent")

    def __init__(
        self,
        session: IOwner,
        name: str,
        outbox: Outbox,
        mailbox: IMailbox,
        ledger: Ledger,
        clock: IReactorTime,
        audience: Audience,
        device: str,
        era: str,
    ) -> None:
        super().__init__(session, name, outbox, mailbox, ledger, clock, audience, device)
        self._era = era
        self._sent: deque[tuple[int, int]] = deque()  # where runs begin, and how many lines
        self._greeted = True

    def begin(self) -> None:
        """Say where the room begins for this session, and then what is said there."""
        self.settle()
        name, first = self._row.name, self.first
        self._session.tell(joined(name, first, self._era))
        lost = first - self._row.cursors(self.name)[self._device]
        if lost:
            self._session.tell(missed(name, lost))
        super().begin()

    def delivered(self, copies: int) -> None:
        """Move the cursor behind so many lines that were sent, and behind its own after them."""
        while copies and self._sent:
            first, count = self._sent.popleft()
            taken = min(copies, count)
            copies -= taken
            if taken < count:
                self._sent.appendleft((first + taken, count - taken))
            self._advance(first + taken)
        self._pass_own()

    @property
    def under_way(self) -> int:
        """The number of lines that were sent, and have not arrived."""
        return sum(count for _, count in self._sent)

    def drain(self) -> None:
        """Leave what the session has not been sent for the next one."""
        self.cut()

    def forget(self, left: list[bytes]) -> None:
        self.cut()
        self.abandon()

    @property
    def _page_size(self) -> int:
        """A share of the usual one, as all rooms of a name may begin at once."""
        return super()._page_size // max(1, len(self._session.rooms or ()))

    def _take(self, size: int) -> Deferred[Page]:
        lost = self._row.first - self._head
        if lost > 0:
            self._session.tell(missed(self._row.name, lost))
        return super()._take(size)

    def _deliver(self, lines: Page, now: float) -> None:
        own = f"from {self.name} {self._row.name}: ".encode()
        first = self._head - len(lines)
        together = b"".join(lines)
        if own not in together and not self.outbox.stamps:
            self._note_sent(first, len(lines))
            self._session.deliver(together)
            return  # a third of what a line costs, for one that returns to 10,000
        for position, (line, since) in enumerate(zip(lines, lines.since, strict=True), first):
            if not line.startswith(own):
                self._note_sent(position, 1)
                self._session.deliver(line, now - since)
        self._pass_own()

    def _pass_on(self, chunk: Chunk) -> None:
        if self.name not in chunk.senders:
            self._note_sent(chunk.first, chunk.end - chunk.first)
            self._session.deliver(chunk.plain)
            return
        for first, count, lines in chunk.spans_without(self.name):
            self._note_sent(first, count)
            self._session.deliver(lines)
        self._pass_own()

    def _note_sent(self, first: int, count: int) -> None:
        if self._sent:
            begin, sent = self._sent[-1]
            if begin + sent == first:
                self._sent[-1] = begin, sent + count
                return
        self._sent.append((first, count))

    def _pass_own(self) -> None:
        """Move the cursor to the first line that is under way, or behind all.

        It stays before lines that have fallen off, or else nobody would be told if the connection
        breaks before this client is.
        """
        if self._row.cursors(self.name).get(self._device, 0) >= self._row.first:
            self._advance(self._sent[0][0] if self._sent else self._head)


class TaggedRoomFollower(RoomFollower):
    """The same for a session with a tag: each line has its number, and all are heard."""

    __slots__ = ("_weight",)
    outbox: WindowOutbox

    def begin(self) -> None:
        self._weight = 0  # bytes that were sent and not got, about; set before anything is sent
        super().begin()

    def got(self, number: int) -> bool:
        """Take the client's word that it has all lines up to that number.

        @return: True if that is news.
        """
        if number < self._row.cursors(self.name)[self._device]:
            return False
        self._advance(number + 1)
        self._weigh()
        return True

    def is_beyond(self, number: int) -> bool:
        """Tell if a line of that number was not sent."""
        return number >= self._head

    def cut(self) -> None:
        super().cut()
        self.outbox.keep_in_rooms(-self._weight)
        self._weight = 0

    def _weigh(self) -> None:
        """Count what was sent and not got as room taken up in the outbox."""
        if self.state is not FeedState.SHARED:
            return
        row = self._row
        first, head = self.first, max(self._head, row.first)
        weight = row.size_since(first) - row.size_since(head)
        self.outbox.keep_in_rooms(weight - self._weight)
        self._weight = weight

    def _deliver(self, lines: Page, now: float) -> None:
        first = self._head - len(lines)
        if self.outbox.stamps:
            for number, (line, since) in enumerate(zip(lines, lines.since, strict=True), first):
                self._session.deliver(numbered(line, number), now - since)
        else:
            self._session.deliver(numbered(b"".join(lines), first))
        self._weigh()

    def _pass_on(self, chunk: Chunk) -> None:
        self._session.deliver(chunk.numbered)
        self._weigh()
