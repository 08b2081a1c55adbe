"""The poller, on an epoll that says what it is told to."""

from __future__ import annotations

from select import EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT
from typing import Any, cast

from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.main import CONNECTION_LOST
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.net.poller import Poller
from achat_twisted.tools.meter import Meter
from tests.fakes import Bug


class FakeEpoll:
    """The descriptors that are registered, and C{events}, the next to be told."""

    def __init__(self) -> None:
        self.masks: dict[int, int] = {}
        self.events: list[tuple[int, int]] = []

    def fileno(self) -> int:
        return 3

    def register(self, fd: int, mask: int) -> None:
        assert fd not in self.masks
        self.masks[fd] = mask

    def modify(self, fd: int, mask: int) -> None:
        assert fd in self.masks
        self.masks[fd] = mask

    def unregister(self, fd: int) -> None:
        del self.masks[fd]

    def poll(self, _timeout: float, most: int) -> list[tuple[int, int]]:
        events, self.events = self.events[:most], self.events[most:]
        return events


class FakeReactor(Clock):
    """The readers of a reactor, and its clock."""

    def __init__(self) -> None:
        super().__init__()
        self.readers: list[Poller] = []

    def addReader(self, reader: Poller) -> None:
        self.readers.append(reader)

    def removeReader(self, reader: Poller) -> None:
        self.readers.remove(reader)


class FakeTransport:
    """A transport that notes what becomes of it.

    @ivar input: what it receives next.
    @ivar on_input: what its protocol does with that.
    """

    connected = True

    def __init__(self, fd: int, poller: Poller, log: list[str]) -> None:
        self.input: bytes | OSError | None = b"hi"
        self.end: Exception | None = None
        self.on_input = self.on_write = self.on_end = lambda: None
        self._fd = fd
        self._poller = poller
        self._log = log

    def fileno(self) -> int:
        return self._fd

    def receive(self) -> bytes | None:
        self._log.append(f"{self._fd} receives")
        if isinstance(self.input, OSError):
            raise self.input
        return self.input

    def take_in(self, data: bytes) -> None:
        self._log.append(f"{self._fd} takes in {data[:10].decode()}")
        self.on_input()

    def doWrite(self) -> Exception | None:
        self._log.append(f"{self._fd} writes")
        self.on_write()
        return self.end

    def readConnectionLost(self, reason: Failure) -> None:
        assert reason.check(ConnectionDone)
        self._log.append(f"{self._fd} ends its input")

    def connectionLost(self, reason: Failure) -> None:
        assert reason.check(ConnectionLost)
        self.connected = False
        self._log.append(f"{self._fd} is lost")
        self.on_end()


class PollerTests(SynchronousTestCase):
    """L{Poller}."""

    def setUp(self) -> None:
        self.reactor = FakeReactor()
        self.epoll = FakeEpoll()
        self.poller = Poller(cast(Any, self.reactor), cast(Any, self.epoll))
        self.log: list[str] = []
        self.one, self.two = (
            cast(Any, FakeTransport(fd, self.poller, self.log)) for fd in (11, 12)
        )

    def _happens(self, *events: tuple[int, int]) -> list[str]:
        """The outcome of all that the kernel says."""
        self.epoll.events = list(events)
        self.log.clear()
        self.poller.doRead()
        return self.log

    def test_rounds_are_timed(self) -> None:
        """A meter learns how long each round takes, to the end of its turn."""
        meter = Meter(self.reactor.seconds)
        self.poller = Poller(cast(Any, self.reactor), cast(Any, self.epoll), meter)
        many = [cast(Any, FakeTransport(fd, self.poller, self.log)) for fd in range(20, 60)]
        for transport in many:
            self.poller.start_reading(transport)

        def on_input() -> None:
            self.poller.soon(lambda: self.reactor.advance(0.03))

        many[0].on_input = on_input
        self._happens(*((transport.fileno(), EPOLLIN) for transport in many))
        self.assertEqual((meter.turns.buckets()[-1][1], meter.turns.total), (2, 0.03))

    def test_stands_in_the_reactor_while_it_is_needed(self) -> None:
        """Its descriptor is the reactor's while there is any socket to poll."""
        self.assertEqual(self.reactor.readers, [])
        self.poller.start_reading(self.one)
        self.poller.start_reading(self.two)
        self.assertEqual(self.reactor.readers, [self.poller])
        self.poller.stop_reading(self.one)
        self.assertEqual(self.reactor.readers, [self.poller])
        self.poller.stop_reading(self.two)
        self.assertEqual((self.reactor.readers, self.epoll.masks), ([], {}))

    def test_what_is_asked_for(self) -> None:
        """The kernel is asked for what each socket waits for, and told it once."""
        self.poller.start_reading(self.one)
        self.poller.start_reading(self.one)
        self.assertEqual(self.epoll.masks, {11: EPOLLIN})
        self.poller.start_writing(self.one)
        self.assertEqual(self.epoll.masks, {11: EPOLLIN | EPOLLOUT})
        self.poller.stop_reading(self.one)
        self.assertEqual(self.epoll.masks, {11: EPOLLOUT})
        self.poller.stop_writing(self.one)
        self.poller.stop_writing(self.one)
        self.assertEqual(self.epoll.masks, {})

    def test_all_receive_before_any_takes_in(self) -> None:
        """All that are ready are read, before anything that was read is looked at."""
        for transport in (self.one, self.two):
            self.poller.start_reading(transport)
        self.assertEqual(
            self._happens((11, EPOLLIN), (12, EPOLLIN)),
            ["11 receives", "12 receives", "11 takes in hi", "12 takes in hi"],
        )

    def test_rounds(self) -> None:
        """Many are served some at a time, so that the first are answered while others wait."""
        many = [cast(Any, FakeTransport(fd, self.poller, self.log)) for fd in range(20, 90)]
        for transport in many:
            self.poller.start_reading(transport)
        log = self._happens(*((transport.fileno(), EPOLLIN) for transport in many))
        middle = ["50 receives", "51 receives", "20 takes in hi", "21 takes in hi"]
        self.assertEqual(log[30:34], middle)
        self.assertEqual(len(log), 140)
        self.assertEqual(log[-1], "89 takes in hi")

    def test_the_reactor_has_its_turn(self) -> None:
        """However many are ready, after some rounds the reactor can see to other things."""
        self.poller.start_reading(self.one)
        self.assertEqual(len(self._happens(*[(11, EPOLLIN)] * 1000)), 2 * 8 * 32)
        self.one.input = bytes(2**17)
        self.assertEqual(len(self._happens(*[(11, EPOLLIN)] * 1000)), 2 * 32)

    def test_who_is_gone_takes_in_nothing(self) -> None:
        """A client that is gone because of another's lines takes in nothing of its own."""
        for transport in (self.one, self.two):
            self.poller.start_reading(transport)
        self.one.on_input = lambda: self.two.connectionLost(Failure(CONNECTION_LOST))
        self.assertEqual(
            self._happens((11, EPOLLIN), (12, EPOLLIN)),
            ["11 receives", "12 receives", "11 takes in hi", "12 is lost"],
        )

    def test_nothing_there(self) -> None:
        """A socket with nothing to read after all is left alone."""
        self.poller.start_reading(self.one)
        for nothing in (None, BlockingIOError()):
            self.one.input = nothing
            self.assertEqual(self._happens((11, EPOLLIN)), ["11 receives"])
        self.assertEqual(self.epoll.masks, {11: EPOLLIN})

    def test_end_of_input(self) -> None:
        """At the end of input a socket is read no more, but goes on writing."""
        self.poller.start_reading(self.one)
        self.poller.start_writing(self.one)
        self.one.input = b""
        self.assertEqual(self._happens((11, EPOLLIN)), ["11 receives", "11 ends its input"])
        self.assertEqual(self.epoll.masks, {11: EPOLLOUT})

    def test_broken(self) -> None:
        """A socket that cannot be read, or written, is lost, and polled no more."""
        for event, log in ((EPOLLIN, "11 receives"), (EPOLLOUT, "11 writes")):
            self.one.connected = True
            start = self.poller.start_reading if event == EPOLLIN else self.poller.start_writing
            start(self.one)
            self.one.input, self.one.end = OSError(), CONNECTION_LOST
            self.assertEqual(self._happens((11, event)), [log, "11 is lost"])
            self.assertEqual(self.epoll.masks, {})

    def test_hung_up_behind_input(self) -> None:
        """Bytes sent before a hang-up are read first."""
        self.poller.start_reading(self.one)
        self.poller.start_writing(self.one)
        self.one.end = CONNECTION_LOST
        self.assertEqual(
            self._happens((11, EPOLLIN | EPOLLOUT | EPOLLHUP | EPOLLERR)),
            ["11 receives", "11 takes in hi", "11 writes", "11 is lost"],
        )
        self.poller.start_reading(self.two)
        self.assertEqual(self._happens((12, EPOLLHUP)), ["12 receives", "12 takes in hi"])

    def test_hung_up_while_paused(self) -> None:
        """A client that hangs up while nothing is read is found out by those who write."""
        self.poller.start_writing(self.one)
        self.assertEqual(self._happens((11, EPOLLHUP)), ["11 is lost"])

    def test_soon(self) -> None:
        """Work for a turn's end is done when all has been taken in, not before."""
        for transport in (self.one, self.two):
            self.poller.start_reading(transport)

        def when_one_is_taken_in() -> None:
            self.assertIsNone(self.poller.soon(lambda: self.log.append("soon")))

        self.one.on_input = when_one_is_taken_in
        self.assertEqual(
            self._happens((11, EPOLLIN), (12, EPOLLIN))[2:],
            ["11 takes in hi", "12 takes in hi", "soon"],
        )

    def test_soon_by_itself(self) -> None:
        """If nothing is being taken in, the turn that ends is the reactor's."""
        done: list[str] = []
        call = self.poller.soon(lambda: done.append("soon"))
        assert call is not None
        self.assertEqual(done, [])
        self.reactor.advance(0)
        self.assertEqual(done, ["soon"])

    def _fails(self) -> None:
        raise Bug("here")

    def test_a_bug_costs_one_connection(self) -> None:
        """A bug in what one socket's input leads to costs that connection, and is logged."""
        for transport in (self.one, self.two):
            self.poller.start_reading(transport)
        self.one.on_input = self._fails
        self.assertEqual(
            self._happens((11, EPOLLIN), (12, EPOLLIN))[2:],
            ["11 takes in hi", "11 is lost", "12 takes in hi"],
        )
        self.assertEqual(len(self.flushLoggedErrors(Bug)), 1)
        self.assertEqual(self.reactor.readers, [self.poller])

    def test_a_bug_in_an_end_costs_nothing_else(self) -> None:
        """A bug in what the end of a connection leads to is logged, and all others are served."""
        for transport in (self.one, self.two):
            self.poller.start_writing(transport)
        self.one.on_end = self._fails
        self.assertEqual(self._happens((11, EPOLLHUP), (12, EPOLLOUT)), ["12 writes", "11 is lost"])
        self.poller.start_writing(self.two)
        self.two.on_write = self._fails
        self.assertEqual(self._happens((12, EPOLLOUT)), ["12 writes", "12 is lost"])
        self.assertEqual(len(self.flushLoggedErrors(Bug)), 2)

    def test_a_bug_at_the_turns_end_costs_nothing_else(self) -> None:
        """A bug in what is done when a turn ends is logged, and the rest is done."""
        self.poller.start_reading(self.one)

        def on_input() -> None:
            self.poller.soon(self._fails)
            self.poller.soon(lambda: self.log.append("the rest"))

        self.one.on_input = on_input
        self.assertEqual(self._happens((11, EPOLLIN))[-1], "the rest")
        self.assertEqual(len(self.flushLoggedErrors(Bug)), 1)
