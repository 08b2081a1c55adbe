"""A siege: a whole server on simulated sockets, and bytes that choose the attack on it.

Strategy: any bytes are a program; L{feed} runs it, and then checks that the server is still as it
should be. So anything that can make up bytes can attack: Hypothesis, a
coverage-guided fuzzer, and a test that knows what it wants.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from random import Random
from types import MethodType
from typing import Any

from twisted.internet.defer import Deferred

from achat_twisted import wire
from achat_twisted.broker.session import Session
from achat_twisted.login.gate import OPEN
from achat_twisted.net.link import Link
from achat_twisted.net.transport import ServerTransport
from achat_twisted.reader.lines import ChatReader
from tests.attacks.assailant import Assailant
from tests.attacks.circumstances import HOSTS, draw_options, moody_gate
from tests.attacks.ears import Ears
from tests.logged import Failures
from tests.simulation.mailboxes import in_memory
from tests.simulation.network import TICK, Wire, draw_weather
from tests.simulation.reactor import SimulatedReactor
from tests.simulation.server import Parts, Server
from tests.simulation.witness import demand

ASSAILANTS = len(HOSTS[0])
"""The number of clients that a program can speak of."""

PHRASES = (
    b"ann\n",
    b"bob\r\n",
    b"ann:secret\n",
    b"ann, bob: hi\n",
    b"bob: from ann: ! bye 1\n",
    b"bob:\n",
    b",,,:x\n",
    b"\n",
    b"/sync t\n",
    b"/who\n",
    b"/help\n",
    b"/stats\n",
    b"/quit\n",
    b"/\x1b]0;x\x07\n",
    b"bob: \xc2\x9b31m\xe2\x80\xa8from ann: x\n",
    b"\xff\xfe\n",
    b"x" * 70,
    "bob: \u202e\U0001f469\u200d\U0001f469\n".encode(),
    "e\u0301:\n".encode(),
    b"ann,bob,ann,bob,nobody,ann: " + b"y" * 40 + b"\n",
)
"""Lines that are worth saying, and would be long in coming by chance."""

_PAUSES = (0.0, TICK, 8 * TICK, 0.1, 0.6, 2.0, 31.0, 400.0)
"""Seconds that a program can let pass."""

_SETTLING = 3.0
"""Seconds that the last blows have to take effect before the stop, and the stop itself."""

_AFTERMATH = 300.0
"""Seconds in which every timer must have gone when all have left.

A client that has sent more than it may is not read until it has made up for that, so that its end
is not noticed: for a buffer full of lines, at the lowest rate here, 200 seconds.
"""

_STEPS = 300_000
"""More than any program takes, unless something goes round in a circle."""

_ROOMS = (Session, ChatReader, Link, ServerTransport)
"""The objects that a connection has, none of which may be left when it is gone."""

_PASSABLE = ("achat_twisted.", "tests.simulation.", "twisted.internet.task", "twisted.python.")
"""Modules whose objects are searched for references that they still hold."""


class Tape:
    """Bytes that are read one after the other; behind their end is nothing but zeros."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def over(self) -> bool:
        return self._at >= len(self._data)

    def byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1] if self._at <= len(self._data) else 0

    def bytes(self, count: int) -> bytes:
        self._at += count
        return self._data[self._at - count : self._at]


class Siege:
    """One server, and a program's attack on it. The same bytes always do the same."""

    def __init__(self, data: bytes, parts: Parts | None = None) -> None:
        """@param parts: the server's parts; a test of the checks puts in broken ones."""
        self._tape = Tape(data)
        self._rng = Random(self._tape.byte() << 8 | self._tape.byte())
        hosts = HOSTS[self._tape.byte() % len(HOSTS)]
        self._reactor = SimulatedReactor(self._rng)
        self._ears = Ears()
        self._plain = parts is None and self._rng.random() < 0.1
        self._server = Server(
            self._reactor,
            self._rng,
            self._ears,
            parts or self._draw_parts(),
            Path(),
        )
        self._assailants = [Assailant(partial(self._dial, host)) for host in hosts]
        self._connections: list[Wire] = []
        self._failures = Failures()
        self._stopped: Deferred[None] | None = None
        self._steps = 0

    def run(self) -> None:
        """Run the program, let things settle, and stop the server.

        @raise PromiseBroken: if the server does not bear it.
        """
        with self._failures:
            self._server.start([])
            while not self._tape.over:
                code = self._tape.byte()
                assailant = self._assailants[code >> 4 & 3]
                self._BLOWS[code & 15](self, assailant)
                self._look()
            self._let_pass(_SETTLING)
            if self._rng.random() < 0.5:
                self._end_all()
            self._stop()
            while self._server.running:
                self._step()
            self._let_pass(_SETTLING)
            self._look()
            self._look_at_timers(most=0)
        for connection in self._connections:
            self._ears.check(connection.server, connection.client)

    # Blows

    def _say(self, assailant: Assailant) -> None:
        assailant.say(self._tape.bytes(self._tape.byte()))

    def _say_phrase(self, assailant: Assailant) -> None:
        assailant.say(PHRASES[self._tape.byte() % len(PHRASES)])

    def _repeat_phrase(self, assailant: Assailant) -> None:
        phrase = PHRASES[self._tape.byte() % len(PHRASES)]
        assailant.say(phrase * (1 + 4 * self._tape.byte()))

    def _half_close(self, assailant: Assailant) -> None:
        assailant.half_close()

    def _close(self, assailant: Assailant) -> None:
        assailant.close()

    def _reset(self, assailant: Assailant) -> None:
        assailant.reset()

    def _cut(self, assailant: Assailant) -> None:
        assailant.cut()

    def _fall_silent(self, assailant: Assailant) -> None:
        assailant.fall_silent()

    def _stop_reading(self, assailant: Assailant) -> None:
        assailant.gulp = 0

    def _read_slowly(self, assailant: Assailant) -> None:
        assailant.gulp = 1 + self._tape.byte()
        assailant.read()

    def _read(self, assailant: Assailant) -> None:
        assailant.gulp = 10**6
        assailant.read()

    def _wait(self, _assailant: Assailant) -> None:
        self._let_pass(_PAUSES[self._tape.byte() % len(_PAUSES)])

    def _wait_a_moment(self, _assailant: Assailant) -> None:
        self._let_pass(TICK)

    def _log_in(self, assailant: Assailant) -> None:
        assailant.close()
        assailant.say((b"ann:a\n", b"bob:b\n", b"cleo:c\n", b"dan\n")[self._tape.byte() & 3])
        self._let_pass(1.0)

    def _let_stop(self, _assailant: Assailant) -> None:
        """The server is stopped, in the middle of all this; but not by every such byte."""
        if self._tape.byte() < 64:
            self._stop()

    def _let_reload(self, _assailant: Assailant) -> None:
        """The server takes other options, as on SIGHUP."""
        self._server.reload(draw_options(Random(self._tape.byte())))

    _BLOWS = (
        _say,
        _say_phrase,
        _repeat_phrase,
        _log_in,
        _wait_a_moment,
        _wait,
        _half_close,
        _close,
        _reset,
        _cut,
        _fall_silent,
        _stop_reading,
        _read_slowly,
        _read,
        _let_stop,
        _let_reload,
    )
    """The blows by the low half of a byte; two bits of the high half choose the client."""

    # Events beside the blows

    def _draw_parts(self) -> Parts:
        return Parts(
            make_mailbox=in_memory,
            render=wire.say_nothing if self._plain else wire.render_notice,
            max_line=self._rng.choice([64, 300, wire.MAX_LINE]),
            gate=moody_gate(self._reactor, self._rng) if self._rng.random() < 0.3 else OPEN,
        )

    def _stop(self) -> None:
        if self._stopped is None:
            self._stopped = self._server.stop().addErrback(self._failures.add)

    def _dial(self, host: str) -> Wire:
        number = len(self._connections) + 1
        connection = Wire(self._reactor, self._rng, draw_weather(self._rng), number)
        self._connections.append(connection)
        address = (host, number)
        connection.client.knock(partial(self._server.accept, connection.server, address))
        return connection

    def _let_pass(self, seconds: float) -> None:
        over: list[bool] = []
        self._reactor.callLater(seconds, over.append, True)
        while not over:
            self._step()

    def _step(self) -> None:
        self._steps += 1
        demand(self._steps < _STEPS, "it goes round in a circle")
        demand(self._reactor.step(), "nobody does anything any more")
        demand(not self._failures.texts, "\n".join(self._failures.texts))

    def _look(self) -> None:
        missing = self._server.missing()
        demand(missing == 0, f"{missing} copies are missing in the ledger")

    def _end_all(self) -> None:
        """Break every connection, and see that nothing is left of them while the server runs on."""
        for connection in self._connections:
            connection.cut()
        self._let_pass(_AFTERMATH)
        self._look()
        if self._stopped is None:
            self._look_at_timers(most=1)  # which is the mailbox's, and looks for what is too old
            left = Counter(type(found).__name__ for found in _held_by(self._server, _ROOMS))
            demand(not left, f"this is still held: {dict(left)}")

    def _look_at_timers(self, most: int) -> None:
        timers = self._reactor.getDelayedCalls()
        demand(len(timers) <= most, f"these timers are left: {list(map(str, timers))}")
        demand(not self._reactor.epoll.watched, "sockets are watched that nobody has any more")


def _held_by(root: object, kinds: tuple[type, ...]) -> Iterator[object]:
    """All objects of certain kinds that can be reached from C{root}."""
    seen = {id(root)}
    to_see = [root]
    while to_see:
        holder = to_see.pop()
        if isinstance(holder, kinds):
            yield holder
        for held in gc.get_referents(holder):
            if id(held) not in seen and _is_passable(held):
                seen.add(id(held))
                to_see.append(held)


def _is_passable(held: Any) -> bool:
    if isinstance(held, dict | list | tuple | set | partial | MethodType):
        return True
    kind = type(held)
    is_collection = kind.__module__ == "collections"
    return is_collection or f"{kind.__module__}.".startswith(_PASSABLE)


def feed(data: bytes) -> None:
    """Attacks a server of its own as C{data} says, and checks that it survives.

    @raise PromiseBroken: if it does not.
    """
    Siege(data).run()
