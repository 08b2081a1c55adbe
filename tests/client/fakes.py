"""A driver whose servers are lines in a test, for the tests of this folder."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from achat_twisted.client.address import parse_address
from achat_twisted.client.chat import Chat
from achat_twisted.client.conversation import Conversation
from achat_twisted.client.driving import Receiver
from achat_twisted.client.errors import Unreachable
from achat_twisted.client.events import Event
from achat_twisted.client.reactors import DeferredDriver
from achat_twisted.client.state import MemoryState, State
from tests.client.playing import NoChance

WELCOME = "! welcome ann\n! resumed 0 1 e1\n"


class FakeLink:
    """One connection, seen from the server's end.

    @ivar said: all that the client has said.
    @ivar is_closed: true if the client has closed it.
    """

    def __init__(self, receiver: Receiver) -> None:
        self.said = ""
        self.is_closed = self.is_paused = False
        self._receiver = receiver

    # The client's end

    def write(self, data: bytes) -> None:
        self.said += data.decode()

    def abort(self) -> None:
        self.lose("the connection was closed")

    def pause_reading(self) -> None:
        self.is_paused = True

    def resume_reading(self) -> None:
        self.is_paused = False

    # The server's end

    def take(self) -> str:
        """All that the client has said since this was last asked."""
        said, self.said = self.said, ""
        return said

    def hears(self, text: str) -> None:
        """Have the client hear something."""
        self._receiver.received(text.encode())

    def lose(self, why: str = "the cable broke") -> None:
        """Break it, unless it is broken."""
        if not self.is_closed:
            self.is_closed = True
            self._receiver.lost(why)


class FakeDriver(DeferredDriver):
    """A loop of a test's own, in which connections are made when the test says so."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock, None, "host:8080", is_secure=False)  # type: ignore[arg-type]
        self.links: list[FakeLink] = []
        self.waiting: Deferred[bool] | None = None

    async def connect(self, receiver: Receiver) -> None:
        self.waiting = Deferred()
        if not await self.waiting:
            raise Unreachable("cannot reach host:8080: no route")
        link = FakeLink(receiver)
        self.links.append(link)
        receiver.made(link)


class Ear:
    """A listener that remembers."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def heard(self, event: Event) -> None:
        self.events.append(event)


class Scene:
    """A chat, and all that surrounds it."""

    def __init__(
        self,
        state: State | None = None,
        *,
        only_sends: bool = False,
        rooms: bool = False,
        retry: float | None = None,
    ) -> None:
        self.clock = Clock()
        self.driver = FakeDriver(self.clock)
        self.state = state or MemoryState()
        self.state.numbers.tag = "t1"
        self.ear = Ear()
        conversation = Conversation(
            parse_address("ann@host"),
            self.state,
            0.0,
            only_sends=only_sends,
            rooms=rooms,
            retry=retry,
            chance=NoChance(),
        )
        self.chat = Chat(conversation, self.state, self.driver, self.ear)
        Deferred.fromCoroutine(self.chat.__aenter__())

    @property
    def link(self) -> FakeLink:
        return self.driver.links[-1]

    def turn(self, seconds: float = 0.0) -> None:
        """Let the loop turn, and time pass."""
        self.clock.advance(seconds)
        self.clock.advance(0)

    def connect(self, *, works: bool = True) -> None:
        """Let the connection be made that the client waits for."""
        assert self.driver.waiting is not None
        self.driver.waiting.callback(works)
        self.turn()

    def come_in(self, welcome: str = WELCOME) -> None:
        """Let the client come in, and forget what it has said for that."""
        self.connect()
        self.hears(welcome)

    def hears(self, text: str) -> None:
        self.link.hears(text)
        self.turn()
