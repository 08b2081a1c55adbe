"""Notices: the server's own words; and clients' faults, each of which has its notice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MAX_NAME = 64
"""The longest name, in bytes of UTF-8."""

_NOTICE = "! "


@dataclass(frozen=True, slots=True)
class Notice:
    """A line from the server on its own behalf: a word, and details that depend on the word."""

    word: str
    detail: str = ""


class WireError(Exception):
    """A client's fault; C{notice} tells the client.

    @ivar is_command: true if it stands in place of a command, as its first byte shows.
    """

    is_command = False

    def __init__(self, notice: Notice, why: str = "") -> None:
        """@param why: the reason, for the log, if the client is not told."""
        super().__init__(f"{notice.word} {notice.detail}".rstrip() + (why and f": {why}"))
        self.notice = notice


class BadLine(WireError):
    """A line that means nothing; the connection lives on."""

    def __init__(self, why: str) -> None:
        super().__init__(Notice("bad-line", why))


class NoCommand(BadLine):
    """An unknown command; the connection lives on.

    Its word is repeated to the client, but not in the log: it may be a login with its secret, sent
    twice.
    """

    def __init__(self, word: str) -> None:
        super().__init__(f"no command /{word[:MAX_NAME]}; /help lists them")

    def __str__(self) -> str:
        return "bad-line no such command"


class Foreign(BadLine):
    """A line of another protocol; a connection that begins with one is closed."""

    def __init__(self, protocol: str) -> None:
        super().__init__(f"that is {protocol}, which is not spoken here")


class TooLong(WireError):
    """A line of more than C{limit} bytes; the connection lives on."""

    def __init__(self, limit: int) -> None:
        super().__init__(Notice("too-long", str(limit)))


class Refused(WireError):
    """A login that is refused; the connection is closed."""


def bad_name(why: str) -> Refused:
    return Refused(Notice("bad-name", why))


def name_taken(name: str) -> Refused:
    return Refused(Notice("name-taken", name))


def denied(why: str) -> Refused:
    """@param why: the reason, for the log; anyone who guesses is not told."""
    return Refused(Notice("denied"), why)


def busy(why: str = "") -> Refused:
    return Refused(Notice("busy", why))


def welcome(name: str) -> Notice:
    return Notice("welcome", name)


def mail(copies: int) -> Notice:
    return Notice("mail", str(copies))


def outcome(word: str, name: str, copies: int) -> Notice:
    """The fate of C{copies} for C{name}: C{word} is kept, unknown or full."""
    return Notice(word, f"{name} {copies}")


def slow_down(rate: int, of: str = "") -> Notice:
    """@param of: the things that are counted; lines, if it is empty."""
    return Notice("slow-down", f"{rate} {of}".rstrip())


def replaced() -> Notice:
    return Notice("replaced")


def kicked() -> Notice:
    return Notice("kicked")


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


def render_notice(notice: Notice) -> bytes:
    """A notice as it goes out, with its line end."""
    return f"{_NOTICE}{notice.word} {notice.detail}".rstrip(" ").encode() + b"\n"


def say_nothing(notice: Notice) -> bytes:
    """The rendering of notices for clients that expect the seeds' wire: nothing."""
    return b""
