"""Clients that hear and say things in rooms, as their authors would write them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from achat_twisted import wire
from achat_twisted.wire.tags import Verdict
from tests.resuming.client import Client, PlainClient
from tests.resuming.register import Register

ROOM = "#r"
"""The room in which everything happens."""


_TOO_LATE = (f"you are not in {ROOM}", f"there is no room {ROOM}")
"""The answer to a client that leaves a room when its name has left that already."""


@dataclass
class Place:
    """The things that a client must not forget of a room.

    @ivar got: the number of the last line that was worked off.
    """

    era: str
    got: int


@dataclass
class Heard:
    """Everything that a client has heard of a room, over all its lives.

    @ivar idents: the lines that it has worked off, in order.
    @ivar missed: the number of those that it was told of as missed.
    """

    idents: list[str] = field(default_factory=list)
    missed: int = 0


class Member(Client):
    """A client with a tag that may be in a room, and may be one of several devices of its name.

    @ivar heard: what it has heard of the room.
    @ivar jumped: the number of messages that its numbers told it to have missed.
    @ivar is_member: true if the server has said so in this session.
    """

    def __init__(
        self,
        ident: str,
        name: str,
        register: Register,
        *,
        has_file: bool,
        only_sends: bool = False,
        is_device: bool = False,
        rooms: bool = True,
        posts: int = 0,
        peer: str = "b",
    ) -> None:
        """@param rooms: true if it asks for rooms."""
        self.is_device = is_device
        self.rooms = rooms
        self.heard = Heard()
        self.jumped = 0
        self._register = register
        super().__init__(
            ident, name, has_file=has_file, only_sends=only_sends, posts=posts, peer=peer
        )

    def _begin(self) -> None:
        self.place: Place | None = None
        super()._begin()

    def disconnect(self) -> None:
        super().disconnect()
        self.is_member = self._owes_in_room = False
        self._next = 0  # the number that the next line of the room has
        self._missed = 0  # the lines before it that it was told not to get

    def wishes(self) -> Iterable[str]:
        if self.hears_rooms:
            yield "/rooms"
        word = "/send" if self.only_sends else "/device" if self.is_device else "/resume"
        yield f"{word} {self.file.tag}"

    @property
    def hears_rooms(self) -> bool:
        return self.rooms and not self.only_sends

    @property
    def can_join(self) -> bool:
        return self.is_ready and not self.leaves and self.hears_rooms and not self.is_member

    def join(self) -> None:
        self._say(f"/join {ROOM}")

    @property
    def can_part(self) -> bool:
        return self.is_ready and not self.leaves and self.is_member

    def part(self) -> None:
        self._say(f"/part {ROOM}")

    @property
    def can_confirm_in_room(self) -> bool:
        return self._owes_in_room and not self.leaves and self.place is not None

    def confirm_in_room(self) -> None:
        assert self.place is not None
        self._owes_in_room = False
        self._say(f"/got {ROOM} {min(self.place.got, self._next - 1)}")

    @property
    def is_settled(self) -> bool:
        return super().is_settled and not self._owes_in_room

    def hear(self, line: str | None) -> None:
        said = None if line is None else wire.parse_server_line(line)
        if isinstance(said, wire.Notice) and said.word in ("joined", "parted", "missed"):
            self._hear_of_room(said.word, said.detail.split())
        else:
            super().hear(line)

    def _hear_of_room(self, word: str, details: list[str]) -> None:
        if not self.hears_rooms:
            self.faults.add(f"told {word}, and has not asked for rooms")
        elif word == "joined":
            _, number, era = details
            self._enter(int(number), era)
        elif word == "parted":
            self.is_member = self._owes_in_room = False
        else:
            self.heard.missed += int(details[1])
            self._missed += int(details[1])

    def _enter(self, number: int, era: str) -> None:
        self.is_member = True
        self._missed = 0
        self._next = number
        if self.place is None or self.place.era != era:
            self.place = Place(era, number - 1)

    def _take_in(self, said: wire.Message) -> None:
        if said.room and self.hears_rooms:
            self._take_in_room(said)
        else:
            super()._take_in(said)

    def _take_in_room(self, said: wire.Message) -> None:
        place, number, ident = self.place, said.number, said.text.split()[0]
        if number is None or place is None or not self._next:
            self.faults.add("told a line of a room without its number, or its era")
            return
        if self._register.of_room(said.room, place.era, number) not in (ident, ""):
            self.faults.add(f"told {ident} as number {number}, which is another line")
        if not 0 <= number - self._next <= self._missed:
            self.faults.add(
                f"told {ident}, number {number}, behind {self._next - 1} in {said.room}"
            )
        self._next, self._missed = number + 1, 0
        self._owes_in_room = True
        if number > place.got:
            place.got = number
            self.heard.idents.append(ident)

    def _judge(self, verdict: Verdict) -> None:
        if not verdict.subject.startswith(_TOO_LATE):
            super()._judge(verdict)

    def _resume(self, lines: int, message: int, era: str) -> None:
        if era == self.file.era:
            self.jumped += max(0, message - 1 - self.file.got)
        super()._resume(lines, message, era)


class PlainMember(PlainClient):
    """A client without a tag that hears rooms, and counts nothing."""

    def __init__(self, ident: str, name: str) -> None:
        self.heard = Heard()
        self.rooms = True
        super().__init__(ident, name, has_file=False)

    def wishes(self) -> Iterable[str]:
        return ["/rooms"]

    def _take_in(self, said: wire.Message) -> None:
        if said.room:
            self.heard.idents.append(said.text.split()[0])
        else:
            super()._take_in(said)
