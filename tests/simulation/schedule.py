"""A schedule: one run of everything, drawn from a seed."""

from __future__ import annotations

from functools import partial
from itertools import count
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from twisted.internet.defer import Deferred

from achat_twisted.broker.takeover import Duplicate
from tests.logged import Failures
from tests.simulation.checker import Checker
from tests.simulation.clients import Client, World
from tests.simulation.network import Wire, draw_weather
from tests.simulation.reactor import SimulatedReactor
from tests.simulation.server import Parts, Server
from tests.simulation.tagged import TaggedClient
from tests.simulation.witness import Conversation, PromiseBroken, Witness, demand

_NAMES = ("ann", "bob", "cleo", "dan")

_PATIENCE = 2000.0
"""Seconds in which all must be served once there are no more faults."""

_STEPS = 2_000_000
"""More than any schedule takes, unless something goes round in a circle."""


class Schedule:
    """Some clients, a server and their misfortunes; the same for the same seed.

    @ivar trace: what happened, in order.
    """

    def __init__(self, seed: int, parts: Parts | None = None) -> None:
        self.trace: list[str] = []
        self._seed = seed
        self._rng = Random(seed)
        self._reactor = SimulatedReactor(self._fork())
        self._witness = Witness(self._tell)
        self._folder = TemporaryDirectory()
        self._server = Server(
            self._reactor,
            self._fork(),
            self._witness,
            parts or Parts(),
            Path(self._folder.name),
        )
        self._conversations: list[Conversation] = []
        names = _NAMES[: self._rng.randint(2, len(_NAMES))]
        world = World(self._reactor, self._dial, count(1), names, self._tell)
        self._clients = [client for name in names for client in self._make_clients(name, world)]
        self._failures = Failures()
        self._steps = 0

    def _make_clients(self, name: str, world: World) -> list[Client]:
        """The client that gets the messages to a name, and perhaps one more that only sends."""
        kind = self._rng.choice([Client, TaggedClient])
        clients = [kind(name, world, self._fork())]
        if self._server.rules.duplicate is Duplicate.TAKEOVER and self._rng.random() < 0.4:
            clients.append(TaggedClient(name, world, self._fork(), only_sends=True))
        return clients

    def run(self) -> None:
        """Run it to its end.

        @raise PromiseBroken: if the server breaks a promise, or breaks down; with the command that
            shows it again.
        """
        try:
            with self._folder, self._failures:
                self._be_wild()
                self._be_calm()
                self._come_to_an_end()
            intents = {intent for client in self._clients for intent in client.intents}
            Checker(self._witness, self._conversations).check(intents)
        except Exception as error:
            raise PromiseBroken(
                f"seed {self._seed} after {self._reactor.seconds():.4f} seconds: {error!r}\n"
                f"python -m tests.simulation --first {self._seed} --schedules 1 --trace"
            ) from error

    # The three parts

    def _be_wild(self) -> None:
        self._start_server()
        end = self._rng.choice([4.0, 8.0, 25.0])
        for _ in range(self._rng.choice([0, 0, 1, 2])):
            self._reactor.callLater(self._rng.uniform(0, end), self._restart)
        self._reactor.callLater(end, lambda: None)
        while self._reactor.seconds() < end:
            self._step()

    def _be_calm(self) -> None:
        self._tell("calm")
        for client in self._clients:
            client.calm_down()
        deadline = self._reactor.seconds() + _PATIENCE
        while not self._all_served():
            self._step()
            demand(self._reactor.seconds() < deadline, "not all is served, though all is calm")

    def _all_served(self) -> bool:
        server = self._server
        settled = all(client.settled for client in self._clients)
        return settled and server.open and server.mailbox.copies() + server.in_flight() == 0

    def _come_to_an_end(self) -> None:
        self._stop_server()
        while self._server.running:
            self._step()
        end = self._reactor.seconds() + 5.0
        while self._reactor.seconds() < end:
            self._step()

    def _step(self) -> None:
        self._steps += 1
        demand(self._steps < _STEPS, "it goes round in a circle")
        demand(self._reactor.step(), "nobody does anything any more")
        missing = self._server.missing()
        demand(missing == 0, f"{missing} copies are missing in the ledger")
        demand(not self._failures.texts, "\n".join(self._failures.texts))

    # The server's lives

    def _start_server(self) -> None:
        self._tell("the server starts")
        self._server.start([client.name for client in self._clients])

    def _restart(self) -> None:
        if self._server.open:
            pause = self._rng.choice([0.0, 1.0, 20.0])
            stopped = self._stop_server()
            stopped.addCallback(lambda _: self._reactor.callLater(pause, self._start_server))

    def _stop_server(self) -> Deferred[None]:
        self._tell("the server stops")
        return self._server.stop().addErrback(self._failures.add)

    # The world

    def _dial(self, name: str) -> tuple[Conversation, Wire]:
        number = len(self._conversations) + 1
        wire = Wire(self._reactor, self._fork(), draw_weather(self._rng), number)
        address = ("10.0.0.2", number)
        here = Conversation(name, f"{address[0]}:{number}", wire.client, wire.server)
        self._conversations.append(here)
        self._witness.conversations[here.peer] = here
        self._tell(f"{name} dials {here.peer}")
        wire.client.knock(partial(self._server.accept, wire.server, address))
        return here, wire

    def _fork(self) -> Random:
        """Chance of its own for a part, so that parts do not depend on who draws first."""
        return Random(self._rng.getrandbits(64))

    def _tell(self, what: str) -> None:
        self.trace.append(f"{self._reactor.seconds():10.4f} {what}")
