"""Rooms: those who are in them, what is said there, and the names that have several devices."""

from __future__ import annotations

from weakref import WeakValueDictionary

from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from achat_twisted import wire
from achat_twisted.broker.audience import Audience
from achat_twisted.broker.feed import FeedState
from achat_twisted.broker.follower import Follower
from achat_twisted.broker.interfaces import IRooms, ISession, ITurns
from achat_twisted.broker.ledger import Ledger
from achat_twisted.broker.presence import Presence
from achat_twisted.broker.session import Session
from achat_twisted.limits.limits import Limits
from achat_twisted.limits.room_rates import RoomRates
from achat_twisted.mailbox.interfaces import IMailbox
from achat_twisted.mailbox.rows import Room
from achat_twisted.mailbox.shared import SharedRow
from achat_twisted.wire import rooms as said


def cannot_join(name: str, room: str) -> wire.BadLine:
    """The fault of a name that is in too many rooms already, or joins while the mailbox is full."""
    return wire.BadLine(f"{name} cannot join {room}, as there is no room for more")


@implementer(IRooms)
class Rooms:
    """Routes what is said in rooms, and to names with devices: to the row, and to its audience."""

    def __init__(
        self,
        mailbox: IMailbox,
        presence: Presence,
        ledger: Ledger,
        turns: ITurns,
        clock: IReactorTime,
        limits: Limits,
    ) -> None:
        self._mailbox = mailbox
        self._rows = mailbox.rows
        self._presence = presence
        self._ledger = ledger
        self._turns = turns
        self._clock = clock
        self._rates = RoomRates(clock, limits)
        self._audiences: WeakValueDictionary[str, Audience] = WeakValueDictionary()  # by row
        self._listening: dict[str, dict[ISession, None]] = {}  # by name

    # Sessions

    def feed_for(self, session: Session) -> Follower | None:
        """The feed of a new session without a device, if the row of its name is shared."""
        row = self._rows.get(session.name)
        if row is None or session.device:
            return None
        self._rows.follow(row, session.name, "")
        return self._follower(session, row)

    def begin_device(self, name: str, device: str) -> Audience:
        """Give a device that begins its cursors, on the row of its name and on its rooms.

        Not before, as nobody would forget those of a device that is gone before it begins.

        @return: the readers of its name's row.
        """
        row = self._rows.get(name)
        if row is None:
            row = self._share(name)
        for each in (row, *self._rows.joined(name)):
            self._rows.follow(each, name, device)
        return self._audience(row)

    def _follower(self, session: Session, row: SharedRow) -> Follower:
        return Follower(
            session,
            session.name,
            session.outbox,
            self._mailbox,
            self._ledger,
            self._clock,
            self._audience(row),
            session.device,
        )

    def _share(self, name: str) -> SharedRow:
        """Let the row of a name have several readers; sessions that are here follow it from now on.

        All that is on its way to one of them is in the row as well from now on; so far that was
        the only place where it was.
        """
        here = self._presence.of(name)
        readers = [each for each in here if each.feed.hands_back and not each.device]
        lines, ages, sent = [], [], {}
        for session in readers:
            if session.feed.state is FeedState.LIVE:
                session.feed.fall_behind()
            mine, older = session.outbox.kept(session.writer.undelivered())
            sent[session] = len(mine)
            lines += mine
            ages += older or [0.0] * len(mine)
        row = self._mailbox.share(name, lines, ages)
        if readers or self._mailbox.tags.of(name):  # or else nobody reads without a device
            self._rows.follow(row, name, "")
        for session in readers:
            feed = self._follower(session, row)
            session.feed_from(feed, sent[session])
        return row

    def _audience(self, row: SharedRow) -> Audience:
        audience = self._audiences.get(row.name)
        if audience is None or audience.row is not row:
            audience = self._audiences[row.name] = Audience(row)
        return audience

    def enter(self, session: ISession) -> None:
        """Let a session hear what is said in the rooms of its name, if it does not yet."""
        self._listening.setdefault(session.name, {})[session] = None
        for room in self._rows.joined(session.name):
            if room.name not in (session.rooms or {}):
                session.follow(self._audience(room), room.era)

    def leave(self, session: ISession) -> None:
        """Let a session that ends hear no room any more."""
        self._rates.forget(session)
        for follower in (session.rooms or {}).values():
            follower.forget([])
        listening = self._listening.get(session.name, {})
        listening.pop(session, None)
        if not listening:
            self._listening.pop(session.name, None)

    # Members

    def let_in(self, room: Room, name: str) -> None:
        """Make a name a member.

        @raise wire.BadLine: if it is in too many rooms, or the mailbox is full.
        """
        if not self._rows.join(room, name):
            raise cannot_join(name, room.name)
        for session in self._listening.get(name, {}):
            if session.is_here:
                session.follow(self._audience(room), room.era)

    def put_out(self, room: Room, name: str) -> None:
        """Let a member go, and tell its sessions."""
        for session in self._listening.get(name, {}):
            session.unfollow(room.name)
        self._rows.part(room, name)

    def remove(self, room: Room) -> int:
        """Remove a room, and all that was said in it; return the number of copies thrown away."""
        kept = room.kept
        for name in list(room):
            self.put_out(room, name)
        self._rows.remove_room(room)
        self._audiences.pop(room.name, None)
        return kept

    # Lines

    def takes(self, name: str) -> bool:
        """True if lines for that recipient go to a shared row, or to a room that there is not."""
        return said.is_room(name) or self._rows.get(name) is not None

    def post(self, sender: ISession, name: str, line: bytes) -> None:
        """Route one line to a shared row; the ledger has it as one copy."""
        row = self._rows.get(name)
        if isinstance(row, Room):
            self._say(sender, row, line.replace(b": ", f" {name}: ".encode(), 1))
        elif row is None:
            self._refuse(sender, "unknown", name)
        elif not self._rows.post(row, line):
            self._refuse(sender, "full", name)
        else:
            if not self._tell(row, sender, line):
                sender.tally("kept", name)
            self._let_fall(row)

    def _say(self, sender: ISession, room: Room, line: bytes) -> None:
        if sender.name not in room:
            self._refuse(sender, "not-in", room.name)
        elif room.rights.is_quiet and sender.name not in room.rights.owners:
            self._refuse(sender, "closed", room.name)
        else:
            self._ledger.accepted += len(room) - 1
            if self._rows.post(room, line):
                self._tell(room, sender, line)
                self.spend(sender, len(room))
            else:
                self._refuse(sender, "full", room.name, len(room))

    def spend(self, sender: ISession, copies: int) -> None:
        """Count copies that a client makes, or is shown, and hold it if they are too many."""
        notice = self._rates.spend(sender, copies, is_local=sender.local)
        if notice is not None:
            sender.tell(notice)

    def _tell(self, row: SharedRow, sender: ISession, line: bytes) -> bool:
        """Tell those who follow a row of a new line; False if nobody gets it at once."""
        audience = self._audiences.get(row.name)
        if audience is None or not audience.followers:
            return False
        if audience.post(sender.name, line):
            self._turns.announce(audience)
        return True

    def _refuse(self, sender: ISession, word: str, name: str, copies: int = 1) -> None:
        self._ledger.refused[word] += copies
        sender.tally(word, name)

    def _let_fall(self, row: SharedRow) -> None:
        """Let lines go that only some devices have not got, and that take too much."""
        before = self._rows.lagging(row)
        if before <= row.first:
            return
        for session in self._presence.readers(row.name):
            if session.is_here and session.feed.has_begun and session.feed.first < before:
                session.cut()
        self._rows.drop(row, before)
