"""The facts a mailbox knows at once, without asking where the mail lies: names and amounts."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from achat_twisted.mailbox.tags import TAG_COST, Counter, Tag, Tags

LINE_COST = 64
"""The bytes that a kept line counts against the limits besides its own."""


EXPIRY = 600.0
"""The seconds between two searches for mail that is too old."""


@dataclass(frozen=True, slots=True)
class MailLimits:
    """Limits on how much is kept, and for how long.

    @ivar per_name: bytes kept for one name, each line with its L{LINE_COST}.
    @ivar total: bytes kept in all.
    @ivar names: how many absent names without mail are remembered.
    @ivar age: seconds after which a kept copy expires.
    """

    per_name: int = 16 * 2**20
    total: int = 256 * 2**20
    names: int = 100_000
    age: float = 30 * 86_400.0


LIMITS = MailLimits()
"""The limits that hold unless the server is told otherwise."""


class Account:
    """One name.

    @ivar copies: how many copies are kept for it.
    @ivar size: bytes kept for it, with L{LINE_COST} for each copy, and what its tags count.
    @ivar sessions: how many sessions it has that get copies.
    @ivar oldest: no copy was kept before that moment.
    @ivar tags: its tags; None for as long as it never had one, as most have none.
    """

    __slots__ = ("copies", "name", "oldest", "sessions", "size", "tags")

    def __init__(self, name: str) -> None:
        self.name = name
        self.copies = 0
        self.size = 0
        self.sessions = 0
        self.oldest = 0.0
        self.tags: Tags | None = None

    @property
    def is_idle(self) -> bool:
        """True if there is nothing to remember but the name, and tags that have no session."""
        return not (self.copies or self.sessions or (self.tags and self.tags.are_here))


AnyAccount = TypeVar("AnyAccount", bound=Account)


class Accounts(Generic[AnyAccount]):
    """All names that are known.

    When too many are away and have no mail, the one that came or went longest ago is forgotten.

    @ivar copies: how many copies are kept in all.
    @ivar size: bytes kept in all, with L{LINE_COST} for each copy, and what tags count.
    @ivar tags: how many tags are remembered in all.
    @ivar limits: those that hold at the moment.
    @ivar find: as C{[]}, but the dict's own method, as one of Python's takes 0.1 µs more; for what
        is done with each line.
    """

    def __init__(
        self,
        limits: MailLimits,
        open_account: Callable[[str], AnyAccount],
        forget: Callable[[AnyAccount], None],
    ) -> None:
        """@param open_account: makes the account of a new name.
        @param forget: called with an account that is no more.
        """
        self.copies = self.size = self.tags = 0
        self.limits = limits
        self._open_account = open_account
        self._forget = forget
        self._all: dict[str, AnyAccount] = {}
        self.find = self._all.__getitem__
        self._idle: OrderedDict[str, None] = OrderedDict()

    def get(self, name: str) -> AnyAccount | None:
        return self._all.get(name)

    def __getitem__(self, name: str) -> AnyAccount:
        """The account of a name that there is."""
        return self._all[name]

    def __iter__(self) -> Iterator[AnyAccount]:
        return iter(self._all.values())

    def introduce(self, name: str) -> AnyAccount:
        """The account of a name, which is added if it has never been here."""
        return self._all.get(name) or self.add(self._open_account(name))

    def enroll(self, name: str) -> AnyAccount:
        """A session of C{name} begins."""
        account = self._all.get(name)
        if account is None:
            account = self._all[name] = self._open_account(name)
        account.sessions += 1
        self._idle.pop(name, None)
        return account

    def add(self, account: AnyAccount) -> AnyAccount:
        """Add an account; those added first are taken for the longest away."""
        self._all[account.name] = account
        self.size += account.size
        self.copies += account.copies
        self.tags += len(account.tags or ())
        self._see_whether_idle(account)
        return account

    def leave(self, account: AnyAccount) -> None:
        """A session of that name has ended."""
        account.sessions -= 1
        self._see_whether_idle(account)

    def begin_tag(self, account: AnyAccount, name: str, counter: Counter, now: float) -> Tag | None:
        """A session with a tag begins; None if that is new, and there is no room for its record.

        @param now: the time, in seconds, by the clock that L{unused_tags} is asked with.
        """
        tags = account.tags or Tags()
        tag = tags.get(name)
        if tag is not None and tag.is_unheard:
            self.forget_tag(account, tag)  # so its client finds another era
            tag = None
        if tag is None:
            if tags and not self._takes(account, TAG_COST):
                return None  # but a full mailbox does not keep out a name that comes to empty it
            tag = Tag(name)
            account.tags = tags
            tags.add(tag)
            self.tags += 1
            self.weigh(account, tag)
        tag.begin(counter)
        tags.use(tag, now)
        self._idle.pop(account.name, None)
        return tag

    def end_tag(self, account: AnyAccount, tag: Tag, now: float) -> None:
        """The session with that tag has ended."""
        tag.end()
        if account.tags and tag in account.tags:
            account.tags.use(tag, now)
            self._see_whether_idle(account)

    def forget_tag(self, account: AnyAccount, tag: Tag) -> None:
        """Remember a tag no longer, if it is remembered."""
        if account.tags and tag in account.tags:
            account.tags.forget(tag)
            self.tags -= 1
            account.size -= tag.counted
            self.size -= tag.counted

    def weigh(self, account: AnyAccount, tag: Tag) -> bool:
        """Count what a tag takes now; False if it has grown, and is full, or the mailbox is."""
        growth = tag.size - tag.counted
        has_room = growth <= 0 or (self._takes(account, growth) and not tag.is_full)
        tag.counted += growth
        account.size += growth
        self.size += growth
        return has_room

    def unused_tags(self, now: float) -> list[tuple[AnyAccount, Tag]]:
        """The tags that have been without a session for too long."""
        before = now - self.limits.age
        return [(a, tag) for a in self if a.tags for tag in a.tags.unused_since(before)]

    def has_room(self, account: Account, line: bytes) -> bool:
        """True if one more line may be kept for C{account}."""
        return self._takes(account, len(line) + LINE_COST)

    def grow(self, account: AnyAccount, copies: int, size: int, now: float) -> None:
        """Count C{copies} more as kept, of C{size} bytes in all."""
        if not account.copies and copies:
            account.oldest = now
            self._idle.pop(account.name, None)
        self._change(account, copies, size)

    def shrink(self, account: AnyAccount, copies: int, size: int) -> None:
        """Count C{copies} fewer as kept, of C{size} bytes in all."""
        self._change(account, -copies, -size)
        self._see_whether_idle(account)

    def expiring(self, now: float) -> list[AnyAccount]:
        """The accounts that may have mail that is too old, those that are here included."""
        before = now - self.limits.age
        return [a for a in self if a.copies and a.oldest < before]

    def _takes(self, account: Account, cost: int) -> bool:
        limits = self.limits
        return account.size + cost <= limits.per_name and self.size + cost <= limits.total

    def _change(self, account: AnyAccount, copies: int, size: int) -> None:
        cost = size + LINE_COST * copies
        account.copies += copies
        account.size += cost
        self.copies += copies
        self.size += cost

    def _see_whether_idle(self, account: AnyAccount) -> None:
        if not account.is_idle:
            return
        self._idle[account.name] = None
        self._idle.move_to_end(account.name)
        if len(self._idle) > self.limits.names:
            name, _ = self._idle.popitem(last=False)
            forgotten = self._all.pop(name)
            self.size -= forgotten.size  # of its tags, which go with it
            self.tags -= len(forgotten.tags or ())
            self._forget(forgotten)
