"""A mailbox in a file, which outlives the process.

Strategy: what must be known at once is in memory, in L{Accounts}, with a L{Row} for each name. The
lines are in the file, and one thread alone talks to it: it commits at a stroke all that has
gathered during the commit before.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from achat_twisted.mailbox.accounted import Accounted
from achat_twisted.mailbox.accounts import EXPIRY, LINE_COST, Accounts, MailLimits
from achat_twisted.mailbox.batch import Span
from achat_twisted.mailbox.committer import Committer
from achat_twisted.mailbox.database import Database
from achat_twisted.mailbox.file_store import FileStore
from achat_twisted.mailbox.interfaces import IMailbox
from achat_twisted.mailbox.mail_clock import MailClock
from achat_twisted.mailbox.page import Page
from achat_twisted.mailbox.row import Row
from achat_twisted.mailbox.rows import Room
from achat_twisted.mailbox.saved_tags import SavedTags
from achat_twisted.mailbox.shared import SharedRow
from achat_twisted.mailbox.tags import Tag
from achat_twisted.tools.errors import CannotStart, Unavailable, Unusable

PRESSED = 8 * 2**20
"""The bytes waiting for a commit from which on their senders are slowed down."""


@implementer(IMailbox)
class SqliteMailbox(Accounted[Row]):
    """Mail in a file of SQLite's."""

    _log = Logger()

    def __init__(
        self,
        open_database: Callable[[], Database],
        committer: Committer,
        clock: IReactorTime,
        limits: MailLimits,
        mail_clock: MailClock,
    ) -> None:
        """@param open_database: called when the server starts; it may raise L{Unusable}.
        @param mail_clock: the clock by which mail ages, while C{clock} is for waiting.
        """
        accounts = Accounts(limits, self._new_row, self._forget)
        self._store = FileStore(committer, accounts, mail_clock.now)
        super().__init__(accounts, self._store)
        self.tags = SavedTags(accounts, self.rows, mail_clock.now, committer)
        self._open_database = open_database
        self._committer = committer
        self._mail_clock = mail_clock
        self._last_id = self._last_record = 0
        self._lost = 0
        self._expiry = LoopingCall(self._expire)
        self._expiry.clock = clock

    def open(self) -> None:
        try:
            database = self._open_database()
        except Unusable as error:
            raise CannotStart(f"achat: {error}") from None
        self.tags.at_each_change = self._store.vouches = database.durable
        tags = database.tags()
        all_mail = database.mail()
        shared = database.shared({mail.id: mail.name for mail in all_mail})
        if not database.durable and (tags or shared):
            self._vouch_no_more(database)
        self._log.info("mail is kept in {path}", path=database.path)
        self._committer.open(database)
        now = self._start_clock(database, [mail.newest for mail in all_mail if mail.copies])
        rows: dict[int, Row] = {}
        shared_rows = {row.name: row for row in shared}
        rooms: defaultdict[str, dict[str, None]] = defaultdict(dict)
        for each in shared:
            if isinstance(each, Room):
                for name in each:
                    rooms[name][each.name] = None
        for mail in all_mail:
            row = rows[mail.id] = Row(mail.name, mail.id, mail.first)
            row.shared = shared_rows.get(mail.name)
            if row.shared is None:
                row.end += mail.copies
                row.copies, row.size = mail.copies, mail.size + LINE_COST * mail.copies
            row.rooms = rooms.get(mail.name)  # by now, or else it may be forgotten as it is added
            row.oldest = min(mail.oldest, now)
            self._last_id = mail.id
            self._accounts.add(row)
        for each in shared:
            self.rows.adopt(each)
            if isinstance(each, Room):
                self._store.changed(each)
        for id_, tag in tags:
            if id_ in rows:  # or else somebody has deleted the name by hand
                self.tags.add(rows[id_], tag)
        self._remember_devices()
        self._expiry.start(EXPIRY, now=False)

    def _remember_devices(self) -> None:
        """Have a tag for each device, in a new era if the file did not vouch for the old one.

        So a device that does not come again is forgotten as any other tag.
        """
        for row in self.rows:
            account = self._accounts[row.name]
            for device in self.rows.devices(row.name):
                if device not in (account.tags or {}):
                    self.tags.add(account, Tag(device, used=self._mail_clock.now()))

    def _vouch_no_more(self, database: Database) -> None:
        """Have no tag in the file, as it cannot vouch for what happens from now on."""
        try:
            database.vouch_no_more()
        except (sqlite3.Error, OSError) as error:
            why = database.explain(error)
            database.close()
            raise CannotStart(f"achat: the mailbox {database.path} cannot be used: {why}") from None

    def _start_clock(self, database: Database, stamps: Sequence[float]) -> float:
        """Start the mail clock; return its time. Nothing in the file is any later after that."""
        last, newest = database.standing(), max(stamps, default=None)
        self._mail_clock.start(last, newest, self._accounts.limits.age)
        now = self._mail_clock.now()
        if newest is not None and newest > now:
            rejuvenating = self._committer.ask(partial(Database.rejuvenate, now=now))
            rejuvenating.addErrback(partial(self._log.failure, "Mail from the future expires late"))
        if last is None:
            self._note_time()
        return now

    def _note_time(self) -> None:
        self._committer.batch.standing = self._mail_clock.standing()
        self._committer.soon()

    @property
    def pressed(self) -> bool:
        return self._committer.batch.size > PRESSED

    @property
    def failing(self) -> bool:
        return self._committer.failing

    def keep(self, name: str, line: bytes) -> bool:
        row = self._accounts[name]
        if not self._store.takes():
            return False
        if not self._accounts.takes(row, len(line) + LINE_COST):
            return False
        now = self._mail_clock.now()
        self._append(row, line, 1, now)
        self._accounts.grow(row, 1, len(line), now)
        return True

    def pass_by(self, name: str, copies: int) -> None:
        row = self._accounts[name]
        row.head += copies
        row.end += copies

    def record(self, name: str, lines: bytes) -> bool:
        row = self._accounts.find(name)
        first, copies = row.end, lines.count(b"\n")
        row.head = row.end = end = first + copies
        self._last_record = id_ = self._last_record + 1
        if row.records is None:
            row.records = {}
        row.records[end] = id_
        batch = self._committer.batch
        batch.record((id_, row.id, first, copies, self._mail_clock.now(), lines))
        return batch.size > PRESSED

    def commit(self) -> Deferred[bool] | None:
        return self._committer.commit()

    def now(self) -> float:
        return self._mail_clock.now()

    def take(self, name: str, size: int) -> Deferred[Page]:
        row = self._accounts[name]
        if not row.copies:
            return succeed(Page())
        head = row.head
        page = self._committer.ask(lambda database: database.page(row.id, head, size))
        return page.addCallback(self._taken, row, head, size)

    def _taken(self, lines: Page, row: Row, head: int, size: int) -> Page | Deferred[Page]:
        if row.head != head:
            return self.take(row.name, size)  # the first have expired meanwhile
        if not lines:  # what could not be written yet is not in the file
            lines = self._committer.batch.page(row.id, head, size)
        if not lines and row.copies:
            raise LookupError(f"{row.copies} lines for {row.name} are not where they should be")
        row.head = row.written = head + len(lines)
        self._accounts.shrink(row, len(lines), sum(map(len, lines)))
        return lines

    def delivered(self, name: str, copies: int) -> None:
        row = self._accounts[name]
        in_file = row.start < row.written
        row.start += copies
        if in_file:
            self._arrived(row)
        self._strike(row, row.start)
        row.note_first(self._committer.batch)

    def _strike(self, row: Row, before: int) -> None:
        if row.records and (struck := row.strike(before)):
            self._committer.batch.struck += struck
            self._committer.soon()

    def hand_back(
        self, name: str, lines: Sequence[bytes], ages: Sequence[float] | None = None
    ) -> None:
        row = self._accounts[name]
        if lines:  # or else an older session may still have some, whose places are not to change
            self._put_back(row, lines, ages)
            self._accounts.grow(row, len(lines), sum(map(len, lines)), self._mail_clock.now())
            row.oldest = 0.0  # those that are in the file already stay as old as they are
        self._accounts.leave(row)

    def _put_back(self, row: Row, lines: Sequence[bytes], ages: Sequence[float] | None) -> None:
        """Keep again all that was on its way."""
        now = self._mail_clock.now()
        row.start = row.head = row.head - len(lines)
        add = self._committer.batch.add
        if ages is None:
            add(Span(row.id, row.start, now, b"".join(lines), len(lines)))
        else:
            for position, (line, age) in enumerate(zip(lines, ages, strict=True), row.start):
                add(Span(row.id, position, now - age, line, 1))
        self._strike(row, row.end)
        self._arrived(row)
        row.written = row.head

    def share(
        self, name: str, lines: Sequence[bytes], ages: Sequence[float] | None = None
    ) -> SharedRow:
        row = self._accounts.introduce(name)
        if lines:
            self._put_back(row, lines, ages)
        shared = SharedRow(name, row.start)
        for line in lines:
            shared.append(len(line))
        # The sizes of the others are known one by one at the next start.
        size = row.size_of_copies
        for left in range(row.copies, 0, -1):
            shared.append(size // left)
            size -= size // left
        self._accounts.shrink(row, row.copies, row.size_of_copies)
        self.rows.adopt(shared)
        self._store.dropped(shared)
        return shared

    def first(self, name: str) -> int:
        return self._accounts[name].start

    def _purge(self, name: str) -> int:
        row, copies = self._accounts.empty(name)
        row.start = row.head = row.written = row.end
        self._arrived(row)
        self._gone += copies
        return copies

    def copies(self) -> int:
        return super().copies() - self._lost

    def close(self) -> Deferred[None]:
        if self._expiry.running:
            self._expiry.stop()
            self._note_time()
        self.tags.save_all()
        for room in self.rows.rooms():
            self._store.save(room, vouches=True)
        return Deferred.fromCoroutine(self._close())

    async def _close(self) -> None:
        """Close the file, which must hold as many copies as the accounts say."""
        remains = await self._committer.close()
        self._lost = remains.lost
        due = self._accounts.copies + self.rows.lines, self.rows.kept
        if remains.copies is not None and (remains.copies, remains.kept) != due:
            self._log.error(
                "the mailbox holds {copies} lines, and should hold {due}; its cursors tell of"
                " {kept} copies, and should of {due_kept}",
                copies=remains.copies,
                due=due[0],
                kept=remains.kept,
                due_kept=due[1],
            )

    def _append(self, row: Row, lines: bytes, copies: int, now: float) -> None:
        self._committer.batch.add(Span(row.id, row.end, now, lines, copies))
        self._committer.soon()
        row.end += copies

    def _arrived(self, row: Row) -> None:
        self._committer.batch.arrived[row.id] = row.start
        row.note_first(self._committer.batch)
        self._committer.soon()

    def _new_row(self, name: str) -> Row:
        self._last_id += 1
        self._committer.batch.names[self._last_id] = name
        self._committer.soon()
        return Row(name, self._last_id)

    def _forget(self, row: Row) -> None:
        self.tags.drop(row)
        self.rows.forget(row)
        self._committer.batch.names[row.id] = None
        self._committer.soon()

    def _expire(self) -> Deferred[None] | None:
        """Throw away the first copies of everybody who is away, up to one that is not too old.

        So go the tags that nobody has used for as long.
        """
        if self._committer.failing:
            return None
        self._note_time()
        self.tags.forget_old()
        return Deferred.fromCoroutine(self._expire_all())

    async def _expire_all(self) -> None:
        await self._expire_each(self._accounts.expiring(self._mail_clock.now()))
        for row in [*self.rows]:
            await self._expire_shared(row)

    async def _expire_shared(self, row: SharedRow) -> None:
        """Throw away the lines of a row that are too old; those of a name, while it is away."""
        account = self._accounts[row.name]
        before = self._mail_clock.now() - self._accounts.limits.age
        first = row.first
        expiring = self._committer.ask(
            partial(Database.old, name=account.id, first=first, before=before)
        )
        expiring.addErrback(self._not_expired)
        found = await expiring
        if found and row.first == first and (isinstance(row, Room) or not account.sessions):
            self.rows.drop(row, first + found[0])

    async def _expire_each(self, rows: Sequence[Row]) -> None:
        """One after the other, as each waits for the disk; lines that come meanwhile go between."""
        before = self._mail_clock.now() - self._accounts.limits.age
        for row in rows:
            if self._expiry.running and not row.sessions:
                expiring = self._committer.ask(
                    partial(Database.old, name=row.id, first=row.head, before=before)
                )
                expiring.addCallback(self._expired, row, row.head)
                await expiring.addErrback(self._not_expired)

    def _not_expired(self, failure: Failure) -> None:
        if failure.check(Unavailable):
            why = failure.getErrorMessage()
            self._log.error("old mail cannot be thrown away: {why}", why=why)
        else:
            self._log.failure("Old mail cannot be thrown away", failure)

    def _expired(self, result: tuple[int, int, float], row: Row, head: int) -> None:
        """Throw away what is too old, unless somebody has come for it meanwhile."""
        copies, size, oldest = result
        if row.sessions or row.head != head:
            return
        row.oldest = oldest
        if not copies:
            return
        row.start = row.head = row.written = head + copies
        self._arrived(row)
        self._gone += copies
        self._accounts.shrink(row, copies, size)
        self._log.warn("lines kept for {name} have expired: {copies}", copies=copies, name=row.name)
