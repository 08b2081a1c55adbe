"""The commands that a client can give, and what each of them does."""

from __future__ import annotations

from collections.abc import Callable

from achat_twisted import wire
from achat_twisted.broker.interfaces import IBroker, ISession
from achat_twisted.wire.rooms import parse_look


def _sync(_broker: IBroker, session: ISession, token: str) -> None:
    session.sync(token)


def _who(broker: IBroker, session: ISession, argument: str) -> None:
    if argument:
        broker.room_commands.who(session, argument)
        session.rest()
    else:
        broker.tell_names(session)


def _join(broker: IBroker, session: ISession, room: str) -> None:
    broker.room_commands.join(session, room)
    session.rest()  # as it takes as long as ten lines, and so do those below that say the same


def _part(broker: IBroker, session: ISession, room: str) -> None:
    broker.room_commands.part(session, room)
    session.rest()


def _devices(broker: IBroker, session: ISession, argument: str) -> None:
    word, _, device = argument.partition(" ")
    if not word:
        broker.room_commands.devices(session)
    elif word == "forget" and device:
        broker.room_commands.forget_device(session, device.strip())
    else:
        raise wire.BadLine("say /devices, or /devices forget TAG")


def _let_in(broker: IBroker, session: ISession, argument: str) -> None:
    broker.room_commands.let_in(session, *_room_and("a name", argument))
    session.rest()


def _put_out(broker: IBroker, session: ISession, argument: str) -> None:
    broker.room_commands.put_out(session, *_room_and("a name", argument))
    session.rest()


def _quiet(broker: IBroker, session: ISession, argument: str) -> None:
    room, word = _room_and("on or off", argument)
    if word not in ("on", "off"):
        raise wire.BadLine("say /quiet #ROOM on, or /quiet #ROOM off")
    broker.room_commands.silence(session, room, is_quiet=word == "on")


def _room_and(wanted: str, argument: str) -> tuple[str, str]:
    room, _, rest = argument.partition(" ")
    if not (room and rest):
        raise wire.BadLine(f"it needs a room, and {wanted}")
    return room, rest.strip()


def _log(broker: IBroker, session: ISession, argument: str) -> None:
    broker.room_commands.log(session, parse_look(argument))


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
    raise wire.BadLine("/resume, /device, /send, /stamp and /rooms stand before the login line")


COMMANDS: dict[str, tuple[str, Callable[[IBroker, ISession, str], None]]] = {
    "sync": ("[token] is answered when your lines before it are routed", _sync),
    "who": ("[#ROOM] lists who is here, or in a room", _who),
    "join": ("#ROOM lets you hear and say what is said in a room, from now on", _join),
    "part": ("#ROOM leaves a room", _part),
    "log": ("#ROOM [LINES] [before NUMBER] shows what was said in a room", _log),
    "let-in": ("#ROOM NAME lets somebody into a room of yours", _let_in),
    "put-out": ("#ROOM NAME puts somebody out of a room of yours", _put_out),
    "quiet": ("#ROOM on, or off: only owners of the room may say something there", _quiet),
    "devices": ("[forget TAG] lists the devices of your name, or forgets one", _devices),
    "quit": ("ends the session when all that is queued for you has reached you", _quit),
    "ping": ("is answered with pong", _ping),
    "stats": ("tells, on the server's own machine, what has become of all copies", _stats),
    "help": ("lists what you can say", _help),
}
"""All that C{/help} lists: by its word, the text after that, and the function that runs it."""

_OTHERS = {"got": _got, **dict.fromkeys(("resume", "device", "send", "stamp", "rooms"), _too_late)}
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
