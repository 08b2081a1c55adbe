"""What an operator and the server say to each other, without a socket in sight.

Strategy: a request is one line of plain words, C{kick alice}, so that C{nc -U} can ask as well. The
answer is a JSON object a line: rows with what was asked for, and a last one that says whether it is
done, C{{"ok": true}}, or why not, C{{"ok": false, "error": "…"}}. Then the server closes; a
connection is for one request.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from achat_twisted import wire
from achat_twisted.operator.interfaces import Row

SOCKET = "admin.sock"
"""The socket's name in the directory that systemd makes for the server, C{$RUNTIME_DIRECTORY}."""

MAX_REQUEST = 256
"""The longest request, in bytes without its line end: a word and a name fit twice."""

_VERDICT = "ok"
"""What the last row has, and no other one."""


class Refused(Exception):
    """What was asked for is not done; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Request:
    """A word, and what follows it, trimmed."""

    word: str
    argument: str = ""

    def __str__(self) -> str:
        return f"{self.word} {self.argument}".rstrip()


def parse_request(line: bytes) -> Request:
    """A request as it came, without its line end.

    @raise Refused: if it is no text, or holds control characters; so it may go to the log.
    """
    try:
        word, _, argument = wire.decode_line(line, MAX_REQUEST).strip().partition(" ")
    except wire.WireError as error:
        raise Refused(f"the request cannot be read: {error}") from None
    return Request(word, argument.strip())


def render_row(row: Row) -> bytes:
    """One row of an answer."""
    return json.dumps(row, ensure_ascii=False).encode() + b"\n"


def render_end(why_not: str = "") -> bytes:
    """The last row of an answer.

    @param why_not: one sentence; none, if it is done.
    """
    return render_row({_VERDICT: False, "error": why_not} if why_not else {_VERDICT: True})


def parse_row(line: bytes) -> Row | None:
    """A line of an answer: a row, or None, as it was the last one and all is done.

    @raise Refused: if it was the last one, and it is not done.
    @raise ValueError: if it is none.
    """
    row = json.loads(line)
    if not isinstance(row, dict):
        raise ValueError("not an object")
    if _VERDICT not in row:
        return row
    if row[_VERDICT]:
        return None
    raise Refused(row.get("error", "refused"))
