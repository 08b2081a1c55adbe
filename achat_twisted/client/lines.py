"""Lines to post: made of names and a text, or checked as they are."""

from __future__ import annotations

from collections.abc import Iterable

from achat_twisted import wire
from achat_twisted.client.errors import UnusableLine
from achat_twisted.wire import rooms
from achat_twisted.wire.rooms import is_room

_OWN = {"got", "sync", "quit", "resume", "send", "device", "stamp", "rooms", "join"}
"""The commands that the library says itself, and nobody else."""


def render(to: str | Iterable[str], text: str) -> str:
    """The line that posts a text.

    @param to: a name or a room, or several; one listed twice gets two copies.
    @raise UnusableLine: if one is neither, or the text holds a line end or other control characters
        (the tab may be in it).
    """
    names = [to] if isinstance(to, str) else list(to)
    if not names:
        raise UnusableLine("a line needs a recipient")
    for name in names:
        if is_room(name.strip()):
            check_room(name.strip())
            continue
        try:
            wire.check_name(name.strip())
        except wire.Refused as error:
            raise UnusableLine(f"{name!r} is no name: {error.notice.detail}") from None
    return check(f"{', '.join(names)}: {text}")


def check_room(room: str) -> str:
    """The name of a room itself, if it is one.

    @raise UnusableLine: if it is none.
    """
    try:
        return rooms.check_room(room)
    except wire.BadLine as error:
        raise UnusableLine(f"{room!r} is no room: {error.notice.detail}") from None


def check(line: str) -> str:
    """The line itself, if it is one that may be posted; the server may still refuse it.

    @raise UnusableLine: if it holds control characters, or is a command.
    """
    if line.startswith("/"):
        raise UnusableLine("a line that begins with / is a command, which is not posted")
    return _checked(line)


def check_command(line: str) -> str:
    """A command of the user's, such as C{/who} or C{/help}, checked.

    @raise UnusableLine: if it is none, holds control characters, or is one that the library says
        itself.
    """
    word = line[1:].split(" ")[0].strip()
    if not line.startswith("/") or not word:
        raise UnusableLine(f"{line!r} is no command")
    if word in _OWN:
        raise UnusableLine(f"/{word} is said by the client itself")
    return _checked(line)


def _checked(line: str) -> str:
    if "\n" in line or "\r" in line:
        raise UnusableLine("a line holds no line end; post each by itself")
    try:
        return wire.decode_line(line.encode(errors="surrogateescape"), 2**63)
    except wire.WireError as error:
        raise UnusableLine(f"the line can not be posted: {error.notice.detail}") from None
