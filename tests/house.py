"""A broker with fakes around it: names that come, post, stop reading, break off and return."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

from twisted.internet.task import Clock

from achat_twisted import wire
from achat_twisted.broker.answers import RenderNotice
from achat_twisted.broker.broker import Broker
from achat_twisted.broker.reading import Stage
from achat_twisted.broker.session import Session
from achat_twisted.broker.shares import OUTBOX_LIMIT
from achat_twisted.broker.takeover import Duplicate
from achat_twisted.limits.limits import Limits
from achat_twisted.mailbox.interfaces import IMailbox
from achat_twisted.mailbox.memory import MemoryMailbox
from achat_twisted.reader import commands
from achat_twisted.wire.tags import PLAIN, Opening
from tests.fakes import FakeLink, FakeSource

Result = TypeVar("Result")


@dataclass(eq=False)
class Guest:
    """One connection that is logged in."""

    session: Session
    link: FakeLink
    source: FakeSource
    broker: Broker

    def says(self, line: str) -> None:
        """Have a line taken in, as a reader does."""
        self.session.taken += 1
        post = wire.parse_line(line)
        assert isinstance(post, wire.Post)
        self.broker.post(self.session, post)
        if self.session.taken > self.session.allowance.lines:
            self.session.overdrawn()

    def says_at_once(self, *lines: str) -> bool:
        """Has lines taken in at once, if they can be, and returns whether they were."""
        block = "".join(f"{line}\n" for line in lines)
        run = wire.parse_run(block)
        posts = wire.parse_several(block) if run is None else [run]
        if posts is None or not self.broker.post_run(self.session, posts):
            return False
        self.session.taken += len(lines)
        if self.session.taken > self.session.allowance.lines:
            self.session.overdrawn()
        return True

    def commands(self, line: str) -> None:
        """Have a command taken in, as a reader does."""
        self.session.taken += 1
        self.session.commands += 1
        request = wire.parse_line(line)
        assert isinstance(request, wire.Command)
        commands.run(self.broker, self.session, request)
        if self.session.taken > self.session.allowance.lines:
            self.session.overdrawn()

    def loses_connection(self, acknowledged: int = 0) -> None:
        self.link.lose(acknowledged)


class House:
    """A broker, its clock and its mailbox."""

    def __init__(
        self,
        mailbox: IMailbox | None = None,
        clock: Clock | None = None,
        duplicate: Duplicate = Duplicate.REJECT,
        *,
        durable: bool = False,
        outbox_limit: int = OUTBOX_LIMIT,
        render: RenderNotice = wire.render_notice,
        limits: Limits | None = None,
        expects: Callable[[str], bool] = lambda _name: False,
        make: Callable[..., Broker] = Broker,
    ) -> None:
        self.wall = Clock()
        self.clock = Clock() if clock is None else clock
        self.mailbox: IMailbox = MemoryMailbox(self.clock) if mailbox is None else mailbox
        self.broker = make(
            self.clock,
            self.mailbox,
            duplicate=duplicate,
            durable=durable,
            outbox_limit=outbox_limit,
            render=render,
            limits=limits,
            expects=expects,
            wall=self.wall.seconds,
        )
        self.broker.startService()

    def comes(self, name: str, *, blocked: bool = False, opening: Opening = PLAIN) -> Guest:
        """C{name} logs in, over a connection of its own."""
        link, source = FakeLink(name), FakeSource()
        if blocked:
            link.block()
        guest = Guest(self.broker.join(name, link, source, opening), link, source, self.broker)
        self.turn()
        return guest

    def names(self) -> list[str]:
        """The names that are here, sorted."""
        here = [session for session in self.broker.sessions if session.stage is Stage.HERE]
        return sorted(session.name for session in here)

    def turn(self) -> None:
        """Let this turn of the reactor end, and those that follow from it."""
        while any(call.getTime() <= self.clock.seconds() for call in self.clock.getDelayedCalls()):
            self.clock.advance(0)
        balance = self.broker.balance()
        assert not balance.missing, balance

    def each_turn(self, look: Callable[[], Result]) -> list[Result]:
        """The values of C{look} at the end of each turn, until nothing more follows by itself."""
        seen: list[Result] = []

        def see() -> None:
            due = self.clock.seconds()
            others = [call for call in self.clock.getDelayedCalls() if call.getTime() <= due]
            seen.append(look())
            if others:
                self.clock.callLater(0, see)

        see()
        self.clock.advance(0)
        return seen


def steps(seen: Sequence[int]) -> list[int]:
    """The growth from each to the next."""
    return [after - before for before, after in pairwise(seen)]
