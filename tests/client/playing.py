"""Vectors: conversations written down as bytes in, events and bytes out, in C{vectors/*.json}.

They are for clients in any language. Each file is a list of conversations::

    title     the behaviour, in one sentence
    login     name, secret (or null), only_sends, device, rooms, is_clear (false for TLS and unix
              sockets; true if it is missing), retry (seconds, or null for ever)
    state     what the client has in its file: tag, era, base, taken, settled, got, the lines behind
              settled, and the numbers of messages that were worked off out of order (done); and of
              each of its rooms the era, the number up to which all are worked off (got), and done
    steps     one after the other, see below
    after     what of the state is there at the end, as above; only what is of interest

A step does one thing, at a time in seconds (C{at}; that of the step before, if it is missing)::

    {"connected": true}         a connection is made
    {"hears": "…"}              this has come; UTF-8. It must not matter how it is cut into pieces
    {"post": "…"}               the program posts a line
    {"done": N}                 the program has worked off message N (of the present era)
    {"done": N, "room": "…"}    the same, for a line of a room; of an older era of it with "era"
    {"tick": true}              time passes, and nothing happens
    {"ping": true}              the program asks whether the server is there
    {"quit": true}              the program wants to end the session
    {"lost": "…"}               the connection is gone, for this reason

and tells what is to be seen then: C{says}, the bytes to be written (none, if it is missing);
C{events}, what is told to the program; C{stage}, if that is of interest. Waits are drawn by lot,
and here the lot is always 0, the shortest wait.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from achat_twisted.client.address import Address
from achat_twisted.client.conversation import Conversation
from achat_twisted.client.errors import Refusal
from achat_twisted.client.events import (
    Ended,
    Event,
    Joined,
    Missed,
    Notice,
    Parted,
    Received,
    Settled,
    Welcome,
)
from achat_twisted.client.state import MemoryState, Numbers, Reached

FOLDER = Path(__file__).parent / "vectors"

Vector = dict[str, Any]
Step = dict[str, Any]


class NoChance:
    """A lot that is always the shortest."""

    def random(self) -> float:
        return 0.0


def load() -> list[Vector]:
    """All vectors, from all files."""
    return [
        vector for path in sorted(FOLDER.glob("*.json")) for vector in json.loads(path.read_text())
    ]


class Player:
    """A conversation that goes as a vector says, and notes what is to be seen."""

    def __init__(self, vector: Vector, piece: int | None = None) -> None:
        """@param piece: the bytes in which all that comes is cut; None for not at all."""
        login = vector["login"]
        self.state = make_state(vector.get("state", {}))
        self._piece = piece
        self._now = 0.0
        address = Address(login["name"], login.get("secret"), "server.example")
        self.conversation = Conversation(
            address,
            self.state,
            0.0,
            only_sends=login.get("only_sends", False),
            device=login.get("device", False),
            rooms=login.get("rooms", False),
            is_clear=login.get("is_clear", True),
            retry=login.get("retry"),
            chance=NoChance(),
        )

    def play(self, step: Step) -> Step:
        """Take a step, and tell what is to be seen, in the words of a vector."""
        self._now = now = step.get("at", self._now)
        events: list[Event | Received] = []
        conversation = self.conversation
        match step:
            case {"connected": _}:
                conversation.connected(now)
            case {"hears": heard}:
                for piece in _pieces(heard.encode(), self._piece):
                    events += conversation.receive(piece, now)
            case {"post": line}:
                conversation.post(line)
            case {"done": number, "room": room}:
                era = step.get("era") or self.state.rooms[room].era
                conversation.done(number, era, room)
            case {"done": number}:
                conversation.done(number, self.state.numbers.era)
            case {"tick": _}:
                conversation.tick(now)
            case {"ping": _}:
                conversation.ask("/ping")
            case {"quit": _}:
                conversation.quit(now)
            case {"lost": why}:
                events.append(conversation.lost(why, now))
        seen: Step = {}
        if said := conversation.data_to_send().decode():
            seen["says"] = said
        if events:
            seen["events"] = [describe(event) for event in events]
        if "stage" in step:
            seen["stage"] = conversation.stage.name
        return seen

    def after(self) -> dict[str, Any]:
        """The state, in the words of a vector."""
        numbers = self.state.numbers
        return {
            "tag": numbers.tag,
            "era": numbers.era,
            "base": numbers.base,
            "taken": numbers.taken,
            "settled": numbers.settled,
            "got": numbers.got,
            "lines": [*self.state.lines(numbers.settled, 10**6)],
            "refusals": [_refusal(refusal) for refusal in self.state.refusals()],
            "rooms": {
                room: {"era": reached.era, "got": reached.number}
                for room, reached in self.state.rooms.items()
            },
        }


def make_state(described: dict[str, Any]) -> MemoryState:
    """A state as a vector describes it."""
    state = MemoryState()
    fields = {
        key: described[key]
        for key in ("era", "base", "taken", "settled", "got")
        if key in described
    }
    state.numbers = Numbers(tag=described.get("tag", "t1"), **fields)
    state.last = state.numbers.settled
    for line in described.get("lines", []):
        state.add(line)
    for number in described.get("done", []):
        state.mark_done(number)
    for room, place in described.get("rooms", {}).items():
        state.reach(room, Reached(place["era"], place["got"]))
        for number in place.get("done", []):
            state.mark_done(number, room)
    return state


def describe(event: Event | Received) -> dict[str, Any]:
    """An event, in the words of a vector."""
    match event:
        case Welcome(doubtful):
            return {"welcome": {"doubtful": doubtful}}
        case Received():
            return {
                "received": {
                    "number": event.number,
                    "sender": event.sender,
                    "text": event.text,
                    "stamp": event.stamp,
                    **({"room": event.room} if event.room else {}),
                    **({"is_own": True} if event.is_own else {}),
                }
            }
        case Joined():
            return {"joined": {"room": event.room, "number": event.number, "era": event.era}}
        case Parted(room):
            return {"parted": room}
        case Missed():
            return {"missed": {"room": event.room, "lines": event.lines}}
        case Settled():
            kept = {str(place): [*names] for place, names in event.kept.items()}
            refused = {str(place): [*map(_refusal, each)] for place, each in event.refused.items()}
            told = {"kept": kept, "refused": refused}
            lines = {"first": event.first, "last": event.last}
            return {"settled": {**lines, **{key: value for key, value in told.items() if value}}}
        case Notice(word, detail):
            return {"notice": f"{word} {detail}".rstrip()}
        case Ended():
            probe = {"is_probe": True} if event.is_probe else {}
            return {"ended": {"why": event.why, "word": event.word, "again": event.again, **probe}}


def _refusal(refusal: Refusal) -> dict[str, Any]:
    return {
        "place": refusal.place,
        "line": refusal.line,
        "recipient": refusal.recipient,
        "word": refusal.word,
        "detail": refusal.detail,
    }


def _pieces(data: bytes, size: int | None) -> Iterable[bytes]:
    if size is None:
        return [data]
    return [data[at : at + size] for at in range(0, len(data), size)]
