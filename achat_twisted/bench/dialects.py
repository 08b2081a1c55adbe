"""The ways to speak to servers: logging in, posting, and what a delivery looks like on the wire.

Strategy: text goes in and bytes come out, no socket in sight. A dialect has no options, as a
server's first words tell which one it speaks: see L{probe} and L{recognize}.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

from achat_twisted.bench.failure import Failed, show
from achat_twisted.wire import MAX_LINE


class Dialect(ABC):
    """One way to speak to a server.

    @ivar name: its name in reports.
    @ivar noise: bytes a server may send at any time, and that need no answer within some minutes.
    @ivar confirms_each: the number of messages after which a client says each time that it has
        taken them in; 0 if it never says so.
    """

    name: str
    noise = b""
    confirms_each = 0

    @abstractmethod
    def login(self, name: str, group: str = "") -> bytes:
        """The first words of a client.

        @param group: a name for all who get the same lines, where a server has such a thing.
        """

    @abstractmethod
    def is_in(self, name: str, heard: bytes) -> bool:
        """True if what a client has heard says that it is logged in.

        @raise Failed: if it says anything else.
        """

    @abstractmethod
    def post(self, recipient: str, text: str) -> bytes:
        """A line for one."""

    @abstractmethod
    def post_all(self, recipients: Sequence[str], group: str, text: str) -> bytes:
        """A line for many, or as few lines as will do."""

    @abstractmethod
    def delivery(self, sender: str, recipient: str, text: str) -> bytes:
        """The bytes that a recipient hears of a line, by its own name or by the group's."""

    @abstractmethod
    def count(self, heard: bytes, text: str) -> int:
        """The number of whole deliveries of a text in what a client has heard."""

    def taken_in(self, heard: bytes) -> int | None:
        """The number of lines that a server tells a client it has taken in; None if it does not."""
        return None

    def with_tags(self) -> Dialect:
        """The dialect of clients that resume where they were, at the same server.

        @raise Failed: if it knows nothing of the kind.
        """
        raise Failed(f"it speaks {self.name}, which knows no tags")

    def with_rooms(self) -> Dialect:
        """The dialect of clients that are in one room, at the same server.

        @raise Failed: if it knows nothing of the kind.
        """
        raise Failed(f"it speaks {self.name}, which knows no rooms")

    def confirmation(self, messages: int) -> bytes:
        """The words of a client that has taken in so many messages; none if it says no such thing.

        @param messages: the number of them in all, by now.
        """
        return b""


class Tutorial(Dialect):
    """The wire of the a-chat tutorial, which C{achat --plain} speaks: messages alone.

    A login is not answered there, so a client that logs in posts a line to itself.
    """

    name = "a-chat"
    _SIGN = "in"

    def login(self, name: str, group: str = "") -> bytes:
        return f"{name}\n".encode() + self.post(name, self._SIGN)

    def is_in(self, name: str, heard: bytes) -> bool:
        return _is_all(heard, self.delivery(name, name, self._SIGN))

    def post(self, recipient: str, text: str) -> bytes:
        return f"{recipient}: {text}\n".encode()

    def post_all(self, recipients: Sequence[str], group: str, text: str) -> bytes:
        room = MAX_LINE - len(f": {text}")
        return b"".join(self.post(names, text) for names in _lists(recipients, room))

    def delivery(self, sender: str, recipient: str, text: str) -> bytes:
        return f"from {sender}: {text}\n".encode()

    def count(self, heard: bytes, text: str) -> int:
        return heard.count(f": {text}\n".encode())


class Achat(Tutorial):
    """achat's own wire, with its notices; see C{docs/protocol.md}."""

    name = "achat"

    def login(self, name: str, group: str = "") -> bytes:
        return f"{name}\n".encode()

    def is_in(self, name: str, heard: bytes) -> bool:
        return _is_all(heard, f"! welcome {name}\n".encode())

    def taken_in(self, heard: bytes) -> int | None:
        line = heard.removesuffix(b"\n").rpartition(b"\n")[2]
        word, _, number = line.rpartition(b" ")
        return int(number) if word == b"! bye" and number.isdigit() else None

    def with_tags(self) -> Dialect:
        return Resuming()

    def with_rooms(self) -> Dialect:
        return InRoom()


class Resuming(Achat):
    """The same for clients with a tag, each of which is new to the server."""

    name = "achat with tags"
    confirms_each = 100
    _TAG = "bench"

    def login(self, name: str, group: str = "") -> bytes:
        return f"/resume {self._TAG}\n".encode() + super().login(name, group)

    def is_in(self, name: str, heard: bytes) -> bool:
        due = f"! welcome {name}\n! resumed 0 1 ".encode()
        era, end, _ = heard[len(due) :].partition(b"\n")
        return _is_all(heard, due + era + end) and bool(end)

    def confirmation(self, messages: int) -> bytes:
        return f"/got {messages}\n".encode()


class InRoom(Achat):
    """The same for clients that all join one room, in which nobody has said anything yet."""

    name = "achat in a room"
    _ROOM = "#bench"

    def login(self, name: str, group: str = "") -> bytes:
        return super().login(name) + f"/join {self._room(group)}\n".encode()

    def is_in(self, name: str, heard: bytes) -> bool:
        due = f"! welcome {name}\n! joined {self._ROOM}-".encode()
        rest, end, _ = heard[len(due) :].partition(b"\n")
        return _is_all(heard, due + rest + end) and bool(end)

    def post_all(self, recipients: Sequence[str], group: str, text: str) -> bytes:
        return self.post(self._room(group), text)

    def delivery(self, sender: str, recipient: str, text: str) -> bytes:
        return f"from {sender} {self._room(recipient)}: {text}\n".encode()

    def _room(self, group: str) -> str:
        return f"{self._ROOM}-{group}"


class Nats(Dialect):
    """NATS's client protocol: a name is a subject, and its owner subscribes to it."""

    name = "NATS"
    noise = b"PING\r\n"

    def login(self, name: str, group: str = "") -> bytes:
        connect = 'CONNECT {"verbose":false,"pedantic":false}'
        return f"{connect}\r\nSUB {group or name} 1\r\nPING\r\n".encode()

    def is_in(self, name: str, heard: bytes) -> bool:
        info, _, rest = heard.partition(b"\r\n")
        if not _begin_alike(info, b"INFO "):
            raise Failed(f"a login of {name} was answered with {show(heard)}")
        return _is_all(rest, b"PONG\r\n")

    def post(self, recipient: str, text: str) -> bytes:
        return f"PUB {recipient} {len(text)}\r\n{text}\r\n".encode()

    def post_all(self, recipients: Sequence[str], group: str, text: str) -> bytes:
        return self.post(group, text)

    def delivery(self, sender: str, recipient: str, text: str) -> bytes:
        return f"MSG {recipient} 1 {len(text)}\r\n{text}\r\n".encode()

    def count(self, heard: bytes, text: str) -> int:
        return heard.count(f"\r\n{text}\r\n".encode())


def probe(name: str) -> bytes:
    """Bytes to make a server of any dialect say something that gives it away; see L{recognize}."""
    return Tutorial().login(name)


def recognize(name: str, heard: bytes) -> Dialect | None:
    """The dialect of a server that has answered a L{probe} so far; None if that is too little.

    @raise Failed: if it speaks none.
    """
    signs: list[tuple[bytes, Dialect]] = [
        (f"! welcome {name}\n".encode(), Achat()),
        (f"from {name}: ".encode(), Tutorial()),
        (b"INFO {", Nats()),
    ]
    for sign, dialect in signs:
        if heard.startswith(sign):
            return dialect
    if any(sign.startswith(heard) for sign, _ in signs):
        return None
    raise Failed(
        f"a login was answered with {show(heard)}; achat says ! welcome, the a-chat tutorial sends"
        " back what was posted, and NATS says INFO"
    )


def _is_all(heard: bytes, due: bytes) -> bool:
    if not _begin_alike(heard, due) or len(heard) > len(due):
        raise Failed(f"a login was answered with {show(heard)} where {show(due)} was due")
    return heard == due


def _begin_alike(one: bytes, other: bytes) -> bool:
    return one.startswith(other) or other.startswith(one)


def _lists(names: Sequence[str], room: int) -> Iterator[str]:
    """The names in as few lists as possible, of which none has more bytes than there is room."""
    some = ""
    for name in names:
        longer = f"{some}, {name}" if some else name
        if len(longer) > room:
            yield some
            longer = name
        some = longer
    yield some
