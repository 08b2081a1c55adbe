"""The server: the real rooms on simulated sockets, one life after another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from twisted.application.service import Service
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime, ITransport
from twisted.internet.task import deferLater
from zope.interface import implementer

from achat_twisted import link, wire
from achat_twisted.broker import Duplicate
from achat_twisted.factory import ChatFactory
from achat_twisted.interfaces import ILink, IMailbox
from achat_twisted.mailbox.memory import MemoryMailbox
from achat_twisted.reader import Manners
from achat_twisted.service import ChatService
from achat_twisted.session import RenderNotice
from achat_twisted.signals import NoSignals
from tests.simulation.kernel import Endpoint
from tests.simulation.network import TICK
from tests.simulation.reactor import SimulatedReactor, SimulatedTransport
from tests.simulation.witness import Witness, WitnessedBroker, WitnessedMailbox, demand

OpenMailbox = Callable[[], IMailbox]
"""Gives the mailbox to each life of the server: with all in it that the life before left there."""

MakeMailbox = Callable[[Random, IReactorTime], OpenMailbox]
"""Makes one for a schedule."""

MakeLink = Callable[[ITransport, IReactorTime], ILink]
"""Gives the link over a transport, as L{link.over} does."""


@implementer(IMailbox)
class SlowMemory(MemoryMailbox):
    """A mailbox in memory that needs a moment for each fetch, and may give less than it could."""

    def __init__(self, clock: IReactorTime, delay: float, most: int, per_name: int) -> None:
        super().__init__(per_name)
        self._clock = clock
        self._delay = delay
        self._most = most

    def take(self, name: str, size: int) -> Deferred[list[bytes]]:
        size = min(size, self._most)
        if not self._delay:
            return super().take(name, size)
        later: Deferred[None] = deferLater(self._clock, self._delay)
        return later.addCallback(lambda _: self._take_now(name, size))

    def _take_now(self, name: str, size: int) -> Deferred[list[bytes]]:
        return super().take(name, size)


def in_memory(rng: Random, clock: IReactorTime) -> OpenMailbox:
    """One mailbox for all lives; perhaps a slow or a small one."""
    delay = rng.choice([0, 0, 1, 300, 3000]) * TICK
    most, per_name = rng.choice([50, 10**6]), rng.choice([1000, 10_000, 10**6])
    mailbox = SlowMemory(clock, delay, most, per_name)
    return lambda: mailbox


@dataclass(frozen=True, slots=True)
class Parts:
    """What a schedule can be run with; a test of the checker puts in what is broken."""

    make_mailbox: MakeMailbox = in_memory
    make_link: MakeLink = link.over
    render: RenderNotice = wire.render_notice


@dataclass(frozen=True, slots=True)
class Rules:
    """How the server is set up."""

    duplicate: Duplicate
    outbox_limit: int
    buffer_size: int
    grace: float


def draw_rules(rng: Random) -> Rules:
    """Small buffers mostly, as little happens where everything fits."""
    return Rules(
        duplicate=rng.choice(list(Duplicate)),
        outbox_limit=rng.choice([400, 2000, 20_000]),
        buffer_size=rng.choice([64, 500, 4000]),
        grace=rng.choice([0.0, 1.0, 10.0]),
    )


class Server:
    """A chat server that can be stopped, and started again on what its mailbox holds.

    @ivar running: whether a life has begun, and has not ended.
    """

    def __init__(
        self, reactor: SimulatedReactor, rng: Random, witness: Witness, parts: Parts
    ) -> None:
        self.rules = draw_rules(rng)
        self._reactor = reactor
        self._witness = witness
        self._parts = parts
        self._open_mailbox = parts.make_mailbox(rng, reactor)
        self._door = Service()
        self.running = False

    def start(self, names: list[str]) -> None:
        """Begin a life; C{names} have been here in an earlier one."""
        mailbox = WitnessedMailbox(self._witness, self._open_mailbox(), self._close_books)
        for name in names:
            mailbox.enroll(name)
        self.mailbox: IMailbox = mailbox
        self._broker = WitnessedBroker(
            self._witness,
            self._reactor,
            mailbox,
            duplicate=self.rules.duplicate,
            outbox_limit=self.rules.outbox_limit,
            render=self._parts.render,
        )
        self._carried = self._broker.balance().missing
        self._books_open = True
        self._factory = ChatFactory(
            self._broker,
            self._reactor,
            Manners(render=self._parts.render),
            lambda transport: self._parts.make_link(transport, self._reactor),
        )
        self._door = Service()
        self._service = ChatService(
            [self._door],
            self._factory,
            self._broker,
            mailbox,
            clock=self._reactor,
            signals=NoSignals(),
            stop_process=lambda: None,
            grace=self.rules.grace,
        )
        self._service.startService()
        self.running = True

    def stop(self) -> Deferred[None]:
        """End this life; fires when it has ended."""
        return self._service.stopService().addCallback(self._has_stopped)

    def _close_books(self) -> None:
        """Look a last time while the mailbox can still be asked."""
        demand(self.missing() == 0, "the ledger does not balance at the end")
        demand(self.in_flight() == 0, "copies are in flight at the end")
        self._books_open = False

    def _has_stopped(self, _: None) -> None:
        self.running = False

    @property
    def open(self) -> bool:
        """Whether clients can log in."""
        return bool(self._door.running)

    def accept(self, endpoint: Endpoint, address: tuple[str, int]) -> None:
        """A client's first packet has come; when the port is closed, that is what it is told."""
        protocol = None
        if self.open:
            protocol = self._factory.buildProtocol(IPv4Address("TCP", *address))
        if protocol is None:
            endpoint.final = 0
            endpoint.reset()
            return
        transport = SimulatedTransport(
            endpoint, protocol, address, self._reactor, self.rules.buffer_size
        )
        endpoint.on_change = self._reactor.wake
        protocol.makeConnection(transport)

    def missing(self) -> int:
        """Copies in no column of the ledger, or in two, since this life began."""
        return self._broker.balance().missing - self._carried if self._books_open else 0

    def in_flight(self) -> int:
        return self._broker.balance().in_flight
