"""The lines that clients' machines have heard."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from achat_twisted import wire
from tests.simulation.witness import Conversation, Posting

Pair = tuple[str, str]
"""The poster of a line, and its recipient."""

Arrivals = dict[Pair, list[int]]
"""The numbers that came, in order."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A whole line that has reached a client's machine."""

    said: wire.Message | wire.Notice
    confirmed: bool
    """True if the server got the acknowledgement."""


def heard(conversation: Conversation) -> Iterator[Heard]:
    final = conversation.server.final or 0
    end = 0
    for line in bytes(conversation.client.heard).splitlines(keepends=True):
        end += len(line)
        if line.endswith(b"\n"):
            yield Heard(wire.parse_server_line(line.decode()[:-1]), end <= final)


def numbers(written: Iterable[Posting | str]) -> list[int]:
    """The numbers of those that mean something."""
    return [line.number for line in written if isinstance(line, Posting) and line.recipients]


def arrivals(conversation: Conversation, messages: Sequence[wire.Message]) -> Arrivals:
    """The numbers in some messages that came over a connection."""
    found: Arrivals = {}
    for message in messages:
        sender, _, _stamp = message.sender.partition(",")
        found.setdefault((sender, conversation.name), []).append(number_of(message))
    return found


def number_of(message: wire.Message) -> int:
    return int(message.text.split()[0])
