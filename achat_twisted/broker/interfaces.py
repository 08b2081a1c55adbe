"""The contracts of the broker and its sessions, as readers and commands see them."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from zope.interface import Attribute, Interface

from achat_twisted import wire
from achat_twisted.broker.audience import Audience
from achat_twisted.limits.pacing import ISender
from achat_twisted.limits.rate import Allowance
from achat_twisted.net.interfaces import IOutlet
from achat_twisted.wire.rooms import Look
from achat_twisted.wire.tags import PLAIN, Opening

Place = str | tuple[str, str]
"""A thing that one session has at a time: a name, to get its messages; or a name's tag."""


class ISession(ISender):
    """A logged-in connection, as its reader, the commands and the broker see it."""

    name: str = Attribute("The name that is logged in.")
    taken: int = Attribute("The number of lines taken in after the login; its reader counts.")
    commands: int = Attribute("The number of them that are commands; its reader counts.")
    local: bool = Attribute("True if its client is on this machine.")
    allowance: Allowance = Attribute("The lines that it may have taken in by now.")
    lost: bool = Attribute("True if its connection is lost, so that nobody hears an answer.")
    is_here: bool = Attribute("True if others see it in C{/who}.")
    is_numbered: bool = Attribute("True if its client says again what has not come as a whole.")
    device: str = Attribute("Its tag, if it has cursors of its own; else nothing.")
    only_sends: bool = Attribute("True if it hears nothing.")
    rooms: MutableMapping[str, Any] | None = Attribute(
        "The followers of the rooms that it hears, by name; None if it has not asked for any."
    )

    def tell(notice: wire.Notice) -> None:
        """Queue a notice for the client."""

    def give(answer: bytes) -> None:
        """Queue an answer that is rendered."""

    def tally(word: str, name: str) -> None:
        """Count one copy for C{name} towards the notice C{word} of this turn."""

    def connection_lost() -> None:
        """Note that the connection is lost: its name is free, and nothing more can come.

        What has come is still taken in, a slice at a time; no recipient holds that up.
        """

    def refuse(error: wire.WireError) -> None:
        """Tell the client of a line that means nothing, the last one that was taken in."""

    def got(argument: str) -> None:
        """Take in C{/got} with that argument.

        @raise wire.BadLine: if it is not for this session, malformed, or beyond what there is.
        """

    def sync(token: str) -> None:
        """Answer C{/sync} when all lines so far are routed, and as safe as promised."""

    def listen() -> None:
        """Hear what is said in the rooms of its name from now on."""

    def follow(audience: Audience, era: str) -> None:
        """Hear what is said in one more of them."""

    def unfollow(room: str) -> None:
        """Hear no more of a room that its name has left."""

    def rest() -> None:
        """Take in no more lines until others have had their turn."""

    def overdrawn() -> None:
        """Pause its reading for a while, as it has taken in more lines than it may."""

    def last_call() -> bool:
        """Tell if it takes in what its client has sent by now, however much that is.

        It does not while its reading is paused because of the client itself, which does not read
        what it is sent, or has sent too much.
        """

    def drain() -> None:
        """Take in no more; the session ends when all that is queued for it is flushed."""


class ISource(Interface):
    """A session's reader, as the session sees it: a push producer of lines."""

    has_spoken: bool = Attribute("True if lines have come, or parts of one, that are not taken in.")

    def pauseProducing() -> None:
        """Take in no more lines for now."""

    def resumeProducing() -> None:
        """Take in lines again."""

    def stopProducing() -> None:
        """Take in no more lines, not even those that are here."""


class IOwner(ISender):
    """A session, as the parts that it is made of see it."""

    outlet: IOutlet = Attribute("Its connection's way out.")
    holds: frozenset[object] = Attribute("The reasons for which its client is not read now.")
    rooms: MutableMapping[str, Any] | None = Attribute(
        "The followers of the rooms that it hears, by name; None if it has not asked for any."
    )

    def arrived_of_rooms(messages: bytes) -> int:
        """Note the arrival of rendered messages, as far as they were said in rooms.

        @return: the number of those.
        """

    def deliver(lines: bytes, age: float = 0.0) -> None:
        """Queue a rendered line, or several; do nothing if it is rendered as nothing.

        @param age: the seconds since a message was accepted.
        """

    def tell(notice: wire.Notice) -> None:
        """Queue a notice for the client."""

    def touch() -> None:
        """Have the session served when this turn ends."""

    def all_fed() -> None:
        """Note that its outbox holds all that it is to get: place the end marker."""

    def relieved() -> None:
        """Note that there is plenty of room in its outbox again."""

    def farewell() -> bytes:
        """The last lines, when all others are written."""

    def ended(failure: Failure | None) -> None:
        """Note that nothing more will be written: an event that comes back up the stream.

        @param failure: a bug that has kept the writer from going on, if there was one.
        """


class IRooms(Interface):
    """The rooms, as sessions see them."""

    def begin_device(name: str, device: str) -> Audience:
        """Give a device that begins its cursors, on the row of its name and on its rooms.

        @return: the readers of its name's row.
        """

    def enter(session: ISession) -> None:
        """Let a session that has begun hear what is said in the rooms of its name."""

    def leave(session: ISession) -> None:
        """Let a session that ends hear no room any more."""


class IRoomCommands(Interface):
    """The commands of rooms and devices; each is answered with notices.

    All raise L{wire.BadLine} if the name of the session may not do that, or if there is no such
    room, name or device.
    """

    def join(session: ISession, name: str) -> None:
        """Make the name of a session a member of a room, and let the session hear its rooms."""

    def part(session: ISession, name: str) -> None:
        """Let the name of a session leave a room."""

    def who(session: ISession, name: str) -> None:
        """Tell a member who of a room is here, and who is away."""

    def log(session: ISession, look: Look) -> None:
        """Show a member what was said."""

    def let_in(session: ISession, name: str, guest: str) -> None:
        """Make somebody a member, for an owner of the room."""

    def put_out(session: ISession, name: str, guest: str) -> None:
        """Let a member go, for an owner of the room."""

    def silence(session: ISession, name: str, *, is_quiet: bool) -> None:
        """Let only owners say something, or everybody again, for an owner of the room."""

    def devices(session: ISession) -> None:
        """List the devices of the session's name."""

    def forget_device(session: ISession, device: str) -> None:
        """Forget a device of the session's name, which is not here."""


class IServed(Interface):
    """A session, as the turns and the presence see it."""

    name: str = Attribute("The name that is logged in.")
    outlet: IOutlet = Attribute("Its connection's way out.")
    places: tuple[Place, ...] = Attribute("The places that it takes from older ones.")
    is_here: bool = Attribute("True if others see it in C{/who}.")
    watched: bool = Attribute("True while it is asked now and then what has arrived.")
    left_behind: int = Attribute("Bytes that go back to the mailbox soon.")

    def begin() -> None:
        """Begin, as no older session of its name or tag is left."""

    def go_on() -> None:
        """Be read again, in one of the turns to come."""

    def resume() -> None:
        """Be read again now, unless there is a reason to hold it."""

    def end_turn() -> None:
        """Seal what has come by now."""

    def dispatch(is_safe: bool = True) -> None:
        """Write what is sealed, as all that was recorded by then is safe; or not."""

    def flush() -> None:
        """Do both, L{end_turn} and L{dispatch}."""

    def look() -> bool:
        """Ask what has arrived; true if something may not have, and is to be asked for again."""


class ITurns(Interface):
    """The turns of the reactor, as a session sees them."""

    is_durable: bool = Attribute(
        "True if what a turn brings is committed before any of it reaches a writer."
    )

    def touch(session: IServed) -> None:
        """Flush C{session} when this turn ends; or end its turn, and dispatch after a commit."""

    def announce(audience: Audience) -> None:
        """Tell an audience what is new, some of it in each turn, until all have heard it.

        It is said once: not again while there is something to tell.
        """

    def resume(session: IServed) -> None:
        """Resume C{session} when this turn ends, or one of those that follow."""

    def commit() -> Deferred[bool] | None:
        """Make safe all lines so far.

        @return: None if that need not be, or if they are; else as C{IMailbox.commit} does.
        """


class IPresence(Interface):
    """The other sessions, as one of them sees them."""

    def begin(session: IServed) -> None:
        """Have the session begin, if no older one must come to its end before."""

    def changed() -> None:
        """Note that a session is not here any more."""

    def lost(session: IServed) -> None:
        """Note that a connection is lost, whose reader still works off what has come."""

    def is_first(session: IServed) -> bool:
        """True if no connection of the same name was lost before, and is still worked off."""

    def remove(session: IServed) -> None:
        """Forget a session, as it is over, and let those that wait for it go on."""


class IBroker(Interface):
    """The sessions that are here, by name, and the routing of lines to them."""

    room_commands: IRoomCommands = Attribute("The commands of rooms and devices.")

    def join(name: str, outlet: IOutlet, source: ISource, opening: Opening = PLAIN) -> ISession:
        """Log C{name} in; from now on the outlet belongs to the session's writer.

        @param source: the session's reader. It is paused while a recipient of its lines or the
            client itself is slow to read, and stopped when the session is to take in no more.
        @param opening: what the client has wished for before its login line.
        @raise wire.Refused: if the name is taken, or the server is stopping.
        """

    def post(sender: ISession, post: wire.Post) -> None:
        """Route one line: each copy is delivered, kept, or refused with a notice."""

    def post_run(sender: ISession, posts: Sequence[wire.Post]) -> bool:
        """Route several lines at once, if that is the same as one by one; else do nothing.

        That is so if all recipients are here and have room for all of it.

        @param posts: no two of them have a recipient in common.
        """

    def tell_names(session: ISession) -> None:
        """Tell a session which names are here.

        @raise wire.BadLine: if so much waits for all clients that there is no room for the answer.
        """

    def stats() -> str:
        """The fate of all copies so far, as the ledger sums it up."""
