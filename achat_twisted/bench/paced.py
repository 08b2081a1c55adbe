"""A fixed rate of lines, which waits for nobody: how long each takes from when it was due.

Strategy: an open loop. The lines of all senders are due one after the other, evenly; so a line's
number says when it was due, and nothing need stand in it. When the server, or this load, is late
with one, those behind it are due all the same, and their waiting counts (to leave it out is known
as coordinated omission).
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Sequence

from achat_twisted.bench.crowd import Crowd, names
from achat_twisted.bench.dialects import Dialect
from achat_twisted.bench.failure import Failed
from achat_twisted.bench.loop import IN, OUT, PATIENCE, Loop
from achat_twisted.bench.meter import measured
from achat_twisted.bench.peers import Block, InOrder, Nothing, Outgoing, chunk
from achat_twisted.bench.servers import Server
from achat_twisted.bench.talk import latencies
from achat_twisted.bench.workload import Figures, Load

_AT_ONCE = 64
"""The number of due lines that are sent before incoming ones are looked at again."""


def paced(server: Server, dialect: Dialect, load: Load) -> Figures:
    """One half of the peers sends in turn, each to one of the other half, at the load's rate."""
    half = load.peers // 2
    senders, receivers = names(half, "s"), names(half, "r")
    piece = chunk(load.peers)
    with Crowd(server, dialect) as crowd:
        timetable = Timetable(load.rate, half)
        sends, took = [], list[float]()
        clients = zip(crowd.log_in(senders), crowd.log_in(receivers), strict=True)
        for number, (source, sink) in enumerate(clients):
            line = dialect.post(receivers[number], load.text)
            sends.append(_Source(crowd.loop, source, dialect, Block(line, piece)).send)
            line = dialect.delivery(senders[number], receivers[number], load.text)
            incoming = InOrder(sink, dialect, Block(line, piece), load.lines * len(line))
            _Sink(crowd.loop, sink, incoming, len(line), timetable, number, took)
        with measured(server) as meter:
            late = offer(crowd.loop, sends, timetable, half * load.lines)
    lateness = latencies(late)["p99"]
    return {**meter.figures(len(took)), **latencies(took), "late": lateness}


def offer(
    loop: Loop, sends: Sequence[Callable[[], None]], timetable: Timetable, lines: int
) -> list[float]:
    """Send so many lines in all, each in its time, and go on until nothing is pending.

    @param sends: sends a line, one function for each sender; they take turns.
    @return: how late each was sent, in seconds.
    @raise Failed: if all are sent, and nothing comes any more.
    """
    late: list[float] = []
    timetable.start()
    while loop.pending:
        wait, left = PATIENCE, lines - len(late)
        for _ in range(min(_AT_ONCE, left)):
            wait = timetable.due(len(late)) - timetable.clock()
            if wait > 0:
                break
            sends[len(late) % len(sends)]()
            late.append(-wait)
        if not loop.turn(min(wait, PATIENCE)) and not left:
            raise Failed(f"nothing has come for {PATIENCE:g} seconds, though more was due")
    return late


class Timetable:
    """The times at which lines are due.

    @ivar clock: the clock by which they are due, in seconds.
    """

    def __init__(
        self, rate: int, senders: int, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        """@param rate: lines a second, from all senders together.
        @param senders: the number of senders that take turns.
        """
        self.clock = clock
        self._begin = 0.0
        self._rate = rate
        self._senders = senders

    def start(self) -> None:
        """Have the first line due now."""
        self._begin = self.clock()

    def due(self, number: int) -> float:
        """The time at which this line among those of all is due; they count from 0."""
        return self._begin + number / self._rate

    def due_from(self, sender: int, number: int) -> float:
        """The time at which this line of one sender is due; both count from 0."""
        return self.due(number * self._senders + sender)


class _Source:
    """A client that sends a line whenever it is told to, or as soon as the kernel takes it."""

    def __init__(self, loop: Loop, client: socket.socket, dialect: Dialect, block: Block) -> None:
        self._loop = loop
        self._fd = client.fileno()
        self._size = len(block.lines)
        self._outgoing = Outgoing(client, block, 0)
        self._incoming = Nothing(client, dialect)
        self._is_held = False
        loop.watch(self._fd, IN, self._ready)

    def send(self) -> None:
        self._outgoing.owe(self._size)
        if not self._is_held:
            self._go_on()

    def _go_on(self) -> None:
        try:
            is_held = not self._outgoing.go_on()
        except OSError as error:
            raise _broken(error) from None
        if is_held is not self._is_held:
            self._is_held = is_held
            self._loop.change(self._fd, IN | OUT if is_held else IN)

    def _ready(self, events: int) -> None:
        if events & OUT:
            self._go_on()
        try:
            if events & ~OUT:
                self._incoming.take()
        except OSError as error:
            raise _broken(error) from None


class _Sink:
    """A client that hears what one source sends, and writes down how long each line took."""

    def __init__(
        self,
        loop: Loop,
        client: socket.socket,
        incoming: InOrder,
        size: int,
        timetable: Timetable,
        sender: int,
        took: list[float],
    ) -> None:
        """@param size: bytes of a line.
        @param sender: the one whose lines come, by its place in the timetable.
        @param took: the list that the times go into, in seconds.
        """
        self._loop = loop
        self._incoming = incoming
        self._size = size
        self._timetable = timetable
        self._sender = sender
        self._took = took
        self._heard = 0
        self._lines = 0
        loop.pending += 1
        loop.watch(client.fileno(), IN, self._ready)

    def _ready(self, _events: int) -> None:
        try:
            size = self._incoming.take()
        except OSError as error:
            raise _broken(error) from None
        self._heard += size
        while self._lines < self._heard // self._size:
            due = self._timetable.due_from(self._sender, self._lines)
            self._took.append(self._loop.now - due)
            self._lines += 1
        if size and not self._incoming.left:
            self._loop.pending -= 1


def _broken(error: OSError) -> Failed:
    return Failed(f"a connection broke: {error.strerror}")
