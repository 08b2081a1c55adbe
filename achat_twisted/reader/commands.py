"""The commands that a client can give: a table, with a row for each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from achat_twisted import wire
from achat_twisted.broker.interfaces import IBroker, ISession


@dataclass(frozen=True, slots=True)
class Row:
    """A command: the text that C{/help} has after its word, and the function that runs it."""

    usage: str
    run: Callable[[IBroker, ISession, str], None]


def _sync(_broker: IBroker, session: ISession, token: str) -> None:
    session.sync(token)


def _who(broker: IBroker, session: ISession, _argument: str) -> None:
    broker.tell_names(session)


def _quit(_broker: IBroker, session: ISession, _argument: str) -> None:
    session.drain()


def _ping(_broker: IBroker, session: ISession, _argument: str) -> None:
    session.tell(wire.pong())


def _stats(broker: IBroker, session: ISession, _argument: str) -> None:
    if not session.local:
        raise wire.BadLine("/stats is answered on this server's own machine only")
    session.tell(wire.stats(broker.stats()))


def _help(_broker: IBroker, session: ISession, _argument: str) -> None:
    session.tell(wire.usage("NAME, NAME: text posts text to each name"))
    for word, row in COMMANDS.items():
        session.tell(wire.usage(f"/{word} {row.usage}"))


COMMANDS = {
    "sync": Row("[token] is answered when your lines before it are routed", _sync),
    "who": Row("lists who is here", _who),
    "quit": Row("ends the session when all that is queued for you has reached you", _quit),
    "ping": Row("is answered with pong", _ping),
    "stats": Row("tells, on the server's own machine, what has become of all copies", _stats),
    "help": Row("lists what you can say", _help),
}


def run(broker: IBroker, session: ISession, command: wire.Command) -> None:
    """Do what a client asks for; nothing if its connection is lost, as nobody would hear of it.

    @raise wire.NoCommand: if there is no such command.
    """
    if session.lost:
        return
    row = COMMANDS.get(command.word)
    if row is None:
        raise wire.NoCommand(command.word)
    row.run(broker, session, command.argument)
