"""The true events inside of the server, seen at the broker's and the mailbox's doors."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.components import proxyForInterface

from achat_twisted import wire
from achat_twisted.broker.broker import Broker
from achat_twisted.broker.interfaces import ISession, ISource
from achat_twisted.broker.session import Session
from achat_twisted.broker.tagged import TaggedSession
from achat_twisted.mailbox.interfaces import IMailbox, ITags
from achat_twisted.mailbox.tags import Tag
from achat_twisted.net.interfaces import IOutlet
from achat_twisted.wire.tags import PLAIN, Opening
from tests.simulation.kernel import Endpoint

NOBODY = "nobody"
"""A name that never logs in."""


class PromiseBroken(AssertionError):
    """The server has not done what its documents promise."""


def demand(kept: bool, what: str) -> None:
    """@raise PromiseBroken: unless the promise is kept."""
    if not kept:
        raise PromiseBroken(what)


@dataclass(frozen=True, slots=True)
class Posting:
    """A line that a client wants to have posted: by this number once at most."""

    number: int
    intent: int
    """Numbers with the same intent are the same line, posted again as its fate was unknown."""

    recipients: tuple[str, ...]
    padding: int

    def __str__(self) -> str:
        return f"{', '.join(self.recipients)}: {self.number} {'x' * self.padding}"


@dataclass(eq=False, slots=True)
class Conversation:
    """One connection: the client's lines, and both ends."""

    name: str
    peer: str
    """The client's identity for the server."""

    client: Endpoint
    server: Endpoint
    written: list[Posting | str] = field(default_factory=list)
    """The lines after the login line, in order."""

    tag: str = ""
    """The tag that the client has said before its login line, if any."""

    only_sends: bool = False
    """True if it has said that it wants no messages."""


@dataclass(slots=True)
class Witness:
    """The truth about every copy.

    @ivar conversations: all of them, by their peer.
    @ivar joined: the connections that logged in, in order.
    @ivar taken: what was posted over each connection, in order, by the connection's peer.
    @ivar outcomes: what became of the copies of each number, by C{(word, recipient)}.
    @ivar heard: the lines whose fate a tag knew, by the peer whose session began then.
    @ivar first_left: the number of the first message that a session with a tag has left, by its
        peer.
    """

    tell: Callable[[str], None]
    conversations: dict[str, Conversation] = field(default_factory=dict)
    joined: list[str] = field(default_factory=list)
    taken: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    recipients: dict[int, tuple[str, ...]] = field(default_factory=dict)
    outcomes: dict[int, Counter[tuple[str, str]]] = field(
        default_factory=lambda: defaultdict(Counter)
    )
    heard: dict[str, int] = field(default_factory=dict)
    first_left: dict[str, int] = field(default_factory=dict)

    def join(self, peer: str, name: str) -> None:
        self.joined.append(peer)

    def post(self, peer: str, post: wire.Post) -> None:
        number = int(post.text.split()[0])
        self.tell(f"the server takes {number} of {peer}")
        demand(number not in self.recipients, f"{number} is taken in twice")
        self.taken[peer].append(number)
        self.recipients[number] = post.recipients
        if unknown := post.recipients.count(NOBODY):
            self.outcomes[number]["unknown", NOBODY] += unknown

    def post_at_once(self, peer: str, posts: Sequence[wire.Post]) -> None:
        """Lines that are taken in together come in no order but that in which they were written."""
        lines = {
            int(text.split()[0]): wire.Post(post.recipients, text)
            for post in posts
            for text in post.text.split("\n")
        }
        for written in self.conversations[peer].written:
            if isinstance(written, Posting) and written.number in lines:
                self.post(peer, lines.pop(written.number))
        demand(not lines, f"{[*lines]} were taken in, but never written")

    def keep(self, name: str, line: bytes, kept: bool) -> None:
        number = int(line.split(b": ", 1)[1].split()[0])
        self.outcomes[number]["kept" if kept else "full", name] += 1


class WitnessedBroker(Broker):
    """A broker whose lines are written down as it gets them."""

    def __init__(self, witness: Witness, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._witness = witness

    def join(
        self, name: str, outlet: IOutlet, source: ISource, opening: Opening = PLAIN
    ) -> Session:
        session = super().join(name, outlet, source, opening)
        self._witness.join(outlet.peer, name)
        return session

    def post(self, sender: ISession, post: wire.Post) -> None:
        assert isinstance(sender, Session)
        self._witness.post(sender.outlet.peer, post)
        super().post(sender, post)

    def post_run(self, sender: ISession, posts: Sequence[wire.Post]) -> bool:
        assert isinstance(sender, Session)
        is_done = super().post_run(sender, posts)
        if is_done:
            self._witness.post_at_once(sender.outlet.peer, posts)
        return is_done


class WitnessedTags(proxyForInterface(ITags)):  # type: ignore[misc]  # made at run time
    """Tags whose sessions are written down."""

    def __init__(self, witness: Witness, mailbox: IMailbox) -> None:
        super().__init__(mailbox.tags)
        self._witness = witness
        self._mailbox = mailbox
        self._sessions: dict[Tag, TaggedSession] = {}

    def begin(self, name: str, tag: str, counter: TaggedSession) -> Tag | None:
        record: Tag | None = self.original.begin(name, tag, counter)
        if record is not None:
            self._sessions[record] = counter
            self._witness.heard[counter.outlet.peer] = record.heard
        return record

    def end(self, name: str, tag: Tag) -> None:
        session = self._sessions.pop(tag)
        if not session.opening.only_sends:
            self._witness.first_left[session.outlet.peer] = self._mailbox.first(name)
        self.original.end(name, tag)


class WitnessedMailbox(proxyForInterface(IMailbox)):  # type: ignore[misc]  # made at run time
    """A mailbox whose answers to new lines are written down."""

    def __init__(
        self, witness: Witness, mailbox: IMailbox, before_close: Callable[[], None]
    ) -> None:
        super().__init__(mailbox)
        self._witness = witness
        self._before_close = before_close
        self._tags = WitnessedTags(witness, mailbox)

    @property
    def tags(self) -> ITags:
        tags: ITags = self._tags
        return tags

    def keep(self, name: str, line: bytes) -> bool:
        kept: bool = self.original.keep(name, line)
        self._witness.keep(name, line, kept)
        return kept

    def close(self) -> Deferred[None]:
        self._before_close()
        closed: Deferred[None] = self.original.close()
        return closed
