"""The mailboxes of a simulated server: in memory or in a file, quick or slow, large or small."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from zope.interface import implementer

from achat_twisted.mailbox.accounts import MailLimits
from achat_twisted.mailbox.committer import Committer
from achat_twisted.mailbox.database import Database
from achat_twisted.mailbox.interfaces import IMailbox
from achat_twisted.mailbox.mail_clock import MailClock
from achat_twisted.mailbox.memory import MemoryMailbox
from achat_twisted.mailbox.page import Page
from achat_twisted.mailbox.sqlite import SqliteMailbox
from achat_twisted.mailbox.tags import TAG_COST
from achat_twisted.tools.interfaces import IWorker, Result
from tests.simulation.network import TICK

OpenMailbox = Callable[[], IMailbox]
"""Gives the mailbox to each life of the server: with all in it that the life before left there."""

MakeMailbox = Callable[[Random, IReactorTime, Path], OpenMailbox]
"""Makes one for a schedule; it may keep a file in the folder."""


@implementer(IMailbox)
class SlowMemory(MemoryMailbox):
    """A mailbox in memory that needs a moment for each fetch, and may give less than it could."""

    def __init__(self, clock: IReactorTime, delay: float, most: int, limits: MailLimits) -> None:
        super().__init__(clock, limits)
        self._delay = delay
        self._most = most

    def take(self, name: str, size: int) -> Deferred[Page]:
        size = min(size, self._most)
        if not self._delay:
            return super().take(name, size)
        later: Deferred[None] = deferLater(self._clock, self._delay)
        return later.addCallback(lambda _: self._take_now(name, size))

    def _take_now(self, name: str, size: int) -> Deferred[Page]:
        return super().take(name, size)


@implementer(IWorker)
class SlowWorker:
    """A thread that needs a moment for each job."""

    def __init__(self, clock: IReactorTime, delay: float) -> None:
        self._clock = clock
        self._delay = delay

    def start(self) -> None:
        """There is no thread."""

    def run(self, work: Callable[[], Result]) -> Deferred[Result]:
        return deferLater(self._clock, self._delay, work)

    def stop(self) -> None:
        """There is no thread."""


def _limits(rng: Random) -> MailLimits:
    return MailLimits(per_name=2 * TAG_COST + rng.choice([1000, 10_000, 10**6]))


def in_memory(rng: Random, clock: IReactorTime, _folder: Path) -> OpenMailbox:
    """One mailbox for all lives."""
    delay = rng.choice([0, 0, 1, 300, 3000]) * TICK
    mailbox = SlowMemory(clock, delay, rng.choice([50, 10**6]), _limits(rng))
    return lambda: mailbox


def in_file(rng: Random, clock: IReactorTime, folder: Path) -> OpenMailbox:
    """A mailbox for each life, all in the same file, on a machine whose wall clock jumps."""
    delay = rng.choice([0, 1, 30, 300, 3000]) * TICK
    limits = _limits(rng)

    def wall() -> float:
        return rng.uniform(0, 2e9)

    def open_mailbox() -> IMailbox:
        committer = Committer(SlowWorker(clock, delay), clock)
        path = folder / "mailbox"
        return SqliteMailbox(
            lambda: Database(path, durable=False),
            committer,
            clock,
            limits,
            MailClock(clock, wall),
        )

    return open_mailbox


def any_mailbox(rng: Random, clock: IReactorTime, folder: Path) -> OpenMailbox:
    """The one or the other."""
    return rng.choice([in_memory, in_file])(rng, clock, folder)
