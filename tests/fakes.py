"""Fakes of what lies outside the rooms: a connection, a reader, a slow mailbox."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from OpenSSL.crypto import X509
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IPushProducer, IReactorTime
from zope.interface import implementer

from achat_twisted.broker.interfaces import ISource
from achat_twisted.mailbox.interfaces import IMailbox
from achat_twisted.mailbox.memory import MemoryMailbox
from achat_twisted.mailbox.page import Page
from achat_twisted.net.interfaces import ILink
from achat_twisted.server.interfaces import ISignals


class Bug(Exception):
    """A fault of our own."""


@implementer(ILink)
class FakeLink:
    """A connection whose peer acknowledges everything at once, unless it is told to block.

    @ivar bugs: the methods that raise a L{Bug} when they are called.
    @ivar unstoppable: whether an abort ends nothing.
    @ivar asked: whether a certificate was asked for.
    @ivar shown: the certificates that it answers with.
    """

    def __init__(self, peer: str = "a fake") -> None:
        self.peer = peer
        self.local = True
        self.origin = "this machine"
        self.closed: Deferred[None] = Deferred()
        self.received = b""
        self.writes: list[bytes] = []
        self.bugs: set[str] = set()
        self.unstoppable = self.asked = self.has_input = False
        self.shown: Sequence[X509] = ()
        self.finished = self.aborted = self.gone = self.blocked = self.silent = False
        self.input_to_come: Deferred[None] = succeed(None)
        self._pending = b""
        self._room: Deferred[None] | None = None
        self._flushed: Deferred[None] | None = None

    def lines(self) -> list[str]:
        """The whole lines that the peer has got."""
        return self.received.decode().split("\n")[:-1]

    def messages(self) -> list[str]:
        return [line for line in self.lines() if line.startswith("from ")]

    def block(self) -> None:
        """The peer stops reading, and acknowledges nothing."""
        self.blocked = True

    def silence(self) -> None:
        """The kernel takes everything, but nothing is acknowledged."""
        self.silent = True

    def unblock(self) -> None:
        """The peer reads and acknowledges again."""
        self.blocked = self.silent = False
        self.acknowledge(len(self._pending))
        self._fire()

    def read_once(self) -> None:
        """The peer reads what has been written by now; it goes on being slow."""
        self.acknowledge(len(self._pending))
        self._fire()

    def lose(self, acknowledged: int = 0) -> None:
        """The connection breaks, after the peer has acknowledged so many bytes more."""
        if not self.gone:
            self.gone = self.blocked = True
            self.acknowledge(acknowledged)
            self.connection_lost()
            self._fire()

    def vanish(self) -> None:
        """Takes our own end away."""
        self.gone = True

    def write(self, data: bytes) -> Deferred[None] | None:
        self._stumble("write")
        self.writes.append(data)
        self._pending += data
        if self.blocked:
            self._room = Deferred()
            return self._room
        if not self.silent:
            self.acknowledge(len(self._pending))
        return None

    def outstanding(self) -> int:
        return len(self._pending)

    def finish(self, last: bytes) -> Deferred[None]:
        self._stumble("finish")
        self.finished = True
        self._pending += last
        if self.gone:
            return succeed(None)
        if self.blocked or self.silent:
            self._flushed = Deferred()
            return self._flushed
        self.acknowledge(len(self._pending))
        return succeed(None)

    def abort(self) -> None:
        self.aborted = True
        if not self.unstoppable:
            self.lose()

    def last_input(self) -> Deferred[None]:
        if self.gone:
            raise Bug("nobody can ask a socket that is closed")
        return self.input_to_come

    def ask_certificate(self) -> None:
        self.asked = True

    def certificates(self) -> Sequence[X509]:
        return self.shown

    def connection_lost(self) -> None:
        if not self.closed.called:
            self.closed.callback(None)

    def _stumble(self, method: str) -> None:
        if method in self.bugs:
            raise Bug(method)

    def acknowledge(self, size: int) -> None:
        """The peer's machine has so many bytes more."""
        self.received += self._pending[:size]
        self._pending = self._pending[size:]

    def _fire(self) -> None:
        waiting, self._room, self._flushed = (self._room, self._flushed), None, None
        for deferred in waiting:
            if deferred is not None and not deferred.called:
                deferred.callback(None)


@implementer(IPushProducer, ISource)
class FakeSource:
    """A reader that only remembers what it was told.

    @ivar has_spoken: whether its client has said something that is not taken in.

    @ivar on_resume: what it does when it may go on.
    """

    paused = stopped = has_spoken = False

    def __init__(self) -> None:
        self.on_resume: Callable[[], None] = lambda: None

    def pauseProducing(self) -> None:
        self.paused = True

    def resumeProducing(self) -> None:
        self.paused = False
        self.on_resume()

    def stopProducing(self) -> None:
        self.stopped = True


@implementer(IMailbox)
class SlowMailbox(MemoryMailbox):
    """A mailbox that needs a moment for each fetch: until L{deliver} or L{fail} is called."""

    def __init__(self, clock: IReactorTime) -> None:
        super().__init__(clock)
        self._fetches: list[tuple[Deferred[Page], str, int]] = []

    def take(self, name: str, size: int) -> Deferred[Page]:
        fetch: Deferred[Page] = Deferred()
        self._fetches.append((fetch, name, size))
        return fetch

    def deliver(self) -> None:
        fetches, self._fetches = self._fetches, []
        for fetch, name, size in fetches:
            if not fetch.called:  # or else nobody waits for it any more
                super().take(name, size).chainDeferred(fetch)

    def fail(self, error: Exception) -> None:
        fetches, self._fetches = self._fetches, []
        for fetch, _, _ in fetches:
            if not fetch.called:
                fetch.errback(error)


@implementer(IMailbox)
class CountingMailbox(MemoryMailbox):
    """A mailbox that counts what was handed back, which happens once for each session."""

    def __init__(self, clock: IReactorTime) -> None:
        super().__init__(clock)
        self.hand_backs: list[str] = []

    def hand_back(
        self, name: str, lines: Sequence[bytes], ages: Sequence[float] | None = None
    ) -> None:
        self.hand_backs.append(name)
        super().hand_back(name, lines)


@implementer(ISignals)
class NoSignals:
    """The signals of a process that gets none."""

    def ignore_strays(self) -> None:
        pass

    def on(self, number: int, call: Callable[[], object]) -> None:
        pass
