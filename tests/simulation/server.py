"""The server: the real rooms on simulated sockets, one life after another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from twisted.application.service import Service
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime, ITransport

from achat_twisted import wire
from achat_twisted.broker.answers import RenderNotice
from achat_twisted.broker.takeover import Duplicate
from achat_twisted.limits.admission import Admission
from achat_twisted.limits.limits import Limits
from achat_twisted.login.gate import OPEN
from achat_twisted.login.interfaces import IGate
from achat_twisted.mailbox.interfaces import IMailbox
from achat_twisted.net import link
from achat_twisted.net.interfaces import ILink
from achat_twisted.reader.factory import ChatFactory
from achat_twisted.reader.terms import Terms
from achat_twisted.server.options import Options
from achat_twisted.server.reload import Reloader
from achat_twisted.server.service import ChatService
from achat_twisted.server.systemd import NoNotifier
from tests.fakes import NoSignals
from tests.simulation.kernel import Endpoint
from tests.simulation.mailboxes import MakeMailbox, any_mailbox
from tests.simulation.reactor import SimulatedReactor, SimulatedTransport
from tests.simulation.witness import Witness, WitnessedBroker, WitnessedMailbox, demand

MakeLink = Callable[[ITransport, IReactorTime], ILink]
"""Gives the link over a transport, as L{link.over} does."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts that a schedule runs with; a test of the checker puts in broken ones."""

    make_mailbox: MakeMailbox = any_mailbox
    make_link: MakeLink = link.over
    render: RenderNotice = wire.render_notice
    max_line: int = wire.MAX_LINE
    gate: IGate = OPEN


@dataclass(frozen=True, slots=True)
class Rules:
    """The set-up of the server."""

    duplicate: Duplicate
    outbox_limit: int
    buffer_size: int
    grace: float
    durable: bool
    limits: Limits


def draw_rules(rng: Random) -> Rules:
    """Small buffers mostly, as little happens where everything fits."""
    return Rules(
        duplicate=rng.choice(list(Duplicate)),
        outbox_limit=rng.choice([400, 2000, 20_000]),
        buffer_size=rng.choice([64, 500, 4000]),
        grace=rng.choice([0.0, 1.0, 10.0]),
        durable=rng.choice([True, False]),
        limits=Limits(
            rate=rng.choice([0, 20, 200]),
            burst=rng.choice([1, 50]),
            outbox_total=rng.choice([0, 1000, 10_000]),
            connections_per_host=0,
            logins_per_host=0,
        ),
    )


class Server:
    """A chat server that can be stopped, and started again on what its mailbox holds.

    @ivar running: whether a life has begun, and has not ended.
    """

    def __init__(
        self,
        reactor: SimulatedReactor,
        rng: Random,
        witness: Witness,
        parts: Parts,
        folder: Path,
    ) -> None:
        """@param folder: where a mailbox may keep its file."""
        self.rules = draw_rules(rng)
        self._reactor = reactor
        self._witness = witness
        self._parts = parts
        self._terms = Terms(parts.max_line, render=parts.render, gate=parts.gate)
        self._open_mailbox = parts.make_mailbox(rng, reactor, folder)
        self._door = Service()
        self.running = False

    def start(self, names: list[str]) -> None:
        """Begin a life; C{names} have been here in an earlier one."""
        mailbox = WitnessedMailbox(self._witness, self._open_mailbox(), self._close_books)
        self.mailbox: IMailbox = mailbox
        self._broker = WitnessedBroker(
            self._witness,
            self._reactor,
            mailbox,
            soon=self._reactor.poller.soon,
            duplicate=self.rules.duplicate,
            durable=self.rules.durable,
            outbox_limit=self.rules.outbox_limit,
            limits=self.rules.limits,
            render=self._parts.render,
            wall=self._reactor.seconds,
        )
        self._factory = ChatFactory(
            self._broker,
            self._reactor,
            self._terms,
            Admission(self._reactor, self.rules.limits),
            make_link=self._parts.make_link,
        )
        self._door = Service()
        self._service = ChatService(
            [self._door],
            self._factory,
            self._broker,
            mailbox,
            clock=self._reactor,
            signals=NoSignals(),
            notifier=NoNotifier(),
            reloader=Reloader(Options({})),
            grace=self.rules.grace,
        )
        self._service.startService()
        for name in names:
            mailbox.enroll(name)
            mailbox.hand_back(name, [])
        self._books_open = self.running = True

    def stop(self) -> Deferred[None]:
        """End this life; fires when it has ended."""
        return self._service.stopService().addCallback(self._has_stopped)

    def reload(self, options: Mapping[str, Any]) -> None:
        """Take new options, in the middle of a life."""
        self.rules.limits.become(Limits.of(options))
        self._broker.set_duplicate(options["duplicate"])
        self._broker.set_outbox_limit(options["outbox-limit"])
        self._factory.expect(
            replace(
                self._terms,
                max_line=options["max-line"],
                login_timeout=options["login-timeout"],
            )
        )

    def _close_books(self) -> None:
        """Look a last time while the mailbox can still be asked."""
        demand(self.missing() == 0, "the ledger does not balance at the end")
        demand(self.in_flight() == 0, "copies are in flight at the end")
        self._books_open = False

    def _has_stopped(self, _: None) -> None:
        self.running = False

    @property
    def open(self) -> bool:
        """True if clients can log in."""
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
        return self._broker.balance().missing if self._books_open else 0

    def in_flight(self) -> int:
        return self._broker.balance().in_flight
