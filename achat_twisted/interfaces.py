"""What the rooms ask of one another. The contract stands here; implementations stay brief."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IPushProducer
from zope.interface import Attribute, Interface

from achat_twisted import wire

if TYPE_CHECKING:
    from OpenSSL.crypto import X509  # which takes long to import, and is needed by few

P = ParamSpec("P")
Result = TypeVar("Result")


class CannotStart(SystemExit, Exception):
    """Why the server cannot start, in one sentence, with which the process ends.

    As it is also an ordinary exception, twistd tidies up before that; and if it runs as a daemon,
    it tells the terminal.
    """


class Unavailable(Exception):
    """Something cannot be done just now, which is nobody's bug; its text is for the log."""


class NoThread(Unavailable):
    """The system lets no thread be started: the work was not begun, and may be given again."""

    def __init__(self) -> None:
        super().__init__("no thread can be started, as the system allows no more just now")


class IOutlet(Interface):
    """One connection's way out: what a writer writes to."""

    peer: str = Attribute("Who is at the other end, for the log.")
    local: bool = Attribute("Whether the other end is on this machine.")
    origin: str = Attribute(
        "Whom it counts for, if there is a limit for each; empty while unknown."
    )
    closed: Deferred[None] = Attribute(
        "Fires once, when the connection is gone for whatever reason. It has one user: whoever"
        " owns the outlet, which is the reader until login and the writer after it."
    )

    def write(data: bytes) -> Deferred[None] | None:
        """Send C{data}, after all that was written before.

        @return: None if there is room for more; else a C{Deferred} that fires when there is,
            or when the connection is gone. It may be cancelled by who no longer wants to wait.
        """

    def outstanding() -> int:
        """How many of the last bytes written the peer's machine may not have acknowledged.

        Never too few. It stays readable, and right, after C{closed} has fired.
        """

    def finish(last: bytes) -> Deferred[None]:
        """Send C{last}, half-close, and linger until the peer has all of it; then close.

        @return: fires when nothing is outstanding any more, or the connection is gone.

        Unread input must not turn the close into a reset that destroys what was sent, so input
        is read and thrown away until the peer's end of file, or until nothing is outstanding and
        no input has come for a second. A peer that acknowledges nothing for too long is aborted.
        """

    def abort() -> None:
        """Close at once; what is outstanding stays so."""


class IInlet(Interface):
    """One connection's way in, beyond what a Twisted transport offers."""

    def connection_lost() -> None:
        """To be called by the protocol when its connection is gone."""

    def last_input() -> Deferred[None]:
        """Take in what the kernel holds now, a snapshot, and nothing after it.

        The bytes come through the protocol's C{dataReceived} as ever, and while the transport is
        paused they wait. Fires when all of them have come.
        """


class ILink(IOutlet, IInlet):
    """Both ways of one connection."""

    def ask_certificate() -> None:
        """Ask the client for a certificate, if this is TLS; to be called before anything comes.

        It need not have one. If it has, TLS sees that it has the key, and nothing else.
        """

    def certificates() -> Sequence[X509]:
        """What the client has shown: its own certificate first, then those that may vouch for it.

        Nobody has checked that they do. None at all if it has none, or was not asked.
        """


class IProxied(Interface):
    """A protocol whose connections a proxy may bring."""

    def introduced() -> None:
        """The proxy has said for whom it has come; the client's own bytes follow."""

    def not_introduced(why: str) -> None:
        """The first bytes are no header of a proxy's; nothing more will come through.

        @param why: the rest of a sentence about the connection, for its log line.
        """


class IGate(Interface):
    """Who may enter."""

    def greet(link: ILink) -> None:
        """There is a new connection, from which nothing has come."""

    def enter(login: wire.Login, link: ILink) -> Deferred[str] | None:
        """Let somebody in, or not.

        @return: None if C{login} is good at once, under its name. Else a C{Deferred} that fires
            in bounded time: with the name, or it fails with L{wire.Refused}. It may be cancelled.
        """

    def knows(name: str) -> bool:
        """Whether somebody by that name may enter, who need never have been here."""


class IPoller(Interface):
    """What has sockets read and written when they are ready."""

    def start_reading(transport: Any) -> None:
        """Read C{transport} from now on, whenever there is something."""

    def stop_reading(transport: Any) -> None:
        """Read it no more."""

    def start_writing(transport: Any) -> None:
        """Let C{transport} write from now on, whenever there is room."""

    def stop_writing(transport: Any) -> None:
        """It has nothing more to write."""


Soon = Callable[[Callable[[], None]], IDelayedCall | None]
"""Has something called when this turn of the reactor ends; None if that is now."""


class ISession(Interface):
    """A logged-in connection, as its reader and the commands see it."""

    name: str = Attribute("Who is logged in.")
    taken: int = Attribute("How many lines after the login line were taken in; its reader counts.")
    local: bool = Attribute("Whether its client is on this machine.")
    allowance: Any = Attribute("How many lines it may have taken in by now: C{allowance.lines}.")
    deserted: bool = Attribute("Whether its connection is lost.")

    def tell(notice: wire.Notice) -> None:
        """Queue a notice for the client, behind what is queued."""

    def desert() -> None:
        """The connection is lost: nobody hears an answer, and nothing more can come.

        What has come is still taken in, a slice at a time; no recipient holds that up.
        """

    def sync(token: str) -> None:
        """Answer C{/sync} when all lines so far are routed, and as safe as is promised."""

    def rest() -> None:
        """Take in no more lines until others have had their turn."""

    def overdrawn() -> None:
        """It has taken in more lines than it may: its reading is paused until it may again."""

    def last_call() -> bool:
        """Whether it takes in what its client has sent by now, however much that is.

        Not while its reading is paused for the client's own doings: as it does not read what it is
        told, or has sent too much.
        """

    def leave() -> None:
        """Take in no more; the session goes when all that is queued for it is flushed."""


class IBroker(Interface):
    """Who is here."""

    def join(name: str, outlet: IOutlet, source: IPushProducer) -> ISession:
        """Log C{name} in; from now on the outlet belongs to the session's writer.

        @param source: the session's reader. It is paused while a recipient of its lines or the
            client itself is slow to read, and stopped when the session is to take in no more.
        @raise wire.Refused: if the name is taken, or the server is stopping.
        """

    def post(sender: Any, post: wire.Post) -> None:
        """Route one line: each copy is delivered, kept, or refused with a notice.

        @param sender: a session that L{join} has returned.
        """

    def post_run(sender: Any, post: wire.Post) -> bool:
        """Route several lines at once, if that is the same as one by one; else do nothing.

        It is, if all recipients are here and have room for all of it.
        """

    def names() -> list[str]:
        """The names that are here, sorted."""

    def tell_names(session: Any) -> None:
        """Tell a session that L{join} has returned which names are here.

        @raise wire.BadLine: if so much waits for all clients that there is no room for the answer.
        """

    def stats() -> str:
        """What has become of all copies so far."""


Row = dict[str, str | int]
"""What an operator is told of one thing, by name."""


class IHousekeeper(Interface):
    """What an operator can see and do."""

    def who() -> Iterator[Row]:
        """A row for each session, with its state at the moment when the row is taken."""

    def sessions() -> int:
        """How many there are, those included that leave and have not got all yet."""

    def kick(name: str) -> bool:
        """End the session of C{name} at once, with what has been written by now.

        What it has not got is kept for it. False if there is none.
        """

    def stats() -> Row:
        """What has become of all copies so far, and how many clients there are."""

    def mail(name: str) -> Row | None:
        """How much is kept for C{name}; None if there is nobody by that name."""

    def drain(on: bool) -> None:
        """Let nobody new in from now on, or everybody again."""

    def draining() -> bool:
        """Whether nobody new is let in."""


class IMailbox(Interface):
    """Where copies wait for names that are away or behind.

    Lines are rendered messages, line end included. The copies for a name stand in one row, in
    which nobody overtakes: first those that are I{on their way} to it, then those that are
    I{kept}. A copy that is on its way leaves the row when it has arrived, or is kept again.
    """

    expired: int = Attribute("How many copies were kept for too long, and thrown away, so far.")
    pressed: bool = Attribute("Whether more comes in than can be put away as fast.")
    failing: bool = Attribute("Whether what comes in cannot be made safe just now.")

    def open() -> None:
        """Get ready; called once, before anything else, and while no reactor runs.

        @raise CannotStart: if that cannot be.
        """

    def limit(limits: Any) -> None:
        """Let other limits hold for what is kept from now on; what is kept already stays."""

    def introduce(name: str) -> None:
        """There is somebody by that name, who has never been here; nothing, if that is known."""

    def enroll(name: str) -> None:
        """A session of C{name} begins, and from now on there is somebody by that name.

        For as long as it lasts, until L{hand_back}, nothing kept for the name expires.
        """

    def knows(name: str) -> bool:
        """Whether there is somebody by that name."""

    def keep(name: str, line: bytes) -> bool:
        """Take one copy, behind all others for C{name}; False if that cannot be just now."""

    def pass_by(name: str, copies: int) -> None:
        """So many copies have gone straight to C{name}, for which none is kept."""

    def record(name: str, line: bytes) -> None:
        """A copy goes straight to C{name}, for which none is kept; remember it until it arrives."""

    def commit() -> Deferred[bool] | None:
        """Have all that was recorded and kept by now made safe.

        @return: None if it is; else a C{Deferred} that fires when it is, with True, or with False
            if that fails, which is tried again until it succeeds.
        """

    def take(name: str, size: int) -> Deferred[list[bytes]]:
        """The first kept lines for C{name}, about C{size} bytes, at least one if there is any.

        They are on their way from the moment the Deferred fires. It may be cancelled before.
        """

    def delivered(name: str, copies: int) -> None:
        """The first so many copies that were on their way to C{name} have arrived."""

    def hand_back(name: str, lines: Sequence[bytes]) -> None:
        """A session of C{name} has ended, and all that was still on its way is kept again.

        Never refused, as these copies were accepted long ago; an outbox bounds their size.
        """

    def count(name: str) -> int:
        """How many copies are kept for C{name}."""

    def size_for(name: str) -> int:
        """Bytes kept for C{name}, as they count towards the limit for a name."""

    def copies() -> int:
        """The number of copies kept in all; after L{close}, without those that were lost in it."""

    def size() -> int:
        """How many bytes are kept in all, counted as the limits count them."""

    def close() -> Deferred[None]:
        """Fires when everything kept is as safe as this mailbox can make it."""


class IWorker(Interface):
    """Where something is done that would hold the reactor up."""

    def start() -> None:
        """Get ready."""

    def run(work: Callable[[], Any]) -> Deferred[Any]:
        """Do C{work} behind what was given before; fires with what it returns.

        It never raises. It fails as C{work} does, or with L{NoThread} if that was not begun.
        """

    def stop() -> None:
        """Nothing more will come."""


class IMeter(Interface):
    """What has to be told as it happens, for who looks on; all else can be asked for later."""

    def login(outcome: str) -> None:
        """A login has ended: with the notice of that word, or as a word says."""

    def time_turn(turn: Callable[P, Result]) -> Callable[P, Result]:
        """C{turn}, which serves a round of clients, timed each time if anybody wants to know."""

    def time_commit(commit: Callable[P, Result]) -> Callable[P, Result]:
        """C{commit}, which is done for the mailbox in any thread, but one at a time; likewise."""


class INotifier(Interface):
    """Whoever has started the process, and wants to know how it is."""

    def ready() -> None:
        """Everybody is let in; also said when a reload is over."""

    def reloading() -> None:
        """A reload has begun; it is over with L{ready}."""

    def stopping(patience: float) -> None:
        """A stop has begun, which should not be cut off for so many seconds."""

    def stopped() -> None:
        """There is no more to tell."""


class IReloadable(Interface):
    """What can take new options while the server runs."""

    def reload(options: Mapping[str, Any]) -> Callable[[], None]:
        """Make what the new options ask for, and change nothing yet.

        @return: puts it in place, and does not fail; it is not called if others cannot reload.
        @raise ValueError: if it cannot be made, in one sentence; C{OSError} and L{CannotStart}
            are taken for the same.
        """


class ISignals(Interface):
    """The process's signals."""

    def ignore_strays() -> None:
        """From now on, let no signal end the process but those that are meant to.

        Of each of the others the first is a line in the log.
        """

    def on_hangup(reload: Callable[[], None]) -> None:
        """Call C{reload} on SIGHUP, which would kill the process at once."""

    def on_rotate(rotate: Callable[[], None]) -> None:
        """Call C{rotate} on SIGUSR1, with which twistd begins a new log file."""

    def on_second_signal(hurry: Callable[[], None]) -> None:
        """From now on, call C{hurry} on any signal that asks for a stop."""
