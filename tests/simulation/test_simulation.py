"""Schedules that must end well; and servers that are broken, which must be found out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime, ITransport
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from achat_twisted import wire
from achat_twisted.mailbox.accounts import AnyAccount
from achat_twisted.mailbox.interfaces import IMailbox
from achat_twisted.mailbox.memory import MemoryMailbox
from achat_twisted.mailbox.page import Page
from achat_twisted.mailbox.tag_records import TagRecords
from achat_twisted.mailbox.tags import Counter, Tag
from achat_twisted.net.interfaces import ILink
from achat_twisted.net.link import IStream, Link
from achat_twisted.net.transport import ServerTransport
from tests.simulation.mailboxes import MakeMailbox
from tests.simulation.schedule import Schedule
from tests.simulation.server import Parts
from tests.simulation.witness import PromiseBroken

SCHEDULES = 120
"""Those of every test run; C{python -m tests.simulation} runs more."""


class ScheduleTests(SynchronousTestCase):
    """The server as it is."""

    def test_promises_are_kept(self) -> None:
        """Each line comes once, in order, whatever befalls clients, server and network."""
        for seed in range(SCHEDULES):
            Schedule(seed).run()

    def test_same_seed_same_schedule(self) -> None:
        """A seed always leads to the same events at the same times."""
        for seed in range(SCHEDULES, SCHEDULES + 5):
            traces = []
            for _ in range(2):
                schedule = Schedule(seed)
                schedule.run()
                traces.append(schedule.trace)
            self.assertEqual(*traces)

    def test_other_seed_other_schedule(self) -> None:
        """Two seeds lead to different events."""
        one, other = Schedule(1), Schedule(2)
        one.run()
        other.run()
        self.assertNotEqual(one.trace, other.trace)


@implementer(IMailbox)
class Forgetful(MemoryMailbox):
    """Loses the first line that is handed back."""

    def hand_back(
        self, name: str, lines: Sequence[bytes], ages: Sequence[float] | None = None
    ) -> None:
        super().hand_back(name, lines[1:])


@implementer(IMailbox)
class Unjust(MemoryMailbox):
    """Lets those that are handed back wait behind newer ones."""

    def hand_back(
        self, name: str, lines: Sequence[bytes], ages: Sequence[float] | None = None
    ) -> None:
        for line in lines:
            super().keep(name, line)
        super().hand_back(name, [])


@implementer(IMailbox)
class Muddled(MemoryMailbox):
    """Puts new lines ahead of older ones."""

    def keep(self, name: str, line: bytes) -> bool:
        self.enroll(name)
        super().hand_back(name, [line])
        return True


@implementer(IMailbox)
class Stuttering(MemoryMailbox):
    """Gives out the first of some lines in the place of the second."""

    def take(self, name: str, size: int) -> Deferred[Page]:
        return super().take(name, size).addCallback(self._stutter)

    def _stutter(self, page: Page) -> Page:
        page[1:2] = page[:1] * len(page[1:2])
        return page


@implementer(IMailbox)
class Skipping(MemoryMailbox):
    """Gives numbers to messages that there never were."""

    def delivered(self, name: str, copies: int) -> None:
        super().delivered(name, copies + 1)


class Hushed(TagRecords[AnyAccount]):
    """Forgets the refusals that a tag has not confirmed."""

    def begin(self, name: str, tag: str, counter: Counter) -> Tag | None:
        record = super().begin(name, tag, counter)
        if record is not None:
            record.refusals.clear()
        return record


class OneLess:
    """A session that counts a command more than there was."""

    def __init__(self, session: Counter) -> None:
        self._session = session

    @property
    def taken(self) -> int:
        return self._session.taken

    @property
    def commands(self) -> int:
        return self._session.commands + 1


class Absent(TagRecords[AnyAccount]):
    """Forgets a line of each tag when its next session begins."""

    def begin(self, name: str, tag: str, counter: Counter) -> Tag | None:
        return super().begin(name, tag, cast(Counter, OneLess(counter)))


class Renewing(TagRecords[AnyAccount]):
    """Begins an era with each session."""

    def begin(self, name: str, tag: str, counter: Counter) -> Tag | None:
        for record in self.of(name):
            if record.name == tag:
                self.forget(name, record)
        return super().begin(name, tag, counter)


@implementer(IMailbox)
class Mistagged(MemoryMailbox):
    """Remembers tags of a given kind."""

    def __init__(self, kind: Callable[..., TagRecords[Any]], clock: IReactorTime) -> None:
        super().__init__(clock)
        self.tags = kind(self._accounts, self.rows, clock.seconds)


class Boastful(Link):
    """Takes what it has sent for acknowledged."""

    def outstanding(self) -> int:
        return 0


class Timid(Link):
    """Takes the last acknowledged byte for lost."""

    def outstanding(self) -> int:
        return super().outstanding() + 1


def _says_nothing_of(word: str) -> Callable[[wire.Notice], bytes]:
    return lambda notice: b"" if notice.word == word else wire.render_notice(notice)


def _counts_too_many(notice: wire.Notice) -> bytes:
    if notice.word == "bye":
        notice = wire.bye(int(notice.detail) + 1)
    return wire.render_notice(notice)


def _with_mailbox(mailbox: Callable[[IReactorTime], IMailbox]) -> Parts:
    def make(_rng: Random, clock: IReactorTime, _folder: Path) -> Callable[[], IMailbox]:
        one = mailbox(clock)
        return lambda: one

    make_mailbox: MakeMailbox = make
    return Parts(make_mailbox=make_mailbox)


def _with_link(kind: type[Link]) -> Parts:
    def make(transport: ITransport, clock: IReactorTime) -> ILink:
        assert isinstance(transport, ServerTransport)
        return kind(cast(IStream, transport), transport, clock)

    return Parts(make_link=make)


class CheckerTests(SynchronousTestCase):
    """A server that breaks one promise."""

    def _found(self, parts: Parts) -> str:
        """The finding of the first schedule that shows the server to be broken."""
        with self.assertRaises(PromiseBroken) as broken:
            for seed in range(SCHEDULES):
                Schedule(seed, parts).run()
        return str(broken.exception)

    def test_lost_line(self) -> None:
        """A line that is lost leaves the ledger out of balance."""
        self.assertIn("1 copies are missing in the ledger", self._found(_with_mailbox(Forgetful)))

    def test_lost_line_that_is_counted(self) -> None:
        """A line that counts as delivered, and was not, is missed where it should have come."""
        self.assertIn("agree on", self._found(_with_link(Boastful)))

    def test_repeated_line(self) -> None:
        """A line that comes again though its acknowledgement had come is one too many."""
        self.assertIn("agree on", self._found(_with_link(Timid)))

    def test_line_in_the_place_of_another(self) -> None:
        """A line that comes twice instead of another one is noticed, though the sum is right."""
        self.assertIn("agree on", self._found(_with_mailbox(Stuttering)))

    def test_swapped_lines(self) -> None:
        """A newer line must not overtake an older one in the mailbox."""
        self.assertIn("agree on", self._found(_with_mailbox(Muddled)))

    def test_late_hand_back(self) -> None:
        """Lines that are handed back must come ahead of newer ones."""
        self.assertIn("agree on", self._found(_with_mailbox(Unjust)))

    def test_silent_refusal(self) -> None:
        """A refusal that its sender does not hear of is noticed."""
        for word in ("full", "unknown"):
            self.assertIn("told", self._found(Parts(render=_says_nothing_of(word))))

    def test_wrong_count(self) -> None:
        """A C{! bye} that covers a line too many is noticed."""
        self.assertIn("bye", self._found(Parts(render=_counts_too_many)))

    def test_missing_farewell(self) -> None:
        """A session that is closed in order without C{! bye} is noticed."""
        self.assertIn("closed in order", self._found(Parts(render=_says_nothing_of("bye"))))

    def test_refusals_that_are_told_once(self) -> None:
        """A refusal that a broken connection has swallowed is missed at the next C{! synced}."""
        self.assertIn("not told", self._found(_with_mailbox(partial(Mistagged, Hushed))))

    def test_line_that_is_asked_for_again(self) -> None:
        """A tag that is told to go on too early is noticed."""
        self.assertIn("goes on at", self._found(_with_mailbox(partial(Mistagged, Absent))))

    def test_numbers_that_were_not_given(self) -> None:
        """A message that counts as delivered, and that its client has not got, is noticed."""
        self.assertIn("though", self._found(_with_mailbox(Skipping)))

    def test_new_era(self) -> None:
        """An era that ends though nothing has happened is noticed."""
        self.assertIn("a new era", self._found(_with_mailbox(partial(Mistagged, Renewing))))

    def test_how_to_see_it_again(self) -> None:
        """A failure says which command shows it again."""
        self.assertIn("--schedules 1 --trace", self._found(_with_mailbox(Forgetful)))
