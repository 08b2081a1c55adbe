"""A server under siege bears everything; and one that is broken is found out."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import cast

from hypothesis import HealthCheck, example, given, settings
from twisted.internet.interfaces import IReactorTime, ITransport
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from achat_twisted import wire
from achat_twisted.broker.answers import RenderNotice
from achat_twisted.mailbox.interfaces import IMailbox
from achat_twisted.mailbox.memory import MemoryMailbox
from achat_twisted.net import link
from achat_twisted.net.interfaces import ILink
from achat_twisted.net.link import IStream, Link
from achat_twisted.net.transport import ServerTransport
from tests.attacks.programs import examples, programs
from tests.attacks.siege import Siege, feed
from tests.simulation.mailboxes import OpenMailbox, in_memory
from tests.simulation.server import Parts
from tests.simulation.witness import PromiseBroken


class SiegeTests(SynchronousTestCase):
    """The server as it is."""

    @settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(programs())
    @example(b"")
    def test_bears_everything(self, program: bytes) -> None:
        """Any bytes, however they are cut, and whatever befalls their senders."""
        feed(program)

    def test_memory(self) -> None:
        """Sieges leave nothing behind: forty more of them, and again, do not enlarge the process.

        What they left would be there both times; a buffer of the interpreter's grows but once.
        """
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        looks = [self._collected_after(times) for times in (2, 2, 2)]
        grown = [(now[0] - then[0], now[1] - then[1]) for then, now in pairwise(looks)]
        self.assertLess(min(objects for objects, _ in grown), 50)
        self.assertLess(min(size for _, size in grown), 20_000)

    def _collected_after(self, times: int) -> tuple[int, int]:
        """The number of objects, and of bytes, after the same sieges so many times.

        The events that the logger remembers while nobody reads it are the same each time then.
        """
        for program in [*examples()] * times:
            feed(program)
        gc.collect()
        return len(gc.get_objects()), tracemalloc.get_traced_memory()[0]


class Stumbling(Link):
    """Has a bug."""

    def write(self, data: bytes) -> None:
        raise RuntimeError("a bug of our own")


@implementer(IMailbox)
class Forgetful(MemoryMailbox):
    """Loses the first line that is handed back."""

    def hand_back(
        self, name: str, lines: Sequence[bytes], ages: Sequence[float] | None = None
    ) -> None:
        super().hand_back(name, lines[1:])


@implementer(IMailbox)
class Garbling(MemoryMailbox):
    """Keeps something else than it was given."""

    def keep(self, name: str, line: bytes) -> bool:
        return super().keep(name, b"from zoe: hi\n")


def _with_link(make: Callable[[IStream, ServerTransport, IReactorTime], Link]) -> Parts:
    def make_link(transport: ITransport, clock: IReactorTime) -> ILink:
        assert isinstance(transport, ServerTransport)
        return make(cast(IStream, transport), transport, clock)

    return Parts(in_memory, make_link)


def _hoarding(hoard: list[Link], transport: ITransport, clock: IReactorTime) -> Link:
    """Keeps every link that it makes, with all that hangs on it."""
    hoard.append(link.over(transport, clock))
    return hoard[-1]


def _with_timer(transport: ITransport, clock: IReactorTime) -> Link:
    """Forgets to cancel a timer."""
    clock.callLater(3600.0, lambda: None)
    return link.over(transport, clock)


def _forgetful(_rng: Random, clock: IReactorTime, _folder: Path) -> OpenMailbox:
    return lambda: Forgetful(clock)


def _garbling(_rng: Random, clock: IReactorTime, _folder: Path) -> OpenMailbox:
    return lambda: Garbling(clock)


def _saying(word: str, said: bytes) -> RenderNotice:
    """Something else in the place of a notice."""
    return lambda notice: said if notice.word == word else wire.render_notice(notice)


BROKEN = [
    (_with_link(Stumbling), "a bug of our own"),
    (Parts(in_memory, partial(_hoarding, [])), "is still held"),
    (Parts(in_memory, _with_timer), "timers are left"),
    (Parts(_forgetful), "the ledger"),
    (Parts(in_memory, render=_saying("kept", b"! kept \x1b[2J 1\n")), "a terminal would obey"),
    (Parts(in_memory, render=_saying("pong", b"")), ""),
    (Parts(_garbling), "nobody has posted this"),
    (Parts(in_memory, render=_saying("who", b"! whoever\n")), "what is this"),
    (Parts(in_memory, render=_saying("bye", b"! bye 1")), "half a line"),
    (Parts(in_memory, render=_saying("bye", b"! bye 1\n! bye 1\n")), "behind the end"),
    (Parts(in_memory, render=_saying("bad-name", b"! welcome you\n")), "what is this"),
]
"""Faults of a server, and the findings about them; none for a harmless one."""


class CheckTests(SynchronousTestCase):
    """A server that is not as it should be."""

    def test_found_out(self) -> None:
        """Each fault is found by the programs that a fuzzer begins with, and by its name."""
        for parts, said in BROKEN:
            found = _found(parts)
            self.flushLoggedErrors(RuntimeError)
            self.assertTrue(said in found if said else not found, f"{said!r} is not in {found!r}")


def _found(parts: Parts) -> str:
    """The finding of the first program that shows a server to be broken."""
    for program in examples():
        try:
            Siege(program, parts).run()
        except PromiseBroken as broken:
            return str(broken)
    return ""
