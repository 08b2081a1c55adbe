"""A mailbox that lives as long as the process."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Sequence

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger
from zope.interface import implementer

from achat_twisted.interfaces import IMailbox

LINE_COST = 64
"""What a kept line takes in memory besides its bytes, counted against the limits as such."""


class _Mail:
    __slots__ = ("lines", "size")

    def __init__(self) -> None:
        self.lines: deque[bytes] = deque()
        self.size = 0


@implementer(IMailbox)
class MemoryMailbox:
    """Mail in memory: new copies are bounded for each name and in all.

    What is handed back comes on top, as it was accepted long ago. When there are too many names,
    the one that came or went longest ago and has no mail is forgotten.
    """

    _log = Logger()

    def __init__(
        self, per_name: int = 16 * 2**20, total: int = 256 * 2**20, names: int = 100_000
    ) -> None:
        """@param per_name: bytes kept for one name, each line with its L{LINE_COST}.
        @param total: bytes kept in all.
        @param names: how many names are remembered, unless more than that have mail.
        """
        self._per_name = per_name
        self._total = total
        self._names = names
        self._size = 0
        self._idle: OrderedDict[str, None] = OrderedDict()  # known names without mail
        self._mail: dict[str, _Mail] = {}

    def enroll(self, name: str) -> None:
        if name not in self._mail:
            self._idle[name] = None
            self._idle.move_to_end(name)
        if len(self._idle) + len(self._mail) > self._names and self._idle:
            self._idle.popitem(last=False)

    def knows(self, name: str) -> bool:
        return name in self._mail or name in self._idle

    def keep(self, name: str, line: bytes) -> bool:
        mail = self._mail.get(name)
        cost = len(line) + LINE_COST
        if self._size + cost > self._total or (mail.size if mail else 0) + cost > self._per_name:
            return False
        mail = mail or self._new_mail(name)
        mail.lines.append(line)
        self._grow(mail, cost)
        return True

    def hand_back(self, name: str, lines: Sequence[bytes]) -> None:
        self.enroll(name)
        if lines:
            mail = self._mail.get(name) or self._new_mail(name)
            mail.lines.extendleft(reversed(lines))
            self._grow(mail, sum(map(len, lines)) + LINE_COST * len(lines))

    def take(self, name: str, size: int) -> Deferred[list[bytes]]:
        taken: list[bytes] = []
        mail = self._mail.get(name)
        while mail and mail.lines and size > 0:
            line = mail.lines.popleft()
            taken.append(line)
            size -= len(line)
            self._grow(mail, -len(line) - LINE_COST)
        if mail and not mail.lines:
            del self._mail[name]
            self._idle[name] = None
        return succeed(taken)

    def count(self, name: str) -> int:
        mail = self._mail.get(name)
        return len(mail.lines) if mail else 0

    def copies(self) -> int:
        return sum(len(mail.lines) for mail in self._mail.values())

    def close(self) -> Deferred[None]:
        if copies := self.copies():
            self._log.warn(
                "{copies} kept lines end with this process, as the mailbox is in memory",
                copies=copies,
            )
        return succeed(None)

    def _grow(self, mail: _Mail, size: int) -> None:
        mail.size += size
        self._size += size

    def _new_mail(self, name: str) -> _Mail:
        self._idle.pop(name, None)
        return self._mail.setdefault(name, _Mail())
