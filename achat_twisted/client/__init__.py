"""The library for programs that chat, of the standard library alone::

    from achat_twisted.client import connect

    async with connect("bot@localhost") as chat:
        async for message in chat:
            await chat.post(message.sender, f"you said {message.text}")
            await message.done()

L{streams.connect} is for asyncio, L{blocking.connect} for scripts, L{deferreds.connect} for
Twisted. All of them drive the same L{conversation}, which does no input or output; a L{state} is
what it must not forget. It imports C{wire}, and nothing else of achat.

Names are imported when they are used, as asyncio takes its time.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from achat_twisted.client.address import Address as Address, parse_address as parse_address
    from achat_twisted.client.chat import Chat as Chat
    from achat_twisted.client.errors import (
        AddressError as AddressError,
        ChatError as ChatError,
        Closed as Closed,
        NotLetIn as NotLetIn,
        Refusal as Refusal,
        Refused as Refused,
        RoomError as RoomError,
        SessionOver as SessionOver,
        StateError as StateError,
        StateInUse as StateInUse,
        Unreachable as Unreachable,
        UnusableLine as UnusableLine,
    )
    from achat_twisted.client.events import (
        Ended as Ended,
        Event as Event,
        Joined as Joined,
        Listener as Listener,
        Missed as Missed,
        Notice as Notice,
        Parted as Parted,
        Settled as Settled,
        Welcome as Welcome,
    )
    from achat_twisted.client.messages import (
        Logged as Logged,
        Members as Members,
        Message as Message,
        Posted as Posted,
        Posting as Posting,
    )
    from achat_twisted.client.state import MemoryState as MemoryState, State as State
    from achat_twisted.client.state_file import StateFile as StateFile
    from achat_twisted.client.streams import connect as connect

_HOMES = {
    "address": ("Address", "parse_address"),
    "chat": ("Chat",),
    "errors": (
        *("AddressError", "ChatError", "Closed", "NotLetIn", "Refusal", "Refused"),
        *("RoomError", "SessionOver", "StateError", "StateInUse", "Unreachable"),
        "UnusableLine",
    ),
    "events": (
        *("Ended", "Event", "Joined", "Listener", "Missed", "Notice", "Parted", "Settled"),
        "Welcome",
    ),
    "messages": ("Logged", "Members", "Message", "Posted", "Posting"),
    "state": ("MemoryState", "State"),
    "state_file": ("StateFile",),
    "streams": ("connect",),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Address",
    "AddressError",
    "Chat",
    "ChatError",
    "Closed",
    "Ended",
    "Event",
    "Joined",
    "Listener",
    "Logged",
    "Members",
    "MemoryState",
    "Message",
    "Missed",
    "NotLetIn",
    "Notice",
    "Parted",
    "Posted",
    "Posting",
    "Refusal",
    "Refused",
    "RoomError",
    "SessionOver",
    "Settled",
    "State",
    "StateError",
    "StateFile",
    "StateInUse",
    "Unreachable",
    "UnusableLine",
    "Welcome",
    "connect",
    "parse_address",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__]
