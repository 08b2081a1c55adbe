"""A mailbox in a real file, with a fake thread and a disk that can fail."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, fail, maybeDeferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

import achat_twisted.mailbox
from achat_twisted.mailbox.accounts import LIMITS, MailLimits
from achat_twisted.mailbox.batch import Batch, Span
from achat_twisted.mailbox.checkup import APPLICATION
from achat_twisted.mailbox.committer import Committer
from achat_twisted.mailbox.database import Database
from achat_twisted.mailbox.mail_clock import MailClock
from achat_twisted.mailbox.page import Page
from achat_twisted.mailbox.sqlite import SqliteMailbox
from achat_twisted.tools.errors import NoThread
from achat_twisted.tools.interfaces import IWorker, Result


@implementer(IWorker)
class FakeWorker:
    """Works at once, in the same thread; or, while it is I{held}, when it is released.

    @ivar short: true while there is no thread for it, and it begins nothing.
    @ivar jobs: how much work it has done.
    """

    def __init__(self) -> None:
        self.held = self.short = False
        self.started = self.stopped = False
        self.jobs = 0
        self._waiting: list[tuple[Callable[[], Any], Deferred[Any]]] = []

    def start(self) -> None:
        self.started = True

    def run(self, work: Callable[[], Result]) -> Deferred[Result]:
        if self.short:
            return fail(NoThread())
        done: Deferred[Any] = Deferred()
        self._waiting.append((work, done))
        if not self.held:
            self.release()
        return done

    def waiting(self) -> int:
        """The amount of work that is held."""
        return len(self._waiting)

    def release(self) -> None:
        """Do what waits, and hold nothing back any more."""
        self.held = False
        waiting, self._waiting = self._waiting, []
        for work, done in waiting:
            self.jobs += 1
            maybeDeferred(work).chainDeferred(done)

    def stop(self) -> None:
        self.stopped = True


AnyMailbox = TypeVar("AnyMailbox", bound=SqliteMailbox)


class FakeDisk:
    """A disk that can be full, or broken; shared by the databases on it.

    @ivar syncs: the number of times that a database has waited for it.
    """

    def __init__(self) -> None:
        self.full = self.broken = False
        self.syncs = 0


class FullDatabase(Database):
    """A database that cannot commit while its disk is full, nor be read while that is broken."""

    def __init__(self, path: Path, disk: FakeDisk, *, durable: bool = False) -> None:
        self._disk = disk
        super().__init__(path, durable=durable)

    def commit(self, batch: Batch) -> None:
        if self._disk.full:
            raise sqlite3.OperationalError("database or disk is full")
        super().commit(batch)

    def sync(self) -> None:
        self._disk.syncs += 1
        if self._disk.broken:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        super().sync()

    def page(self, name: int, first: int, size: int) -> Page:
        if self._disk.broken:
            raise sqlite3.OperationalError("disk I/O error")
        return super().page(name, first, size)


class QuickDatabase(FullDatabase):
    """One that does not wait for the machine's disk, as no test cuts its power."""

    def _prepare(self, version: int) -> None:
        super()._prepare(version)
        self._sql.execute("PRAGMA synchronous=OFF")


def batch_of(*spans: Span, names: Mapping[int, str | None] | None = None) -> Batch:
    """A batch with these copies, and names."""
    batch = Batch(names=dict(names or {}))
    for span in spans:
        batch.add(span)
    return batch


def scratch_file(case: SynchronousTestCase) -> Path:
    """A path at which a test may have a file; it is gone with the test.

    Under pytest C{mktemp} would leave it in the checkout.
    """
    folder = TemporaryDirectory()
    case.addCleanup(folder.cleanup)
    return Path(folder.name, "mailbox.sqlite")


_VERSION_1 = """
INSERT INTO name VALUES (1, 'bob'), (2, 'carol'), (3, 'dave');
INSERT INTO copy VALUES
    (1, -2, 10.5, x'6f6e650a'), (1, -1, 11.5, x'74776f0a'), (1, 3, 12.5, x'666f75720a'),
    (2, 7, 13.5, x'666976650a');
INSERT INTO record VALUES (1, 1, 4, 2, x'666976650a7369780a');
PRAGMA user_version=1;
"""
"""The rows that a crash with C{--durable} may have left in a file of version 1."""


def write_version_1(path: Path) -> None:
    """Write a file of version 1, with mail in it."""
    folder = Path(achat_twisted.mailbox.__file__).parent
    parts = [(folder / name).read_text() for name in ("schema.sql", "record.sql")]
    with closing(sqlite3.connect(path)) as sql:
        sql.executescript("".join([*parts, _VERSION_1, f"PRAGMA application_id={APPLICATION};"]))
    path.chmod(0o600)


class Desk:
    """The place of a mailbox's file, and mailboxes that use it, one after the other.

    @ivar clock: running time.
    @ivar wall: the wall clock.
    @ivar committer: that of the last mailbox.
    @ivar durable: true if the mailboxes are to outlive a crash of the machine.
    """

    committer: Committer
    durable = False

    def __init__(self, path: Path, clock: Clock) -> None:
        self.path = path
        self.clock = clock
        self.wall = Clock()
        self.disk = FakeDisk()
        self.worker = FakeWorker()
        self.databases: list[Database] = []

    @classmethod
    def of(cls, case: SynchronousTestCase, clock: Clock) -> Desk:
        """A desk that a test has for itself; nothing on it stays open longer."""
        desk = cls(scratch_file(case), clock)
        case.addCleanup(desk.crash)
        return desk

    def mailbox(self, limits: MailLimits = LIMITS) -> SqliteMailbox:
        """A mailbox on the file, open."""
        return self.make(SqliteMailbox, limits)

    def make(self, kind: type[AnyMailbox], limits: MailLimits = LIMITS) -> AnyMailbox:
        """A mailbox of some special kind on the file, open."""
        self.worker = FakeWorker()
        self.committer = Committer(self.worker, self.clock)
        mailbox = kind(
            self._open,
            self.committer,
            self.clock,
            limits,
            MailClock(self.clock, self.wall.seconds),
        )
        mailbox.open()
        return mailbox

    def _open(self) -> Database:
        self.databases.append(QuickDatabase(self.path, self.disk, durable=self.durable))
        return self.databases[-1]

    def crash(self) -> None:
        """Ends the process that uses the file, without warning."""
        for database in self.databases:
            database.close()
