"""A mailbox that lives as long as the process."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from zope.interface import implementer

from achat_twisted.mailbox.accounts import EXPIRY, LIMITS, Account, Accounts, MailLimits
from achat_twisted.mailbox.interfaces import IMailbox
from achat_twisted.mailbox.page import Page
from achat_twisted.mailbox.tags import Counter, Tag

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
class MemoryMailbox:
    """Mail in memory: new copies are bounded for each name and in all.

    Copies handed back come on top, as they were accepted long ago. As nothing outlives the process,
    there is nothing to remember of copies on their way, and nothing to commit.
    """

    _log = Logger()
    pressed = failing = False

    def __init__(self, clock: IReactorTime, limits: MailLimits = LIMITS) -> None:
        self.expired = 0
        self._clock = clock
        self._accounts = Accounts(limits, _Mail, lambda _mail: None)
        self._expiry = LoopingCall(self._expire)
        self._expiry.clock = clock
        self._expiring: list[_Mail] = []
        self._slice: IDelayedCall | None = None

    def open(self) -> None:
        self._log.info("mail is kept in memory, and ends with this process")
        self._expiry.start(EXPIRY, now=False)

    def limit(self, limits: MailLimits) -> None:
        self._accounts.limits = limits

    def introduce(self, name: str) -> None:
        self._accounts.introduce(name)

    def enroll(self, name: str) -> None:
        self._accounts.enroll(name)

    def knows(self, name: str) -> bool:
        return self._accounts.get(name) is not None

    def keep(self, name: str, line: bytes) -> bool:
        mail = self._accounts[name]
        if not self._accounts.has_room(mail, line):
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

    def first(self, name: str) -> int:
        return self._accounts[name].first

    def begin_tag(self, name: str, tag: str, counter: Counter) -> Tag | None:
        mail = self._accounts.introduce(name)
        record = self._accounts.begin_tag(mail, tag, counter, self._clock.seconds())
        self._forget_surplus(mail)
        return record

    def tag_changed(self, name: str, tag: Tag) -> bool:
        return self._accounts.weigh(self._accounts[name], tag)

    def end_tag(self, name: str, tag: Tag) -> None:
        mail = self._accounts[name]
        self._accounts.end_tag(mail, tag, self._clock.seconds())
        self._forget_surplus(mail)

    def _forget_surplus(self, mail: _Mail) -> None:
        for tag in mail.tags.surplus() if mail.tags else ():
            self._accounts.forget_tag(mail, tag)

    def forget_tag(self, name: str, tag: Tag) -> None:
        self._accounts.forget_tag(self._accounts[name], tag)

    def tags(self, name: str) -> Sequence[Tag]:
        mail = self._accounts.get(name)
        return [*mail.tags] if mail and mail.tags else []

    def all_tags(self) -> int:
        return self._accounts.tags

    def count(self, name: str) -> int:
        mail = self._accounts.get(name)
        return mail.copies if mail else 0

    def size_for(self, name: str) -> int:
        mail = self._accounts.get(name)
        return mail.size if mail else 0

    def copies(self) -> int:
        return self._accounts.copies

    def size(self) -> int:
        return self._accounts.size

    def close(self) -> Deferred[None]:
        if self._expiry.running:
            self._expiry.stop()
        if self._slice is not None:
            self._slice.cancel()
        if copies := self.copies():
            self._log.warn(
                "{copies} kept lines end with this process, as the mailbox is in memory",
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
        for mail, tag in self._accounts.unused_tags(self._clock.seconds()):
            self._accounts.forget_tag(mail, tag)
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
        self.expired += expired
        if expired:
            self._log.warn("{copies} lines for {name} have expired", copies=expired, name=mail.name)
        return expired
