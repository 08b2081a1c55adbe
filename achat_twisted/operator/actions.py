"""The actions that an operator can ask for, and what each of them does."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from heapq import nsmallest
from itertools import chain
from typing import Protocol

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from achat_twisted.operator.console import Console
from achat_twisted.operator.protocol import Facts, NotDone, Request
from achat_twisted.tools.quantities import SECONDS

LONGEST_DRAIN = 86_400
"""The most seconds that a drain may wait for the sessions to leave."""

MOST_MAILBOXES = 10_000
"""The most mailboxes that are told of at once."""

_LOOK = 0.5
"""The seconds between two looks at who is still here."""

_AT_A_TIME = 5000
"""The names that are looked at until others have their turn: some 3 ms."""

_PATIENCE = 20.0
"""The seconds in which the sessions of a name must have ended before its mail is thrown away."""


class Asker(Protocol):
    """The operator, at the other end."""

    async def tell(self, facts: Facts) -> None:
        """Add facts to the answer; takes as long as the operator is slow to read."""

    def note(self, outcome: str) -> None:
        """Log the outcome so far."""


@dataclass(frozen=True, slots=True)
class Errand:
    """An action under way."""

    console: Console
    argument: str
    asker: Asker
    clock: IReactorTime


async def _who(errand: Errand) -> None:
    for facts in errand.console.who():
        await errand.asker.tell(facts)


async def _kick(errand: Errand) -> None:
    if not errand.console.kick(errand.argument):
        raise NotDone(f"{errand.argument} is not here")


async def _stats(errand: Errand) -> None:
    await errand.asker.tell(errand.console.stats())


async def _mail(errand: Errand) -> None:
    facts = errand.console.mail(errand.argument)
    if facts is None:
        raise NotDone(f"there is nobody by the name {errand.argument}")
    await errand.asker.tell(facts)
    for tag in errand.console.tags(errand.argument):
        await errand.asker.tell(tag)


async def _mailboxes(errand: Errand) -> None:
    """Tell of the largest mailboxes; there may be millions of names, so others have turns."""
    console, most = errand.console, _whole(errand.argument)
    largest: list[tuple[int, str]] = []
    names = console.names()
    for start in range(0, len(names), _AT_A_TIME):
        sizes = ((-console.size(name), name) for name in names[start : start + _AT_A_TIME])
        largest = nsmallest(most, chain(largest, (each for each in sizes if each[0])))
        await deferLater(errand.clock, 0)
    for _, name in largest:
        if facts := console.mailbox(name):
            await errand.asker.tell(facts)


def _whole(text: str) -> int:
    if not (text.isdecimal() and len(text) < 6 and 0 < int(text) <= MOST_MAILBOXES):
        raise NotDone(f"mailboxes takes a number from 1 to {MOST_MAILBOXES}")
    return int(text)


async def _purge(errand: Errand) -> None:
    """Throw away what is kept for a name, once it has no session: its numbers would jump."""
    console, name, clock = errand.console, errand.argument, errand.clock
    deadline = clock.seconds() + _PATIENCE
    while console.is_here(name):
        if clock.seconds() >= deadline:
            raise NotDone(f"nothing is thrown away, as {name} comes again and again, or stays")
        console.kick(name)
        await deferLater(clock, _LOOK)
    if console.mail(name) is None:
        raise NotDone(f"there is nobody by the name {name}")
    purged, is_written = await console.purge(name)
    errand.asker.note(f"{purged['purged']} lines are thrown away")
    await errand.asker.tell(purged)
    if not is_written:
        raise NotDone("the file cannot be written just now, and still has it; that is tried again")


async def _room(errand: Errand) -> None:
    for facts in errand.console.rooms.do(errand.argument):
        await errand.asker.tell(facts)


async def _devices(errand: Errand) -> None:
    """Tell of the devices of a name, or forget one: C{NAME} or C{NAME, TAG}."""
    name, _, device = (part.strip() for part in errand.argument.partition(","))
    for facts in errand.console.devices(name, device):
        await errand.asker.tell(facts)


async def _reload(errand: Errand) -> None:
    outcome = errand.console.reload()
    for when, changes in (("now", outcome.taken), ("next start", outcome.waiting)):
        for change in changes:
            await errand.asker.tell({**change._asdict(), "when": when})
    if outcome.error:
        raise NotDone(outcome.error)


async def _drain(errand: Errand) -> None:
    """Let nobody in, and wait for all sessions to end; the doors stay shut whatever happens."""
    console, asker, clock = errand.console, errand.asker, errand.clock
    if errand.argument == "off":
        console.draining = False
        return
    deadline = clock.seconds() + _seconds(errand.argument)
    console.draining = True
    asker.note("nobody new is let in")
    told = None
    while sessions := console.sessions():
        if sessions != told:
            await asker.tell({"sessions": sessions})
            told = sessions
        left = deadline - clock.seconds()
        if left <= 0:
            raise NotDone(f"not all have left, still here: {sessions}; nobody new is let in")
        await deferLater(clock, min(_LOOK, left))
        if not console.draining:
            raise NotDone("called off: everybody is let in again")


def _seconds(text: str) -> float:
    try:
        seconds = SECONDS.parse(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= LONGEST_DRAIN:
        raise NotDone(f"drain takes seconds up to {LONGEST_DRAIN}, or a time such as 5m, or off")
    return seconds


ACTIONS: dict[str, tuple[str, Callable[[Errand], Awaitable[None]]]] = {
    "who": ("", _who),
    "kick": ("NAME", _kick),
    "stats": ("", _stats),
    "drain": ("SECONDS", _drain),
    "mail": ("NAME", _mail),
    "mailboxes": ("NUMBER", _mailboxes),
    "purge": ("NAME", _purge),
    "room": ("ACTION ROOM NAMES", _room),
    "devices": ("NAME", _devices),
    "reload": ("", _reload),
}
"""The actions by their words: the name of the argument, if there is one, and the function."""


async def run(request: Request, console: Console, asker: Asker, clock: IReactorTime) -> None:
    """Do what an operator asks for.

    @raise NotDone: if it cannot be done.
    """
    if request.word not in ACTIONS:
        known = ", ".join(f"{word} {wanted}".rstrip() for word, (wanted, _) in ACTIONS.items())
        raise NotDone(f"no action {request.word!r}; there are {known}")
    wanted, action = ACTIONS[request.word]
    if bool(request.argument) != bool(wanted):
        raise NotDone(f"{request.word} takes {wanted or 'no argument'}")
    await action(Errand(console, request.argument, asker, clock))
