"""The actions that an operator can ask for, and what each of them does."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from achat_twisted.operator.console import Console
from achat_twisted.operator.protocol import Facts, NotDone, Request

LONGEST_DRAIN = 86_400
"""The most seconds that a drain may wait for the sessions to leave."""

_LOOK = 0.5
"""The seconds between two looks at who is still here."""


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
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= LONGEST_DRAIN:
        raise NotDone(f"drain takes a number of seconds up to {LONGEST_DRAIN}, or off")
    return seconds


ACTIONS: dict[str, tuple[str, Callable[[Errand], Awaitable[None]]]] = {
    "who": ("", _who),
    "kick": ("NAME", _kick),
    "stats": ("", _stats),
    "drain": ("SECONDS", _drain),
    "mail": ("NAME", _mail),
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
