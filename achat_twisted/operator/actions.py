"""The actions that an operator can ask for: a table, with a row for each."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from achat_twisted.operator.interfaces import IHousekeeper, Row
from achat_twisted.operator.protocol import Refused, Request

LONGEST_DRAIN = 86_400
"""The most seconds that a drain may wait for the sessions to leave."""

Tell = Callable[[Row], Awaitable[None]]

_LOOK = 0.5
"""The seconds between two looks at who is still here."""


@dataclass(frozen=True, slots=True)
class Errand:
    """An action under way.

    @ivar tell: adds a row to the answer; to be awaited, as the operator may be slow to read.
    @ivar note: logs its outcome so far.
    """

    housekeeper: IHousekeeper
    argument: str
    tell: Tell
    note: Callable[[str], None]
    clock: IReactorTime


@dataclass(frozen=True, slots=True)
class Action:
    """An action: the name of its argument, if it takes one, and its function.

    @ivar run: may raise L{Refused}.
    """

    argument: str
    run: Callable[[Errand], Awaitable[None]]


async def _who(errand: Errand) -> None:
    for row in errand.housekeeper.who():
        await errand.tell(row)


async def _kick(errand: Errand) -> None:
    if not errand.housekeeper.kick(errand.argument):
        raise Refused(f"{errand.argument} is not here")


async def _stats(errand: Errand) -> None:
    await errand.tell(errand.housekeeper.stats())


async def _mail(errand: Errand) -> None:
    row = errand.housekeeper.mail(errand.argument)
    if row is None:
        raise Refused(f"there is nobody by the name {errand.argument}")
    await errand.tell(row)


async def _drain(errand: Errand) -> None:
    """Let nobody in, and wait for all sessions to end; the doors stay shut whatever happens."""
    housekeeper, clock = errand.housekeeper, errand.clock
    if errand.argument == "off":
        housekeeper.drain(False)
        return
    deadline = clock.seconds() + _seconds(errand.argument)
    housekeeper.drain(True)
    errand.note("nobody new is let in")
    told = None
    while sessions := housekeeper.sessions():
        if sessions != told:
            await errand.tell({"sessions": sessions})
            told = sessions
        left = deadline - clock.seconds()
        if left <= 0:
            raise Refused(f"not all have left, still here: {sessions}; nobody new is let in")
        await deferLater(clock, min(_LOOK, left))
        if not housekeeper.draining():
            raise Refused("called off: everybody is let in again")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= LONGEST_DRAIN:
        raise Refused(f"drain takes a number of seconds up to {LONGEST_DRAIN}, or off")
    return seconds


ACTIONS = {
    "who": Action("", _who),
    "kick": Action("NAME", _kick),
    "stats": Action("", _stats),
    "drain": Action("SECONDS", _drain),
    "mail": Action("NAME", _mail),
}


async def run(
    request: Request,
    housekeeper: IHousekeeper,
    tell: Tell,
    note: Callable[[str], None],
    clock: IReactorTime,
) -> None:
    """Do what an operator asks for.

    @raise Refused: if it cannot be done.
    """
    action = ACTIONS.get(request.word)
    if action is None:
        known = ", ".join(f"{word} {row.argument}".rstrip() for word, row in ACTIONS.items())
        raise Refused(f"no action {request.word!r}; there are {known}")
    if bool(request.argument) != bool(action.argument):
        raise Refused(f"{request.word} takes {action.argument or 'no argument'}")
    await action.run(Errand(housekeeper, request.argument, tell, note, clock))
