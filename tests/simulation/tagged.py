"""The clients that resume: each knows for each of its tags where it was."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from random import Random

from achat_twisted import wire
from tests.simulation.clients import Client, World
from tests.simulation.witness import Posting, demand


@dataclass(slots=True)
class Tag:
    """The things that a client knows of a tag; one without a name is for sessions without a tag.

    @ivar to_post: the lines that are not known to be taken in.
    @ivar known: the number of the line before those.
    @ivar settled: the number of the last line whose fate it knows.
    @ivar confirmed: the number of the last line of which it has said so.
    @ivar got: the number of the last message that it has.
    """

    name: str
    only_sends: bool = False
    era: str = ""
    to_post: deque[Posting] = field(default_factory=deque)
    known: int = 0
    settled: int = 0
    confirmed: int = 0
    got: int = 0

    @property
    def opening(self) -> str:
        if not self.name:
            return ""
        return f"/{'send' if self.only_sends else 'resume'} {self.name}\n"


class TaggedClient(Client):
    """One person who uses a tag, or several in turn, or none at times, and forgets nothing."""

    def __init__(self, name: str, world: World, rng: Random, *, only_sends: bool = False) -> None:
        super().__init__(name, world, rng)
        names = ["tool"] if only_sends else rng.choice([["desk"], ["desk", ""], ["desk", "phone"]])
        self._tags = [Tag(tag, only_sends) for tag in names]
        self._tag = self._tags[0]

    @property
    def settled(self) -> bool:
        return self._is_settled_here and not self._waiting()

    @property
    def _is_settled_here(self) -> bool:
        if not self._tag.name:
            return super().settled
        if self._over or self._leaving or self._to_post or not self._welcome:
            return False
        return self._sure == self._last

    def _waiting(self) -> list[Tag]:
        """Its other tags that have something to post."""
        return [tag for tag in self._tags if tag.to_post and tag is not self._tag]

    def _lines(self) -> list[Posting]:
        """All lines of this connection that have numbers."""
        return [line for line in self._here.written if isinstance(line, Posting)]

    @property
    def _last(self) -> int:
        """The number of its last line."""
        return self._base + len(self._lines())

    # Coming and going

    def _connect(self) -> None:
        self._tag.to_post = self._to_post
        choice = self._tags if self.wild else self._waiting()
        self._tag = self._rng.choice(choice or self._tags)
        self._to_post = self._tag.to_post
        self._base = self._sure = self._tag.known
        self._message = 0
        super()._connect()

    def _greet(self) -> bytes:
        self._here.tag, self._here.only_sends = self._tag.name, self._tag.only_sends
        stamp = "/stamp\n" if self._rng.random() < 0.2 else ""
        return f"{self._tag.opening}{stamp}".encode() + super()._greet()

    @property
    def _may_speak(self) -> bool:
        return not self._tag.name

    def _uncertain(self) -> list[Posting]:
        if not self._tag.name:
            return super()._uncertain()
        self._tag.known = self._sure
        return self._lines()[self._sure - self._base :]

    # Its actions

    def _finish(self) -> None:
        if self._is_settled_here and self._waiting():
            self._say("/quit")
            self._leaving = True
        elif not self._tag.name:
            super()._finish()
        elif self._welcome and self._to_post:
            self._send_postings(len(self._to_post))
        elif self._welcome and self._sure < self._last:
            self._sync()
        elif self._welcome:
            self._confirm()

    def _confirm(self) -> None:
        """Say what it has, and what it knows."""
        tag = self._tag
        if tag.name:
            tag.confirmed = tag.settled
            self._say(f"/got {min(tag.got, self._message)} {tag.settled}")

    def _draw_chat(self) -> Posting | str:
        if not self._tag.name:
            return super()._draw_chat()
        number = next(self._world.numbers)
        nonsense = Posting(number, number, (), 0)
        chat: list[Posting | str] = ["/ping", "/who", "/sync mark", "/dance", "/got x", nonsense]
        return self._rng.choice(chat)

    whims = (*Client.whims, _confirm)
    weights = (*Client.weights, 200)

    # What it hears

    def _hear(self, line: str) -> None:
        if not self._tag.name:
            super()._hear(line)
            return
        said = wire.parse_server_line(line)
        if isinstance(said, wire.Message):
            self._world.tell(f"{self._here.peer} {self.name} < {line}")
            self._message += 1
            self._tag.got = max(self._tag.got, self._message)
            return
        if said.word == "resumed":
            lines, message, era = said.detail.split()
            self._world.tell(f"{self._here.peer} {self.name} resumes at {lines} {message}")
            self._resume(int(lines), int(message), era)
            return
        self._world.tell(f"{self._here.peer} {self.name} < {line}")
        if said.word == "synced":
            self._sure = self._tag.settled = int(said.detail.split()[0])
        elif said.word == "bye":
            self._has_bye = self._leaving = True
            if self._welcome:
                self._sure = int(said.detail)
        elif said.word in ("name-taken", "busy", "bad-name"):
            self._refused = self._leaving = True

    def _resume(self, lines: int, message: int, era: str) -> None:
        """Go on where the server says; only a tag that owes nothing may have been forgotten."""
        tag, peer = self._tag, self._here.peer
        if era != tag.era:
            is_clean = tag.only_sends and tag.confirmed >= tag.known
            demand(not tag.era or is_clean, f"{peer}: a new era, though nothing has happened")
            tag.era, tag.known, tag.got = era, 0, max(0, message - 1)
            tag.settled = tag.confirmed = 0
        last = tag.known + len(tag.to_post)
        demand(
            tag.known <= lines <= last,
            f"{peer}: goes on at {lines}, of {last}, though ! bye had {tag.known}",
        )
        for _ in range(lines - tag.known):
            tag.to_post.popleft()
        tag.known = self._base = self._sure = lines
        self._message = max(0, message - 1)
        self._welcome = True
