"""The facts a mailbox knows at once, without asking where the mail lies: names and amounts."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from achat_twisted.mailbox.shared import SharedRow
from achat_twisted.mailbox.tags import Tag

LINE_COST = 64
"""The bytes that a kept line counts against the limits besides its own."""

EXPIRY = 600.0
"""The seconds between two searches for mail that is too old."""


@dataclass(frozen=True, slots=True)
class MailLimits:
    """Limits on how much is kept, and for how long.

    @ivar per_name: bytes kept for one name, each line with its L{LINE_COST}.
    @ivar total: bytes kept in all.
    @ivar per_room: bytes kept of what is said in one room; then its oldest lines go.
    @ivar names: how many absent names without mail are remembered.
    @ivar age: seconds after which a kept copy expires.
    """

    per_name: int = 16 * 2**20
    total: int = 256 * 2**20
    per_room: int = 16 * 2**20
    names: int = 100_000
    age: float = 30 * 86_400.0


LIMITS = MailLimits()
"""The limits that hold unless the server is told otherwise."""


class Account:
    """One name.

    @ivar copies: how many copies are kept for it.
    @ivar size: bytes kept for it, with L{LINE_COST} for each copy, and what its tags and its
        cursors count.
    @ivar besides: the bytes of C{size} that are not those of its mail.
    @ivar sessions: how many sessions it has that get copies.
    @ivar oldest: no copy was kept before that moment.
    @ivar tags: its tags, the one unused for longest first; None if it never had one, as most.
    @ivar tags_here: how many of them have a session.
    @ivar rooms: the names of the rooms that it is in, in order; None if there are none.
    @ivar shared: its row, if that is a shared one: that of a room, or of a name with devices.
    """

    __slots__ = (
        *("besides", "copies", "name", "oldest", "rooms", "sessions", "shared", "size", "tags"),
        "tags_here",
    )

    def __init__(self, name: str) -> None:
        self.name = name
        self.copies = 0
        self.size = self.besides = 0
        self.sessions = self.tags_here = 0
        self.oldest = 0.0
        self.tags: dict[str, Tag] | None = None
        self.rooms: dict[str, None] | None = None
        self.shared: SharedRow | None = None

    @property
    def size_of_copies(self) -> int:
        """The bytes of the lines that are kept."""
        return self.size - self.besides - LINE_COST * self.copies

    @property
    def is_idle(self) -> bool:
        """True if there is nothing to remember but the name, and tags that have no session."""
        if self.copies or self.sessions or self.tags_here or self.rooms:
            return False
        return self.shared is None or not self.shared.is_needed


AnyAccount = TypeVar("AnyAccount", bound=Account)


class Accounts(Generic[AnyAccount]):
    """All names that are known.

    When too many are away and have no mail, the one that came or went longest ago is forgotten.

    @ivar copies: how many copies are kept in all.
    @ivar size: bytes kept in all, with L{LINE_COST} for each copy, and what tags count.
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
        self.copies = self.size = 0
        self.limits = limits
        self._open_account = open_account
        self._forget = forget
        self._all: dict[str, AnyAccount] = {}
        self.find = self._all.__getitem__
        self._idle: OrderedDict[str, None] = OrderedDict()

    def get(self, name: str) -> AnyAccount | None:
        return self._all.get(name)

    def __getitem__(self, name: str) -> AnyAccount:
        return self._all[name]

    def __iter__(self) -> Iterator[AnyAccount]:
        return iter(self._all.values())

    def names(self) -> list[str]:
        """All names."""
        return [*self._all]

    def introduce(self, name: str) -> AnyAccount:
        """The account of a name, which is added if it has never been here."""
        return self._all.get(name) or self.add(self._open_account(name))

    def enroll(self, name: str) -> AnyAccount:
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
        self.unused(account)
        return account

    def leave(self, account: AnyAccount) -> None:
        account.sessions -= 1
        self.unused(account)

    def charge(self, account: AnyAccount, size: int) -> None:
        """Count C{size} bytes more, or fewer, that are not those of copies."""
        account.besides += size
        self._count(account, size)

    def _count(self, account: AnyAccount, size: int) -> None:
        account.size += size
        self.size += size

    def takes(self, account: Account, size: int) -> bool:
        """True if there is room for so many bytes more of one name's."""
        limits = self.limits
        return account.size + size <= limits.per_name and self.size + size <= limits.total

    def has_room(self, size: int) -> bool:
        """True if there is room for so many bytes more in all."""
        return self.size + size <= self.limits.total

    def grow(self, account: AnyAccount, copies: int, size: int, now: float) -> None:
        """Count C{copies} more as kept, of C{size} bytes in all."""
        if not account.copies and copies:
            account.oldest = now
            self.used(account)
        account.copies += copies
        self.copies += copies
        self._count(account, size + LINE_COST * copies)

    def shrink(self, account: AnyAccount, copies: int, size: int) -> None:
        """Count C{copies} fewer as kept, of C{size} bytes in all."""
        account.copies -= copies
        self.copies -= copies
        self._count(account, -size - LINE_COST * copies)
        self.unused(account)

    def empty(self, name: str) -> tuple[AnyAccount, int]:
        """Count no copy as kept for C{name} any more; returns its account, and their number.

        @raise ValueError: if it has a session.
        """
        account = self._all[name]
        if account.sessions:
            raise ValueError(f"{name} has a session")
        copies = account.copies
        self.shrink(account, copies, account.size_of_copies)
        return account, copies

    def expiring(self, now: float) -> list[AnyAccount]:
        """The accounts that may have mail that is too old, those that are here included."""
        before = now - self.limits.age
        return [a for a in self if a.copies and a.oldest < before]

    def used(self, account: AnyAccount) -> None:
        """Note that a session of that name, or mail for it, has come."""
        self._idle.pop(account.name, None)

    def unused(self, account: AnyAccount) -> None:
        """Note that a session of that name, or mail for it, has gone, perhaps the last."""
        if not account.is_idle:
            return
        self._idle[account.name] = None
        self._idle.move_to_end(account.name)
        if len(self._idle) > self.limits.names:
            name, _ = self._idle.popitem(last=False)
            self.remove(self._all[name])

    def remove(self, account: AnyAccount) -> None:
        """Know an account no more."""
        self._forget(account)
        del self._all[account.name]
        self._idle.pop(account.name, None)
        self.size -= account.size  # of its tags and cursors, which go with it
