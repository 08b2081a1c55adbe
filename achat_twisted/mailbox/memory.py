"""A mailbox that lives as long as the process."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from zope.interface import implementer

from achat_twisted.mailbox.accounted import Accounted
from achat_twisted.mailbox.accounts import (
    EXPIRY,
    LIMITS,
    LINE_COST,
    Account,
    Accounts,
    MailLimits,
)
from achat_twisted.mailbox.interfaces import IMailbox
from achat_twisted.mailbox.memory_store import MemoryStore
from achat_twisted.mailbox.page import Page
from achat_twisted.mailbox.rows import Room
from achat_twisted.mailbox.shared import SharedRow
from achat_twisted.mailbox.tag_records import TagRecords

_AT_A_TIME = 2000
"""The number of copies that expire until others have their turn: some 3 ms."""


class _Mail(Account):
    """The mail of one name, each line with the time since which it is kept; None if there is none.

    Most names have no mail, and an empty deque takes 0.7 KB.

    @ivar first: the number of the first copy that has not arrived.
    """

    __slots__ = ("first", "lines")

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.first = 1
        self.lines: deque[tuple[float, bytes]] | None = None


@implementer(IMailbox)
class MemoryMailbox(Accounted[_Mail]):
    """Mail in memory: new copies are bounded for each name and in all.

    Copies handed back come on top, as they were accepted long ago. As nothing outlives the process,
    there is nothing to remember of copies on their way, and nothing to commit.
    """

    _log = Logger()
    pressed = failing = False

    def __init__(self, clock: IReactorTime, limits: MailLimits = LIMITS) -> None:
        self._store = MemoryStore(clock)
        super().__init__(Accounts(limits, _Mail, self._forget), self._store)
        self.tags = TagRecords(self._accounts, self.rows, clock.seconds)
        self._clock = clock
        self._expiry = LoopingCall(self._expire)
        self._expiry.clock = clock
        self._expiring: list[_Mail] = []
        self._slice: IDelayedCall | None = None

    def open(self) -> None:
        self._log.info("mail is kept in memory, and ends with this process")
        self._expiry.start(EXPIRY, now=False)

    def keep(self, name: str, line: bytes) -> bool:
        mail = self._accounts[name]
        if not self._accounts.takes(mail, len(line) + LINE_COST):
            return False
        now = self._clock.seconds()
        mail.lines = mail.lines or deque()
        mail.lines.append((now, line))
        self._accounts.grow(mail, 1, len(line), now)
        return True

    def pass_by(self, name: str, copies: int) -> None:
        """Nothing to remember."""

    def record(self, name: str, lines: bytes) -> bool:
        """Nothing to remember."""
        return False

    def commit(self) -> None:
        """As safe as it gets."""

    def now(self) -> float:
        return self._clock.seconds()

    def take(self, name: str, size: int) -> Deferred[Page]:
        mail = self._accounts[name]
        page = Page()
        while mail.lines and size > 0:
            since, line = self._drop_first(mail, mail.lines)
            page.add(line, since)
            size -= len(line)
        return succeed(page)

    def delivered(self, name: str, copies: int) -> None:
        self._accounts[name].first += copies

    def hand_back(
        self, name: str, lines: Sequence[bytes], ages: Sequence[float] | None = None
    ) -> None:
        mail = self._accounts[name]
        now = self._clock.seconds()
        if lines:
            mail.lines = mail.lines or deque()
            since = [now - age for age in ages or [0.0] * len(lines)]
            mail.lines.extendleft(reversed([*zip(since, lines, strict=True)]))
        self._accounts.grow(mail, len(lines), sum(map(len, lines)), now)
        self._accounts.leave(mail)

    def share(
        self, name: str, lines: Sequence[bytes], ages: Sequence[float] | None = None
    ) -> SharedRow:
        mail = self._accounts.introduce(name)
        now = self._clock.seconds()
        since = [now - age for age in ages or [0.0] * len(lines)]
        together = deque([*zip(since, lines, strict=True), *(mail.lines or ())])
        row = SharedRow(name, mail.first)
        for _, line in together:
            row.append(len(line))
        self._store.adopt(name, together)
        self.rows.adopt(row)
        self._accounts.shrink(mail, mail.copies, sum(len(line) for _, line in mail.lines or ()))
        mail.lines = None
        return row

    def first(self, name: str) -> int:
        return self._accounts[name].first

    def _purge(self, name: str) -> int:
        mail, copies = self._accounts.empty(name)
        mail.lines = None
        mail.first += copies
        self._gone += copies
        return copies

    def _forget(self, mail: _Mail) -> None:
        self.tags.drop(mail)
        self.rows.forget(mail)

    def close(self) -> Deferred[None]:
        if self._expiry.running:
            self._expiry.stop()
        if self._slice is not None:
            self._slice.cancel()
        if copies := self.copies():
            self._log.warn(
                "lines kept in memory end with this process: {copies}",
                copies=copies,
            )
        return succeed(None)

    def _drop_first(self, mail: _Mail, lines: deque[tuple[float, bytes]]) -> tuple[float, bytes]:
        since, line = lines.popleft()
        if not lines:
            mail.lines = None
        self._accounts.shrink(mail, 1, len(line))
        return since, line

    def _expire(self) -> None:
        """Throw away the first copies of everybody who is away, up to one that is not too old.

        So go the tags that nobody has used for as long.
        """
        self.tags.forget_old()
        before = self._clock.seconds() - self._accounts.limits.age
        for row in [*self.rows]:
            if isinstance(row, Room) or not self._accounts[row.name].sessions:
                self.rows.drop(row, self._store.old(row, before))
        self._expiring = self._accounts.expiring(self._clock.seconds())
        self._expire_some()

    def _expire_some(self) -> None:
        self._slice = None
        left = _AT_A_TIME
        while self._expiring and left > 0:
            mail = self._expiring.pop()
            if not mail.sessions:
                left -= 1 + self._drop_old(mail, left)
        if self._expiring:
            self._slice = self._clock.callLater(0, self._expire_some)

    def _drop_old(self, mail: _Mail, most: int) -> int:
        """Throw away up to C{most} copies that are too old, and return their number."""
        before = self._clock.seconds() - self._accounts.limits.age
        expired = 0
        while mail.lines and mail.lines[0][0] < before and expired < most:
            self._drop_first(mail, mail.lines)
            expired += 1
        mail.first += expired
        mail.oldest = mail.lines[0][0] if mail.lines else self._clock.seconds()
        if mail.oldest < before:
            self._expiring.append(mail)
        self._gone += expired
        if expired:
            self._log.warn(
                "lines kept for {name} have expired: {copies}", copies=expired, name=mail.name
            )
        return expired
