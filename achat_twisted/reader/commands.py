"""The commands that a client can give, and what each of them does."""

from __future__ import annotations

from collections.abc import Callable

from achat_twisted import wire
from achat_twisted.broker.interfaces import IBroker, ISession


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
    for word, (usage, _) in COMMANDS.items():
        session.tell(wire.usage(f"/{word} {usage}"))


def _got(_broker: IBroker, session: ISession, argument: str) -> None:
    session.got(argument)


def _too_late(_broker: IBroker, _session: ISession, _argument: str) -> None:
    raise wire.BadLine("/resume, /send and /stamp stand before the login line")


COMMANDS: dict[str, tuple[str, Callable[[IBroker, ISession, str], None]]] = {
    "sync": ("[token] is answered when your lines before it are routed", _sync),
    "who": ("lists who is here", _who),
    "quit": ("ends the session when all that is queued for you has reached you", _quit),
    "ping": ("is answered with pong", _ping),
    "stats": ("tells, on the server's own machine, what has become of all copies", _stats),
    "help": ("lists what you can say", _help),
}
"""All that C{/help} lists: by its word, the text after that, and the function that runs it."""

_OTHERS = {"got": _got, **dict.fromkeys(("resume", "send", "stamp"), _too_late)}
"""Those of clients that know more than C{/help} tells, or think so."""


def run(broker: IBroker, session: ISession, command: wire.Command) -> None:
    """Do what a client asks for; nothing if its connection is lost, as nobody would hear of it.

    @raise wire.NoCommand: if there is no such command.
    """
    if session.lost:
        return
    _, do = COMMANDS.get(command.word, ("", _OTHERS.get(command.word)))
    if do is None:
        raise wire.NoCommand(command.word)
    do(broker, session, command.argument)
