"""What a line means: the whole wire protocol, without a socket in sight.

Strategy: values go in and come out, nothing here waits or writes. A client's
line becomes a L{Login}, a L{Post} or a L{Command}; a server's line is a
L{Message} or a L{Notice}. What a client got wrong is a L{WireError}, and every
one of them knows the notice that tells the client so. C{docs/protocol.md} is the
normative text; this is its outline::

    client → server                       server → client
    NAME or NAME:SECRET   log in          from NAME: text      a message
    NAME, NAME…: text     post            ! word detail        a notice
    /word argument        a command

Lines end in C{\\n}, one C{\\r} before it is dropped, and hold UTF-8 without
control characters (the tab is white space here, and may stay).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

MAX_NAME = 64
"""The longest name, in bytes of UTF-8."""

MAX_LINE = 8192
"""The longest line unless the server is told otherwise, in bytes without the line end."""

_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
"""C0, DEL and C1 but the tab; and the two separators that some clients take for a line end."""

_MESSAGE = "from "
_MESSAGE_BYTES = _MESSAGE.encode()
_NOTICE = "! "


@dataclass(frozen=True, slots=True)
class Login:
    """The first line of a connection."""

    name: str
    secret: str | None


@dataclass(frozen=True, slots=True)
class Post:
    """A text and those whom it is for; a name listed twice gets two copies."""

    recipients: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Command:
    """A C{/word} and what follows it, trimmed."""

    word: str
    argument: str


@dataclass(frozen=True, slots=True)
class Message:
    """What the server says when somebody posted."""

    sender: str
    text: str


@dataclass(frozen=True, slots=True)
class Notice:
    """What the server says on its own behalf: a word, and details that depend on the word."""

    word: str
    detail: str = ""


class WireError(Exception):
    """A client's fault; C{notice} is what the client is told."""

    def __init__(self, notice: Notice) -> None:
        super().__init__(f"{notice.word} {notice.detail}".rstrip())
        self.notice = notice


class BadLine(WireError):
    """A line that means nothing; the connection lives on."""

    def __init__(self, why: str) -> None:
        super().__init__(Notice("bad-line", why))


class TooLong(WireError):
    """A line of more than C{limit} bytes; the connection lives on."""

    def __init__(self, limit: int) -> None:
        super().__init__(Notice("too-long", str(limit)))


class Refused(WireError):
    """A login that is not let in; the connection is closed."""


def bad_name(why: str) -> Refused:
    return Refused(Notice("bad-name", why))


def name_taken(name: str) -> Refused:
    return Refused(Notice("name-taken", name))


def busy() -> Refused:
    return Refused(Notice("busy"))


def welcome(name: str) -> Notice:
    return Notice("welcome", name)


def mail(copies: int) -> Notice:
    return Notice("mail", str(copies))


def outcome(word: str, name: str, copies: int) -> Notice:
    """What became of C{copies} for C{name}: C{word} is kept, unknown or full."""
    return Notice(word, f"{name} {copies}")


def replaced() -> Notice:
    return Notice("replaced")


def bye(lines: int) -> Notice:
    return Notice("bye", str(lines))


def synced(lines: int, token: str) -> Notice:
    return Notice("synced", f"{lines} {token}".rstrip())


def who(names: Sequence[str]) -> Notice:
    return Notice("who", ", ".join(names))


def pong() -> Notice:
    return Notice("pong")


def stats(text: str) -> Notice:
    return Notice("stats", text)


def usage(text: str) -> Notice:
    return Notice("help", text)


def decode_line(raw: bytes, max_line: int) -> str:
    """A line as it came, without its C{\\n}, as text.

    @raise TooLong: if it has more than C{max_line} bytes.
    @raise BadLine: if it is not UTF-8, or holds control characters.
    """
    raw = raw.removesuffix(b"\r")
    if len(raw) > max_line:
        raise TooLong(max_line)
    try:
        line = raw.decode()
    except UnicodeDecodeError:
        raise BadLine("not UTF-8") from None
    if _CONTROL.search(line):
        raise BadLine("control characters")
    return line


def parse_login(line: str) -> Login:
    """The first line of a connection.

    @raise Refused: if the name is none; its notice says what a name is.
    """
    name, colon, secret = line.partition(":")
    name = name.strip()
    if not name:
        raise bad_name("it is empty; the first line must be NAME or NAME:SECRET")
    if len(name.encode()) > MAX_NAME:
        raise bad_name(f"it is longer than {MAX_NAME} bytes")
    if name[0] in "!/":
        raise bad_name("it begins with ! or /")
    if "," in name or "#" in name:
        raise bad_name("it contains , or #")
    if not name.isprintable():
        raise bad_name("it contains characters that cannot be printed")
    if not unicodedata.is_normalized("NFC", name):
        raise bad_name("it is not in Unicode's normal form C")
    return Login(name, secret if colon else None)


def parse_line(line: str) -> Post | Command:
    """Any line after the first.

    @raise BadLine: if it names no recipient.
    """
    if line.startswith("/"):
        word, _, argument = line[1:].partition(" ")
        return Command(word.strip(), argument.strip())
    names, colon, text = line.partition(":")
    recipients = tuple(name for part in names.split(",") if (name := part.strip()))
    if not colon or not recipients:
        raise BadLine("no recipient; post with NAME: text")
    return Post(recipients, text.strip())


def render_message(message: Message) -> bytes:
    """A message as it goes out, line end included."""
    return f"{_MESSAGE}{message.sender}: {message.text}\n".encode()


def render_notice(notice: Notice) -> bytes:
    """A notice as it goes out, line end included."""
    return f"{_NOTICE}{notice.word} {notice.detail}".rstrip(" ").encode() + b"\n"


def say_nothing(notice: Notice) -> bytes:
    """How notices are rendered for clients that expect the seeds' wire: not at all."""
    return b""


def is_message(line: bytes) -> bool:
    """Whether a rendered line is a message: no name can make a notice look like one."""
    return line.startswith(_MESSAGE_BYTES)


def count_messages(batch: bytes) -> int:
    """How many of the rendered lines in C{batch}, which starts at a line's start, are messages."""
    return batch.count(b"\n" + _MESSAGE_BYTES) + batch.startswith(_MESSAGE_BYTES)


def parse_server_line(line: str) -> Message | Notice:
    """A server's line, without its end, as a client reads it.

    @raise BadLine: if it is neither a message nor a notice.
    """
    if line.startswith(_MESSAGE):
        sender, colon, text = line.removeprefix(_MESSAGE).partition(": ")
        if colon:
            return Message(sender, text)
    elif line.startswith(_NOTICE):
        word, _, detail = line.removeprefix(_NOTICE).partition(" ")
        return Notice(word, detail)
    raise BadLine("neither a message nor a notice")
