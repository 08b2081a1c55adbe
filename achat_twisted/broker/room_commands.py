"""The commands of rooms and devices: what members, owners and names may ask for."""

from __future__ import annotations

from collections.abc import Callable

from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from achat_twisted import wire
from achat_twisted.broker.interfaces import IRoomCommands, ISession
from achat_twisted.broker.presence import Presence
from achat_twisted.broker.rooms import Rooms, cannot_join
from achat_twisted.limits.memory import Pool
from achat_twisted.mailbox.interfaces import IMailbox
from achat_twisted.mailbox.page import Page
from achat_twisted.mailbox.rows import Rights, Room
from achat_twisted.tools.errors import Unavailable
from achat_twisted.wire import rooms as said
from achat_twisted.wire.rooms import Look

_MOST_LOGGED = 64 * 1024
"""The most bytes that an answer to C{/log} shows; of a longer one, the last lines."""


@implementer(IRoomCommands)
class RoomCommands:
    """Does what clients ask for in rooms."""

    _log = Logger()

    def __init__(
        self,
        rooms: Rooms,
        mailbox: IMailbox,
        presence: Presence,
        pool: Pool,
        wall: Callable[[], float],
    ) -> None:
        """@param wall: the time of day, in seconds since 1970 (UTC)."""
        self._anyone_makes = False
        self._rooms = rooms
        self._mailbox = mailbox
        self._rows = mailbox.rows
        self._presence = presence
        self._pool = pool
        self._wall = wall

    def let_anyone_make(self, anyone_makes: bool) -> None:
        """@param anyone_makes: true if a room that there is not is made for anyone who joins it."""
        self._anyone_makes = anyone_makes

    def join(self, session: ISession, name: str) -> None:
        room = self._rows.room(said.check_room(name))
        if room is None:  # rather than one in which nobody is
            room = self._make(session, name)
        is_new = session.name not in room
        if is_new and not room.rights.is_open and session.name not in room.rights.owners:
            raise wire.BadLine(f"{name} is closed; one of its owners must let you in")
        if is_new:
            self._rooms.let_in(room, session.name)
        if session.only_sends:
            session.tell(said.joined(name, room.position(session.name, ""), room.era))
        elif session.rooms is None:
            session.listen()
        elif not is_new and name in session.rooms:  # or else it is told when it begins
            session.tell(said.joined(name, session.rooms[name].next, room.era))

    def _make(self, session: ISession, name: str) -> Room:
        if not self._anyone_makes:
            raise wire.BadLine(f"there is no room {name}; the operator makes rooms here")
        if not self._rows.can_join(session.name):
            raise cannot_join(session.name, name)
        room = self._rows.make_room(name, Rights(owners={session.name}))
        if room is None:
            raise wire.BadLine(f"{name} cannot be made, as there are too many rooms")
        self._log.info("{name} has made {room}", name=session.name, room=name)
        return room

    def part(self, session: ISession, name: str) -> None:
        room = self._member_of(session, name)
        is_told = name in (session.rooms or {})
        self._rooms.put_out(room, session.name)
        if not is_told:
            session.tell(said.parted(name))

    def who(self, session: ISession, name: str) -> None:
        room = self._member_of(session, name)
        self._rooms.spend(session, len(room))
        here: list[str] = []
        away: list[str] = []
        for member in sorted(room):
            (here if self._presence.is_here(member) else away).append(member)
        answers = said.members_here(name, here), said.members_away(name, away)
        self._must_have_room(f"/who {name}", sum(len(answer.detail) for answer in answers))
        for answer in answers:
            session.tell(answer)

    def log(self, session: ISession, look: Look) -> None:
        room = self._member_of(session, look.room)
        end = max(room.first, min(room.end, room.end if look.before is None else look.before))
        first = max(room.first, end - look.lines)
        while room.size_since(first) - room.size_since(end) > _MOST_LOGGED:
            first += 1
        self._must_have_room(f"/log {room.name}", room.size_since(first) - room.size_since(end))
        self._rooms.spend(session, end - first)
        session.hold(look)  # or else it could ask for any number of pages before one has come
        page = self._rows.page(room, first, _MOST_LOGGED)
        page.addCallback(self._logged, session, room, first, end)
        page.addErrback(self._not_logged, session, room)
        page.addBoth(lambda _: session.release(look))

    def _logged(self, page: Page, session: ISession, room: Room, first: int, end: int) -> None:
        now, wall = self._mailbox.now(), self._wall()
        for number, line, since in zip(range(first, end), page, page.since, strict=False):
            session.tell(said.logged(room.name, number, wall - (now - since), line))
        session.tell(said.log_ends(room.name, room.first, room.end))

    def _not_logged(self, failure: Failure, session: ISession, room: Room) -> None:
        if failure.check(Unavailable):
            why = failure.getErrorMessage()
            self._log.error("the log of {room} cannot be read: {why}", room=room.name, why=why)
        else:
            self._log.failure("The log of {room} cannot be read", failure, room=room.name)
        error = wire.BadLine(f"the log of {room.name} cannot be read just now")
        error.is_command = True
        session.refuse(error)

    def let_in(self, session: ISession, name: str, guest: str) -> None:
        room = self._owned(session, name)
        if guest not in room:
            self._must_be_known(guest)
            self._rooms.let_in(room, guest)
        session.tell(said.members(name, len(room)))

    def put_out(self, session: ISession, name: str, guest: str) -> None:
        room = self._owned(session, name)
        if guest not in room:
            raise wire.BadLine(f"{guest} is not in {name}")
        self._rooms.put_out(room, guest)
        session.tell(said.members(name, len(room)))

    def silence(self, session: ISession, name: str, *, is_quiet: bool) -> None:
        room = self._owned(session, name)
        room.rights.is_quiet = is_quiet
        self._rows.changed(room)
        session.tell(said.silenced(name, is_quiet))

    def devices(self, session: ISession) -> None:
        row = self._rows.get(session.name)
        here = {each.device for each in self._presence.devices(session.name) if each.is_here}
        for device in self._rows.devices(session.name):
            left = row.end - row.position(session.name, device) if row else 0
            session.tell(said.device(device, left, is_here=device in here))
        session.tell(said.devices_end(len(self._rows.devices(session.name))))

    def forget_device(self, session: ISession, device: str) -> None:
        if device not in self._rows.devices(session.name):
            raise wire.BadLine(f"{session.name} has no device {device[:64]}; /devices lists them")
        for each in self._presence.devices(session.name):
            if each.device == device:
                raise wire.BadLine(f"{device} is here; end its session first")
        for tag in self._mailbox.tags.of(session.name):
            if tag.name == device:
                self._mailbox.tags.forget(session.name, tag)
        self.devices(session)

    def _owned(self, session: ISession, name: str) -> Room:
        """@raise wire.BadLine: if the session's name does not own such a room."""
        room = self._rows.room(said.check_room(name))
        if room is None or session.name not in room.rights.owners:
            raise wire.BadLine(f"you do not own a room {name}")
        return room

    def _must_be_known(self, name: str) -> None:
        if said.is_room(name) or not self._mailbox.knows(name):
            raise wire.BadLine(f"there is nobody by the name {name}")

    def _must_have_room(self, what: str, size: int) -> None:
        """@raise wire.BadLine: if too much waits for all clients already."""
        if not self._pool.takes(size):
            raise wire.BadLine(
                f"{what} is not answered just now, as too much waits for clients that do not read"
            )

    def _member_of(self, session: ISession, name: str) -> Room:
        """@raise wire.BadLine: if there is no such room, or the session's name is not in it."""
        room = self._rows.room(said.check_room(name))
        if room is None:
            raise wire.BadLine(f"there is no room {name}")
        if session.name not in room:
            raise wire.BadLine(f"you are not in {name}; say /join {name} first")
        return room
