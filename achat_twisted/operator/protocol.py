"""The protocol between an operator and the server, without a socket in sight.

Strategy: a request is one line of plain words, C{kick alice}, so that C{nc -U} can send it too. The
answer is one JSON object a line: facts, and a last one that says that it is done,
C{{"ok": true}}, or why not, C{{"ok": false, "error": "…"}}. Then the server closes; a connection is
for one request.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from achat_twisted import wire

Facts = dict[str, str | int]
"""The facts about one thing, by name."""

SOCKET = "admin.sock"
"""The socket's name in the directory that systemd makes for the server, C{$RUNTIME_DIRECTORY}."""

MAX_REQUEST = 256
"""The longest request, in bytes without its line end: twice what a word and a name need."""

_VERDICT = "ok"
"""The key that only the last object has."""


class NotDone(Exception):
    """The reason, in one sentence, why a request is not done."""


@dataclass(frozen=True, slots=True)
class Request:
    """A word and its argument, trimmed."""

    word: str
    argument: str = ""

    def __str__(self) -> str:
        return f"{self.word} {self.argument}".rstrip()


def parse_request(line: bytes) -> Request:
    """Parse a request as it came, without its line end.

    @raise NotDone: if it is not text, or holds control characters; so any other may be logged.
    """
    try:
        word, _, argument = wire.decode_line(line, MAX_REQUEST).strip().partition(" ")
    except wire.WireError as error:
        raise NotDone(f"the request cannot be read: {error}") from None
    return Request(word, argument.strip())


def render_facts(facts: Facts) -> bytes:
    return json.dumps(facts, ensure_ascii=False).encode() + b"\n"


def render_end(why_not: str = "") -> bytes:
    """The last line of an answer.

    @param why_not: one sentence; empty if it is done.
    """
    return render_facts({_VERDICT: False, "error": why_not} if why_not else {_VERDICT: True})


def parse_answer(line: bytes) -> Facts | None:
    """Parse a line of an answer: facts, or None if it is the last one and all is done.

    @raise NotDone: if it is the last one, and the request is not done.
    @raise ValueError: if it is neither.
    """
    facts = json.loads(line)
    if not isinstance(facts, dict):
        raise ValueError("not an object")
    if _VERDICT not in facts:
        return facts
    if facts[_VERDICT]:
        return None
    raise NotDone(facts.get("error", "refused"))
