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


def _got(_broker: IBroker, session: ISession, argument: str) -> None:
    session.got(argument)


def _too_late(_broker: IBroker, _session: ISession, _argument: str) -> None:
    raise wire.BadLine("/resume, /send and /stamp stand before the login line")


COMMANDS = {
    "sync": Row("[token] is answered when your lines before it are routed", _sync),
    "who": Row("lists who is here", _who),
    "quit": Row("ends the session when all that is queued for you has reached you", _quit),
    "ping": Row("is answered with pong", _ping),
    "stats": Row("tells, on the server's own machine, what has become of all copies", _stats),
    "help": Row("lists what you can say", _help),
}
"""All that C{/help} lists."""

_OTHERS = {"got": _got, **dict.fromkeys(("resume", "send", "stamp"), _too_late)}
"""Those of clients that know more than C{/help} tells, or think so."""


def run(broker: IBroker, session: ISession, command: wire.Command) -> None:
    """Do what a client asks for; nothing if its connection is lost, as nobody would hear of it.

    @raise wire.NoCommand: if there is no such command.
    """
    if session.lost:
        return
    if command.word in COMMANDS:
        COMMANDS[command.word].run(broker, session, command.argument)
    elif command.word in _OTHERS:
        _OTHERS[command.word](broker, session, command.argument)
    else:
        raise wire.NoCommand(command.word)
