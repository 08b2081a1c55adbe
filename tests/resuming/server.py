"""The server: the real reader, broker and mailbox, with a disk, a thread and a clock of our own."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IReactorTime, ITransport
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from zope.interface import implementer

from achat_twisted.broker.takeover import Duplicate
from achat_twisted.limits.admission import Admission
from achat_twisted.limits.limits import Limits
from achat_twisted.login.gate import OPEN
from achat_twisted.mailbox.accounts import EXPIRY, MailLimits
from achat_twisted.mailbox.committer import RETRY, Committer
from achat_twisted.mailbox.database import Database
from achat_twisted.mailbox.interfaces import IMailbox
from achat_twisted.mailbox.mail_clock import MailClock
from achat_twisted.mailbox.memory import MemoryMailbox
from achat_twisted.mailbox.sqlite import SqliteMailbox
from achat_twisted.reader.factory import ChatFactory
from achat_twisted.reader.lines import ChatReader
from achat_twisted.reader.terms import Terms
from achat_twisted.tools.interfaces import IWorker, Result
from achat_twisted.tools.meter import NO_METER
from tests.disk import FakeDisk
from tests.house import House
from tests.resuming.cable import Cable
from tests.resuming.follower import Follower
from tests.resuming.model import Mode
from tests.resuming.platter import Platter, PlatterDatabase

AGE = 50.0
"""Seconds after which mail expires, and tags that nobody uses."""


@implementer(IWorker)
class SlowThread:
    """A thread that works when the schedule says so, and answers later still."""

    def __init__(self, follower: Follower) -> None:
        self._follower = follower
        self._jobs: deque[tuple[Callable[[], Any], Deferred[Any]]] = deque()
        self._answer: tuple[Deferred[Any], Deferred[Any]] | None = None

    def start(self) -> None:
        """There is no thread."""

    def stop(self) -> None:
        """There is no thread."""

    def run(self, work: Callable[[], Result]) -> Deferred[Result]:
        done: Deferred[Any] = Deferred()
        self._jobs.append((work, done))
        self._follower.seal()
        return done

    @property
    def has_work(self) -> bool:
        return bool(self._jobs or self._answer)

    def go_on(self) -> None:
        """Do the next job; or answer, if one is done."""
        if self._answer is None:
            work, done = self._jobs.popleft()
            self._follower.begin_job()
            self._answer = maybeDeferred(work), done
        else:
            (result, done), self._answer = self._answer, None
            result.chainDeferred(done)


class Server:
    """All lives of a server, on one file.

    @ivar cables: those that it may still hear of, with their readers.
    @ivar is_stopping: true from the beginning of an ordered stop to its end.
    """

    def __init__(
        self, mode: Mode, path: Path, rng: Random, follower: Follower, *, power_fails: bool
    ) -> None:
        self.mode = mode
        self._follower = follower
        self.disk = FakeDisk()
        self.cables: dict[Cable, ChatReader] = {}
        self._path = path
        self._rng = rng
        self._duplicate = rng.choice([Duplicate.TAKEOVER, Duplicate.TAKEOVER, Duplicate.REJECT])
        self._outbox_limit, self._limits = self.draw_limits(rng)
        self._platter = Platter(path, rng, is_watched=power_fails)
        self._databases: list[Database] = []
        self._opening: Cable
        self._wall = 1e9
        self._start()

    def draw_limits(self, rng: Random) -> tuple[int, MailLimits]:
        """The limits of an outbox, and of the mailbox."""
        outbox = rng.choice([600, 600, 4000])
        return outbox, MailLimits(per_name=rng.choice([3500, 10**6]), age=AGE)

    def _start(self) -> None:
        self.clock = Clock()
        self.thread = SlowThread(self._follower)
        self.is_stopping = False
        self.disk.full = False
        self._mailbox = self._open_mailbox()
        self._house = House(
            self._mailbox,
            self.clock,
            self._duplicate,
            durable=self.mode is Mode.DURABLE,
            outbox_limit=self._outbox_limit,
            make=self._follower.broker,
        )
        limits = Limits(connections=10**6, connections_per_host=10**6, logins_per_host=0)
        self._factory = ChatFactory(
            self._house.broker,
            self.clock,
            Terms(max_line=200, recipients=3, login_timeout=1e6, gate=OPEN),
            Admission(self.clock, limits),
            NO_METER,
            self._link,
        )

    def _open_mailbox(self) -> IMailbox:
        mailbox: IMailbox
        if self.mode is Mode.MEMORY:
            mailbox = MemoryMailbox(self.clock, self._limits)
        else:
            clock, began = self.clock, self._wall
            mail_clock = MailClock(clock, lambda: began + clock.seconds())
            committer = Committer(self.thread, clock)
            mailbox = SqliteMailbox(self._database, committer, clock, self._limits, mail_clock)
        mailbox.open()
        return self._follower.mailbox(mailbox)

    def _database(self) -> Database:
        is_durable = self.mode is Mode.DURABLE
        self._databases.append(
            PlatterDatabase(
                self._path,
                self.disk,
                self._platter,
                durable=is_durable,
                on_commit=self._follower.commit,
            )
        )
        return self._databases[-1]

    def _link(self, _transport: ITransport, _clock: IReactorTime) -> Cable:
        return self._opening

    # Connections

    def accept(self) -> Cable:
        """A new connection; it is cut already if the server is stopping."""
        cable = self._opening = Cable(self._rng)
        reader = self._factory.buildProtocol(None)
        if reader is None:
            cable.cut()
        else:
            reader.makeConnection(StringTransport())
            self.cables[cable] = reader
        return cable

    def can_hear(self, cable: Cable) -> bool:
        """True if there is a line to read, or the end."""
        reader = self.cables[cable]
        return not cable.up or bool(cable.to_server and not reader.paused)

    def hear(self, cable: Cable) -> None:
        """Read some lines, or the end. One that is not read hears of the end alone."""
        reader = self.cables[cable]
        if cable.to_server and not reader.paused:
            lines = self._rng.choice([1, 1, 1, 4])
            some = [cable.to_server.popleft() for _ in range(min(lines, len(cable.to_server)))]
            cable.said += some
            reader.dataReceived("".join(f"{line}\n" for line in some).encode())
        else:
            self._lose(cable)

    def _lose(self, cable: Cable) -> None:
        cable.to_server.clear()
        reader = self.cables.pop(cable)
        self._follower.lose(cable)
        cable.gone = True
        reader.connectionLost(Failure(ConnectionDone()))

    # Time

    def turn(self) -> None:
        self._house.turn()

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.turn()

    def age(self) -> None:
        """Let mail and tags expire that nobody has come for."""
        self._follower.expire()
        self.pass_time(EXPIRY + AGE)

    def kick(self, name: str) -> None:
        self._follower.kick(name)
        self._house.broker.kick(name)

    def calm_down(self) -> None:
        """Have room for all, and a disk that works; and let those send whose name is here."""
        self.disk.full = False
        self._house.broker.set_duplicate(Duplicate.TAKEOVER)
        self._limits = MailLimits()
        self._mailbox.limit(self._limits)

    # The end

    def stop(self) -> None:
        """Begin to stop in order."""
        self.is_stopping = True
        self._follower.begin_stop()
        self._factory.stop_reading()
        self.turn()
        self._factory.cut()
        self._house.broker.stopService()
        self.turn()

    def end(self) -> None:
        """End an ordered stop; and start again."""
        self.disk.full = False
        self._house.broker.cut()
        for _ in range(5):
            self._exhaust()
            self.pass_time(RETRY)
        self._factory.abort()
        for cable in list(self.cables):
            self._lose(cable)
        self._exhaust()
        closed = self._mailbox.close()
        self._exhaust()
        assert closed.called
        if self.mode is not Mode.MEMORY:
            self._platter.write(is_synced=True)  # as SQLite syncs when it closes
        self._end_life()
        self._follower.stop()
        self._start()

    def crash(self, *, loses_power: bool = False) -> None:
        """Crash, alone or with the machine; and start again."""
        for cable in self.cables:
            cable.cut()
        self._end_life()
        if loses_power:
            self._platter.fail()
        self._start()
        self._follower.crash(self._mailbox.knows)

    def _exhaust(self) -> None:
        while self.thread.has_work:
            self.thread.go_on()
            self.turn()

    def _end_life(self) -> None:
        self.cables.clear()
        self._wall += self.clock.seconds()
        self.close()

    def close(self) -> None:
        """Close the file, as a crash does; for good, if nothing starts again."""
        for database in self._databases:
            database.close()
        self._databases.clear()
