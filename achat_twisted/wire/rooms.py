"""Rooms: what is said in them and of them, without a socket.

A room's name begins with C{#}, which no name that logs in may hold. So the head of a line alone
tells where it was said::

    client → server                          server → client
    /rooms      before the login line        from NAME #ROOM: text
    /join #ROOM, /part #ROOM                 from NAME #ROOM N: text      to a client with a tag
    /who #ROOM                               ! joined #ROOM N ERA         line N comes next
    /log #ROOM [LINES] [before N]            ! parted #ROOM
    /got #ROOM N                             ! missed #ROOM LINES         they have fallen off
    #ROOM, NAME: text                        ! log #ROOM N STAMP NAME: text
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count

from achat_twisted.wire.names import check_name
from achat_twisted.wire.notices import MAX_NAME, BadLine, Notice, Refused
from achat_twisted.wire.tags import MOST, utc

MARK = "#"
"""The first character of a room's name."""

MOST_LOGGED = 500
"""The most lines that one C{/log} shows."""

_LOGGED = 20
"""The lines that it shows unless it asks for another number."""

_HEAD = re.compile(rb"^from [^:#\n]*(#[^:,\s]*)", re.MULTILINE)
"""The head of a room's line, with the room; other messages have no C{#} before the colon."""

_LOG = re.compile(r"(\S+)(?:\s+([0-9]{1,6}))?(?:\s+before\s+([0-9]{1,19}))?")
_GOT = re.compile(r"(\S+)\s+([0-9]{1,19})")


def is_room(name: str) -> bool:
    """Tell if a recipient is a room, not a name."""
    return name[:1] == MARK


def check_room(name: str) -> str:
    """A room's name, if it may be one.

    @raise BadLine: if it may not; the notice says why.
    """
    rest = name[1:]
    if not is_room(name) or not rest:
        raise BadLine(f"a room's name begins with {MARK}, as in {MARK}ops")
    if len(name.encode()) > MAX_NAME:
        raise BadLine(f"the room's name is longer than {MAX_NAME} bytes")
    if any(character.isspace() for character in rest):
        raise BadLine("a room's name holds no spaces")
    try:
        check_name(rest)
    except Refused as refusal:
        raise BadLine(f"no room can have that name: {refusal.notice.detail}") from None
    return name


def render_room_post(sender: str, room: str, text: str) -> bytes:
    """A line said in a room, as clients without a tag hear it, with its line end."""
    return f"from {sender} {room}: {text}\n".encode()


def numbered(lines: bytes, first: int) -> bytes:
    """Lines of one room, the first of which has that number, as clients with a tag hear them."""
    if lines.count(b"\n") == 1:
        return lines.replace(b": ", b" %d: " % first, 1)
    numbers = count(first)
    return b"".join(
        [
            line.replace(b": ", b" %d: " % number, 1)
            for line, number in zip(lines.splitlines(keepends=True), numbers, strict=False)
        ]
    )


@lru_cache(maxsize=16)
def rooms_heard(messages: bytes) -> Mapping[str, int]:
    """The number of rendered lines that were said in rooms, by room.

    Many who are in one room have got the same bytes, so that these need not be looked through for
    each of them: 0.06 µs a line of 50 bytes, against 0.3.
    """
    return {room.decode(): lines for room, lines in Counter(_HEAD.findall(messages)).items()}


def is_said_in_room(message: bytes) -> bool:
    """Tell if a rendered message was said in a room."""
    return _HEAD.match(message) is not None


@dataclass(frozen=True, slots=True)
class Look:
    """The wish of C{/log #ROOM [LINES] [before N]}.

    @ivar room: the room's name.
    @ivar lines: the number of lines to show, from 1 to L{MOST_LOGGED}.
    @ivar before: the number of the line before which they stand; None for the last ones.
    """

    room: str
    lines: int
    before: int | None


def parse_look(argument: str) -> Look:
    """@raise BadLine: if it means nothing."""
    found = _LOG.fullmatch(argument)
    lines = int(found[2] or _LOGGED) if found else 0
    if found is None or not 1 <= lines <= MOST_LOGGED:
        most = MOST_LOGGED
        raise BadLine(f"say /log #ROOM, or /log #ROOM LINES (1 to {most}), or with before NUMBER")
    return Look(check_room(found[1]), lines, None if found[3] is None else int(found[3]))


def parse_room_got(argument: str) -> tuple[str, int] | None:
    """The room and the number in C{/got #ROOM N}; None if it is about the client's own messages.

    @raise BadLine: if it names a room, and no number of 0 to L{MOST}.
    """
    if not is_room(argument):
        return None
    found = _GOT.fullmatch(argument)
    if found is None or int(found[2]) > MOST:
        raise BadLine("/got needs the number of a line behind the room: /got #ROOM N")
    return found[1], int(found[2])


def joined(room: str, number: int, era: str) -> Notice:
    """@param number: of the line that comes next.
    @param era: what the room's numbers belong to; another era has other numbers.
    """
    return Notice("joined", f"{room} {number} {era}")


def parted(room: str) -> Notice:
    return Notice("parted", room)


def missed(room: str, lines: int) -> Notice:
    return Notice("missed", f"{room} {lines}")


def members_here(room: str, names: Sequence[str]) -> Notice:
    return Notice("who", f"{room}: {', '.join(names)}".rstrip())


def members_away(room: str, names: Sequence[str]) -> Notice:
    return Notice("who", f"{room} away: {', '.join(names)}".rstrip())


def members(room: str, count: int) -> Notice:
    """The answer of a command that changes who is in a room."""
    return Notice("members", f"{room} {count}")


def silenced(room: str, is_quiet: bool) -> Notice:
    return Notice("quiet", f"{room} {'on' if is_quiet else 'off'}")


def device(tag: str, left: int, *, is_here: bool) -> Notice:
    """@param left: the number of messages that it has not got."""
    return Notice("device", f"{tag} {left} {'here' if is_here else 'away'}")


def devices_end(count: int) -> Notice:
    return Notice("devices", str(count))


def logged(room: str, number: int, when: float, line: bytes) -> Notice:
    """A line that was said before, which no client can take for a new one.

    @param when: of its acceptance, in seconds since 1970 (UTC).
    @param line: as it is rendered for clients without a tag.
    """
    head, _, text = line.decode().removesuffix("\n").partition(": ")
    sender = head.removeprefix("from ").rpartition(f" {MARK}")[0]
    return Notice("log", f"{room} {number} {utc(when)} {sender}: {text}")


def log_ends(room: str, first: int, end: int) -> Notice:
    """The end of an answer to C{/log}.

    @param first: the number of the oldest line that there still is.
    @param end: the number of the line that comes next.
    """
    return Notice("log-ends", f"{room} {first} {end}")
