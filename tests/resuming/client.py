"""A client that loses nothing and doubles nothing, as its author would write it.

What it knows is in a I{file}. With a transaction for each thing that it does, the file outlives the
client; a client without one begins anew after a kill, under a new tag.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count

from achat_twisted import wire
from achat_twisted.wire.tags import Verdict, parse_verdict
from tests.resuming.cable import Cable


@dataclass(eq=False)
class Line:
    """A line that is posted, and all that can be known of it.

    @ivar first_said: the step of the schedule at which it was first said; -1 if never.
    @ivar is_gone: true if it went with its client, which had no file.
    @ivar refused: for whom it was refused, as its client has heard; "" if it means nothing.
    """

    ident: str
    recipients: tuple[str, ...]
    source: Client
    life: int
    first_said: int = -1
    is_gone: bool = False
    refused: set[str] = field(default_factory=set)

    @property
    def text(self) -> str:
        if not self.recipients:
            return f"nonsense {self.ident}"
        return f"{', '.join(self.recipients)}: {self.ident} {'x' * 60}"


@dataclass
class File:
    """The things that a client must not forget.

    @ivar lines: those whose fate it does not know for sure, in order.
    @ivar known: the number of the last line before those.
    @ivar taken: the number of the last line that the server is known to have taken in.
    @ivar said: the number of the last line that was ever said.
    @ivar got: the number of the last message that was worked off.
    """

    tag: str
    era: str | None = None
    lines: list[Line] = field(default_factory=list)
    known: int = 0
    taken: int = 0
    said: int = 0
    got: int = 0

    @property
    def last(self) -> int:
        return self.known + len(self.lines)

    def line(self, number: int) -> Line | None:
        place = number - self.known - 1
        return self.lines[place] if 0 <= place < len(self.lines) else None

    def begin_era(self, era: str, next_message: int) -> None:
        """Number everything anew, as the server knows nothing from before.

        The fate of what it had taken in will never be known; all else is to be said again.
        """
        if self.era is not None:
            del self.lines[: self.taken - self.known]
        self.era = era
        self.known = self.taken = self.said = 0
        self.got = max(0, next_message - 1)


class Client:
    """One program, over all its lives and connections.

    @ivar worked_off: the identities of the messages that it has worked off, in order.
    @ivar faults: what the server has done wrong, in a word.
    """

    tagged = True
    is_device = False

    def __init__(
        self,
        ident: str,
        name: str,
        *,
        has_file: bool,
        only_sends: bool = False,
        posts: int = 0,
        peer: str = "b",
    ) -> None:
        self.ident = ident
        self.name = name
        self.has_file = has_file
        self.only_sends = only_sends
        self.posts = posts
        self.peer = peer
        self.posted = self.lives = self.kills = 0
        self.worked_off: list[str] = []
        self.faults: set[str] = set()
        self._numbers: Iterator[int] = count(1)
        self._known: dict[tuple[str, int], Line] = {}
        self._begin()

    def _begin(self) -> None:
        self.lives += 1
        self.file = File(tag=f"{self.ident}.{self.lives}")
        self.disconnect()

    def disconnect(self) -> None:
        """Think no more of the connection."""
        self.cable: Cable | None = None
        self.is_ready = self.owes = self.confirms = self.leaves = False
        self._sent = self._message = 0

    def kill(self) -> None:
        self.kills += 1
        if self.cable is not None:
            self.cable.cut()
            self.cable.forget_unread()
        if self.has_file:
            self.disconnect()
        else:
            for line in self.file.lines:
                line.is_gone = True
            self._begin()

    # What it says

    def connect(self, cable: Cable) -> None:
        self.cable = cable
        for line in (*self.wishes(), self.name):
            cable.say(line)

    def wishes(self) -> Iterable[str]:
        """The lines before its login line."""
        return [f"{'/send' if self.only_sends else '/resume'} {self.file.tag}"]

    def intend(self, recipients: tuple[str, ...]) -> Line:
        """Write a line to the file, to be posted later."""
        self.posted += 1
        ident = f"{self.ident}-{next(self._numbers)}"
        line = Line(ident, recipients, self, self.lives)
        self.file.lines.append(line)
        return line

    @property
    def can_post(self) -> bool:
        return self.is_ready and not self.leaves and self._sent < self.file.last

    def post(self, step: int) -> None:
        """Say the next line."""
        self._sent += 1
        self.file.said = max(self.file.said, self._sent)
        line = self.file.line(self._sent)
        assert line is not None and self.cable is not None
        if line.first_said < 0:
            line.first_said = step
        self.cable.say(line.text)

    @property
    def can_sync(self) -> bool:
        return self.is_ready and not self.leaves and self._sent > self.file.known

    def sync(self) -> None:
        self._say("/sync")

    @property
    def can_confirm(self) -> bool:
        return self.is_ready and not self.leaves and (self.owes or self.confirms)

    def confirm(self) -> None:
        self.owes = self.confirms = False
        self._say(f"/got {min(self.file.got, self._message)} {self.file.known}")

    def leave(self) -> None:
        """Have the session ended in order, if there is one."""
        if self.is_ready:
            self.leaves = True
            self._say("/quit")

    def go(self) -> None:
        """Break the connection off."""
        if self.cable is not None:
            self.cable.cut()
        self.disconnect()

    def _say(self, line: str) -> None:
        if self.cable is not None:
            self.cable.say(line)

    @property
    def is_orderly(self) -> bool:
        """True if it works messages off in the order in which they come."""
        return True

    @property
    def is_settled(self) -> bool:
        """True if all that it had to say is taken in, and its fate known."""
        return not self.file.lines and not self.owes

    # What it hears

    def hear(self, line: str | None) -> None:
        """One line from the server, or the end, in one transaction."""
        if line is None:
            if self.cable is not None:
                self.cable.cut()
            self.disconnect()
            return
        said = wire.parse_server_line(line)
        if isinstance(said, wire.Message):
            self._take_in(said)
        elif said.word == "resumed":
            lines, message, era = said.detail.split()
            self._resume(int(lines), int(message), era)
        elif said.word == "synced":
            self._forget(int(said.detail.split()[0]))
        elif said.word == "bye":
            self.file.taken = max(self.file.taken, int(said.detail))
        elif (verdict := parse_verdict(said)) is not None:
            self._judge(verdict)

    def _take_in(self, said: wire.Message) -> None:
        if said.room:
            self.faults.add("told what is said in a room, and has not asked for that")
            return
        self._message += 1
        self.owes = True
        if self._message > self.file.got:
            self.file.got = self._message
            self.worked_off.append(said.text.split()[0])

    def _resume(self, lines: int, message: int, era: str) -> None:
        if era != self.file.era:
            self.file.begin_era(era, message)
        if not self.file.known <= lines <= self.file.said:
            self.faults.add(f"told that {lines} are taken in, of {self.file.said} that it has said")
            lines = self.file.taken
        self.file.taken = self._sent = lines
        self._message = max(0, message - 1)
        self.is_ready = True

    def _forget(self, lines: int) -> None:
        """The fate of its lines is told up to that one."""
        self.confirms = True
        for number in range(self.file.known + 1, lines + 1):
            self._known[self.file.era or "", number] = self.file.lines.pop(0)
        self.file.known = max(self.file.known, lines)
        self.file.taken = max(self.file.taken, lines)

    def _judge(self, verdict: Verdict) -> None:
        if verdict.word == "kept":
            return
        if not verdict.first:
            self.faults.add(f"told {verdict.word} {verdict.subject}")
            return
        name = verdict.subject if verdict.copies else ""
        for number in range(verdict.first, verdict.last + 1):
            line = self.file.line(number)
            if line is None:
                line = self._known.get((self.file.era or "", number))
                if line is None:
                    self.faults.add("told of a line that it has never said")
                    continue
                if name not in line.refused:
                    self.faults.add("told of a refusal behind the sync that covers it")
            if name not in (line.recipients or ("",)):
                self.faults.add("told of a refusal that is not of its line")
            line.refused.add(name)


class PlainClient(Client):
    """A client without a tag, as C{nc} is one: it counts nothing."""

    tagged = False

    def wishes(self) -> Iterable[str]:
        return ()

    def hear(self, line: str | None) -> None:
        if line is None:
            super().hear(line)
            return
        said = wire.parse_server_line(line)
        if isinstance(said, wire.Message):
            self._take_in(said)
        elif parse_verdict(said) is not None:
            self.faults.add("told of lines that it has not said")

    def _take_in(self, said: wire.Message) -> None:
        if said.room:
            super()._take_in(said)
        else:
            self.worked_off.append(said.text.split()[0])
