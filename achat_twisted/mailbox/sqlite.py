"""A mailbox in a file, which outlives the process.

Strategy: what must be known at once is in memory, as L{Accounts}. The lines are in the file, and
one thread alone talks to it: it commits at a stroke all that has gathered during the commit
before. Each copy has a I{position} in its name's row; those before C{start} have arrived, those
before C{head} are on their way, and those before C{end} are kept. So it takes one number to say
what has arrived, and a copy that is handed back stands where it stood before.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from itertools import takewhile

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from achat_twisted.mailbox.accounts import EXPIRY, LINE_COST, Account, Accounts, MailLimits
from achat_twisted.mailbox.batch import Span
from achat_twisted.mailbox.committer import Committer
from achat_twisted.mailbox.database import Database, Unusable
from achat_twisted.mailbox.interfaces import IMailbox
from achat_twisted.mailbox.mail_clock import MailClock
from achat_twisted.mailbox.page import Page
from achat_twisted.mailbox.tags import Counter, Tag, Tags
from achat_twisted.tools.errors import CannotStart, Unavailable

PRESSED = 8 * 2**20
"""The bytes waiting for a commit from which on their senders are slowed down."""

SATURATED = 64 * 2**20
"""The bytes waiting for a commit from which on new copies are refused."""


class _Row(Account):
    """One name's row of copies.

    @ivar written: of the copies before C{head}, those from this position on are not in the file,
        unless they were recorded.
    @ivar records: by the position behind its last line, the id of each record that has not arrived,
        in order; None for most, as a dict takes 64 bytes.
    """

    __slots__ = ("end", "head", "id", "records", "start", "written")

    def __init__(self, name: str, id_: int, first: int = 1) -> None:
        super().__init__(name)
        self.id = id_
        self.start = self.head = self.end = self.written = first
        self.records: dict[int, int] | None = None


@implementer(IMailbox)
class SqliteMailbox:
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
        self.expired = 0
        self._open_database = open_database
        self._committer = committer
        self._mail_clock = mail_clock
        self._last_id = self._last_record = 0
        self._lost = 0
        self._is_durable = False
        self._rows = Accounts(limits, self._new_row, self._forget)
        self._expiry = LoopingCall(self._expire)
        self._expiry.clock = clock

    def open(self) -> None:
        try:
            database = self._open_database()
        except Unusable as error:
            raise CannotStart(f"achat: {error}") from None
        self._is_durable = database.durable
        tags: defaultdict[int, Tags] = defaultdict(Tags)
        for id_, tag in database.tags():
            tags[id_].add(tag)
        if tags and not database.durable:
            self._forget_tags(database)
        self._log.info("mail is kept in {path}", path=database.path)
        self._committer.open(database)
        all_mail = database.mail()
        now = self._start_clock(database, [mail.newest for mail in all_mail if mail.copies])
        for mail in all_mail:
            row = _Row(mail.name, mail.id, mail.first)
            row.end += mail.copies
            row.copies, row.size = mail.copies, mail.size + LINE_COST * mail.copies
            row.oldest = min(mail.oldest, now)
            if mail.id in tags:
                row.tags = tags[mail.id]
            self._last_id = mail.id
            self._rows.add(row)
            for tag in row.tags or ():
                self._rows.weigh(row, tag)
        self._expiry.start(EXPIRY, now=False)

    def _forget_tags(self, database: Database) -> None:
        """Have no tag in the file, as it cannot vouch for what happens from now on."""
        try:
            database.forget_tags()
        except (sqlite3.Error, OSError) as error:
            why = database.explain(error)
            database.close()
            raise CannotStart(f"achat: the mailbox {database.path} cannot be used: {why}") from None

    def _start_clock(self, database: Database, stamps: Sequence[float]) -> float:
        """Start the mail clock; return its time. Nothing in the file is any later after that."""
        last, newest = database.standing(), max(stamps, default=None)
        self._mail_clock.start(last, newest, self._rows.limits.age)
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

    def limit(self, limits: MailLimits) -> None:
        self._rows.limits = limits

    def introduce(self, name: str) -> None:
        self._rows.introduce(name)

    def enroll(self, name: str) -> None:
        self._rows.enroll(name)

    def knows(self, name: str) -> bool:
        return self._rows.get(name) is not None

    def keep(self, name: str, line: bytes) -> bool:
        row = self._rows[name]
        if self._committer.failing or self._committer.batch.size > SATURATED:
            return False
        if not self._rows.has_room(row, line):
            return False
        now = self._mail_clock.now()
        self._append(row, line, 1, now)
        self._rows.grow(row, 1, len(line), now)
        return True

    def pass_by(self, name: str, copies: int) -> None:
        row = self._rows[name]
        row.head += copies
        row.end += copies

    def record(self, name: str, lines: bytes) -> None:
        row = self._rows[name]
        first, copies = row.end, lines.count(b"\n")
        row.head = row.end = end = first + copies
        self._last_record = id_ = self._last_record + 1
        if row.records is None:
            row.records = {}
        row.records[end] = id_
        now = self._mail_clock.now()
        self._committer.batch.record((id_, row.id, first, copies, now, lines))

    def commit(self) -> Deferred[bool] | None:
        return self._committer.commit()

    def now(self) -> float:
        return self._mail_clock.now()

    def take(self, name: str, size: int) -> Deferred[Page]:
        row = self._rows[name]
        if not row.copies:
            return succeed(Page())
        head = row.head
        page = self._committer.ask(lambda database: database.page(row.id, head, size))
        return page.addCallback(self._taken, row, head, size)

    def _taken(self, lines: Page, row: _Row, head: int, size: int) -> Page | Deferred[Page]:
        if row.head != head:
            return self.take(row.name, size)  # the first have expired meanwhile
        if not lines:  # what could not be written yet is not in the file
            lines = self._committer.batch.page(row.id, head, size)
        if not lines and row.copies:
            raise LookupError(f"{row.copies} lines for {row.name} are not where they should be")
        row.head = row.written = head + len(lines)
        self._rows.shrink(row, len(lines), sum(map(len, lines)))
        return lines

    def delivered(self, name: str, copies: int) -> None:
        row = self._rows[name]
        in_file = row.start < row.written
        row.start += copies
        if in_file:
            self._arrived(row)
        self._strike(row, row.start)
        self._note_first(row)

    def _strike(self, row: _Row, before: int) -> None:
        """Strike out the records of lines that all stand before a position."""
        struck = [*takewhile(before.__ge__, row.records or ())]
        if row.records and struck:
            self._committer.batch.struck += map(row.records.pop, struck)
            self._committer.soon()

    def hand_back(
        self, name: str, lines: Sequence[bytes], ages: Sequence[float] | None = None
    ) -> None:
        row = self._rows[name]
        if lines:  # or else an older session may still have some, whose places are not to change
            now = self._mail_clock.now()
            row.start = row.head = row.head - len(lines)
            together = b"".join(lines)
            add = self._committer.batch.add
            if ages is None:
                add(Span(row.id, row.start, now, together, len(lines)))
            else:
                for position, (line, age) in enumerate(zip(lines, ages, strict=True), row.start):
                    add(Span(row.id, position, now - age, line, 1))
            self._strike(row, row.end)
            self._arrived(row)
            row.written = row.head
            self._rows.grow(row, len(lines), len(together), now)
            row.oldest = 0.0  # those that are in the file already stay as old as they are
        self._rows.leave(row)

    def first(self, name: str) -> int:
        return self._rows[name].start

    def begin_tag(self, name: str, tag: str, counter: Counter) -> Tag | None:
        row = self._rows.introduce(name)
        record = self._rows.begin_tag(row, tag, counter, self._mail_clock.now())
        if record is not None:
            self._save(row, record)
        self._forget_surplus(row)
        return record

    def tag_changed(self, name: str, tag: Tag) -> bool:
        row = self._rows[name]
        self._save(row, tag)
        return self._rows.weigh(row, tag)

    def end_tag(self, name: str, tag: Tag) -> None:
        row = self._rows[name]
        self._rows.end_tag(row, tag, self._mail_clock.now())
        self._save(row, tag)
        self._forget_surplus(row)

    def _forget_surplus(self, row: _Row) -> None:
        for tag in row.tags.surplus() if row.tags else ():
            self.forget_tag(row.name, tag)

    def forget_tag(self, name: str, tag: Tag) -> None:
        row = self._rows[name]
        self._rows.forget_tag(row, tag)
        if self._is_durable:
            self._committer.batch.tags[row.id, tag.name] = None
            self._committer.soon()

    def _save(self, row: _Row, tag: Tag) -> None:
        """Have the next commit write a tag, if the file can vouch for it after a crash."""
        if self._is_durable:
            self._committer.batch.tags[row.id, tag.name] = tag
            self._note_first(row)
            self._committer.soon()

    def tags(self, name: str) -> Sequence[Tag]:
        row = self._rows.get(name)
        return [*row.tags] if row and row.tags else []

    def all_tags(self) -> int:
        return self._rows.tags

    def count(self, name: str) -> int:
        row = self._rows.get(name)
        return row.copies if row else 0

    def size_for(self, name: str) -> int:
        row = self._rows.get(name)
        return row.size if row else 0

    def copies(self) -> int:
        return self._rows.copies - self._lost

    def size(self) -> int:
        return self._rows.size

    def close(self) -> Deferred[None]:
        if self._expiry.running:
            self._expiry.stop()
            self._note_time()
        for row in self._rows:
            for tag in row.tags or ():
                self._committer.batch.tags[row.id, tag.name] = tag
                self._note_first(row)
        return Deferred.fromCoroutine(self._close())

    async def _close(self) -> None:
        """Close the file, which must hold as many copies as the accounts say."""
        remains = await self._committer.close()
        self._lost = remains.lost
        if remains.copies is not None and remains.copies != self._rows.copies:
            self._log.error(
                "the mailbox holds {copies} lines, and should hold {due}",
                copies=remains.copies,
                due=self._rows.copies,
            )

    def _append(self, row: _Row, lines: bytes, copies: int, now: float) -> None:
        self._committer.batch.add(Span(row.id, row.end, now, lines, copies))
        self._committer.soon()
        row.end += copies

    def _arrived(self, row: _Row) -> None:
        self._committer.batch.arrived[row.id] = row.start
        self._note_first(row)
        self._committer.soon()

    def _note_first(self, row: _Row) -> None:
        """Write where a row begins, with what makes it begin there, if any tag rests on that."""
        if row.tags:
            self._committer.batch.firsts[row.id] = row.start

    def _new_row(self, name: str) -> _Row:
        self._last_id += 1
        self._committer.batch.names[self._last_id] = name
        self._committer.soon()
        return _Row(name, self._last_id)

    def _forget(self, row: _Row) -> None:
        self._committer.batch.names[row.id] = None
        self._committer.soon()

    def _expire(self) -> Deferred[None] | None:
        """Throw away the first copies of everybody who is away, up to one that is not too old.

        So go the tags that nobody has used for as long.
        """
        if self._committer.failing:
            return None
        self._note_time()
        for row, tag in self._rows.unused_tags(self._mail_clock.now()):
            self.forget_tag(row.name, tag)
        return Deferred.fromCoroutine(
            self._expire_each(self._rows.expiring(self._mail_clock.now()))
        )

    async def _expire_each(self, rows: Sequence[_Row]) -> None:
        """One after the other, as each waits for the disk; lines that come meanwhile go between."""
        before = self._mail_clock.now() - self._rows.limits.age
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

    def _expired(self, result: tuple[int, int, float], row: _Row, head: int) -> None:
        """Throw away what is too old, unless somebody has come for it meanwhile."""
        copies, size, oldest = result
        if row.sessions or row.head != head:
            return
        row.oldest = oldest
        if not copies:
            return
        row.start = row.head = row.written = head + copies
        self._arrived(row)
        self.expired += copies
        self._rows.shrink(row, copies, size)
        self._log.warn("{copies} lines for {name} have expired", copies=copies, name=row.name)
