"""Tags: the lines by which a client resumes where it was, and the notices that only it hears.

A client that makes up a I{tag}, and says it before its login line, is told what the server has
taken in under it, and says itself what it has taken in. Both go by numbers: of its lines, and of
the messages to its name::

    client → server                        server → client
    /resume TAG   before the login line    ! resumed LINES NEXT ERA
    /send TAG     likewise, to only send   ! WORD NAME COPIES FIRST-LAST   a verdict on its lines
    /device TAG   likewise, besides others of its name
    /stamp        messages with a time     ! bad-line LINE why, ! too-long LINE MAX
    /got P [N]    messages up to P are mine, and I know what became of my lines up to N
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from time import gmtime, strftime
from typing import NamedTuple

from achat_twisted.wire.notices import BadLine, Notice, bad_name

MAX_TAG = 64
"""The longest tag, in characters."""

MOST = 2**63
"""The greatest number that a client may name."""

_TAG = re.compile(rf"[A-Za-z0-9._-]{{1,{MAX_TAG}}}")
_TAG_RULE = f"1 to {MAX_TAG} of A-Z a-z 0-9 . _ -"

_GOT = re.compile(r"([0-9]{1,19})(?:\s+([0-9]{1,19}))?")

_TAG_WORDS = {"/resume", "/device", "/send"}
_WISHES = {"/stamp": "stamps", "/rooms": "rooms"}

_MESSAGE = b"from "

_STAMP = "%Y%m%dT%H%M%SZ"
"""UTC, in the basic format of ISO 8601."""


@dataclass(frozen=True, slots=True)
class Opening:
    """The wishes before a login line.

    @ivar tag: the client's name for what it knows; empty if it has none.
    @ivar only_sends: true if it wants no messages.
    @ivar stamps: true if messages are to come with the time of their acceptance.
    @ivar is_device: true if it wants each message, whatever others of its name have got.
    @ivar rooms: true if it wants what is said in the rooms of its name.
    """

    tag: str = ""
    only_sends: bool = False
    stamps: bool = False
    is_device: bool = False
    rooms: bool = False

    @property
    def device(self) -> str:
        """The tag, if it has places of its own in the rows of its name; else nothing."""
        return self.tag if self.is_device else ""


PLAIN = Opening()
"""The opening of a client that wishes for nothing, such as C{nc}."""


def parse_opening(line: str, before: Opening = PLAIN) -> Opening | None:
    """Parse a line that may stand before the login line.

    @param before: what was wished for in the lines before it.
    @return: that and what this line wishes for; None if it is no such line.
    @raise Refused: if the wish is malformed, or is there already; its notice says why.
    """
    word, _, argument = line.strip().partition(" ")
    argument = argument.strip()
    if word in _TAG_WORDS:
        if not _TAG.fullmatch(argument):
            raise bad_name(f"{word} needs a tag: {_TAG_RULE}")
        if before.tag:
            raise bad_name("there is a tag already; say /resume, /device or /send once")
        opening = replace(
            before, tag=argument, only_sends=word == "/send", is_device=word == "/device"
        )
    elif word in _WISHES:
        if argument:
            raise bad_name(f"{word} stands alone on its line")
        if getattr(before, _WISHES[word]):
            raise bad_name(f"say {word} once")
        is_stamp = word == "/stamp"
        opening = replace(
            before, stamps=before.stamps or is_stamp, rooms=before.rooms or not is_stamp
        )
    else:
        return None
    if opening.only_sends and opening.rooms:
        raise bad_name("a session with /send hears nothing, and so no rooms; leave out /rooms")
    return opening


class Got(NamedTuple):
    """The numbers in C{/got P [N]}.

    @ivar messages: the number of the last message that the client has taken in.
    @ivar lines: the number of the last of its own lines whose fate it knows; None if not said.
    """

    messages: int
    lines: int | None


def parse_got(argument: str) -> Got:
    """@raise BadLine: if it is not one number, or two, of 0 to L{MOST}."""
    numbers = _GOT.fullmatch(argument.strip())
    if numbers is not None:
        messages = int(numbers[1])
        lines = None if numbers[2] is None else int(numbers[2])
        if messages <= MOST and (lines is None or lines <= MOST):
            return Got(messages, lines)
    raise BadLine("/got needs the number of a message, and may have that of a line: /got P [N]")


@dataclass(frozen=True, slots=True)
class Verdict:
    """The fate of some lines in a row that a tag has sent, as told to that tag.

    @ivar first: the number of the first line; 0 for a command, which has none.
    @ivar last: the number of the last line.
    @ivar word: C{kept}, or the word of a refusal.
    @ivar subject: the recipient; or, if C{copies} is 0, the rest of the notice.
    @ivar copies: the number of copies.
    """

    first: int
    last: int
    word: str
    subject: str
    copies: int = 0

    def notice(self) -> Notice:
        if not self.copies:
            return Notice(self.word, f"{self.first} {self.subject}")
        return Notice(self.word, f"{self.subject} {self.copies} {self.first}-{self.last}")


_VERDICT = re.compile(r"(.+) ([0-9]+) ([0-9]+)-([0-9]+)")
_FAULT = re.compile(r"([0-9]+) (.+)")
_FAULTS = {"bad-line", "too-long"}
_OTHERS = {
    *("welcome", "bad-name", "name-taken", "denied", "busy", "mail", "resumed", "replaced"),
    *("kicked", "bye", "synced", "slow-down", "who", "pong", "stats", "help"),
    *("joined", "parted", "missed", "log", "log-ends", "members", "quiet"),
    *("device", "devices"),
}
"""The words of all notices that are no verdicts; a name in one of them may look like numbers."""


def parse_verdict(notice: Notice) -> Verdict | None:
    """A verdict as a client with a tag reads it; None if the notice is something else.

    It is read from its right end, as a name holds spaces and digits; any word may come.
    """
    if notice.word in _FAULTS:
        fault = _FAULT.fullmatch(notice.detail)
        return fault and Verdict(int(fault[1]), int(fault[1]), notice.word, fault[2])
    found = _VERDICT.fullmatch(notice.detail)
    if found is None or notice.word in _OTHERS:
        return None
    return Verdict(int(found[3]), int(found[4]), notice.word, found[1], int(found[2]))


def resumed(lines: int, message: int, era: str) -> Notice:
    """The answer to a login with a tag.

    @param lines: the number of this tag's lines that are taken in.
    @param message: the number of the message that comes next; 0 if none come.
    @param era: what all these numbers belong to; another era has other numbers.
    """
    return Notice("resumed", f"{lines} {message} {era}")


def utc(when: float) -> str:
    """A time as clients hear it.

    @param when: seconds since 1970 (UTC).
    """
    return strftime(_STAMP, gmtime(when))


def stamped(messages: bytes, when: float) -> bytes:
    """Rendered messages, each with the time of its acceptance behind its sender's name.

    @param when: seconds since 1970 (UTC).
    """
    stamp = f", {utc(when)}: ".encode()
    return b"".join(
        line.replace(b": ", stamp, 1) if line.startswith(_MESSAGE) else line
        for line in messages.splitlines(keepends=True)
    )


def unstamped(message: bytes) -> tuple[bytes, float]:
    """A message as L{stamped} got it, and when it was accepted, to the second."""
    from datetime import UTC, datetime  # which takes 5 ms, and clients never come here

    head, _, rest = message.partition(b": ")
    name, _, stamp = head.rpartition(b", ")
    when = datetime.strptime(stamp.decode(), _STAMP).replace(tzinfo=UTC)
    return b"%b: %b" % (name, rest), when.timestamp()
