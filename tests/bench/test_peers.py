"""C{achat bench}: what clients send and hear, with sockets that are none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import given, strategies as st
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.bench import loop
from achat_twisted.bench.dialects import Achat, Dialect, Nats, Resuming
from achat_twisted.bench.failure import Failed
from achat_twisted.bench.loop import Loop
from achat_twisted.bench.peers import AnyOrder, Block, Incoming, InOrder, Nothing, Outgoing, chunk

ANN, BOB = b"from ann: hi\n", b"from bob: ho\n"

MSG = Nats().delivery("", "ann", "hi")


class FakeSocket:
    """Takes no more at a time than it is told to, and gives what it is told to.

    @ivar sent: all that was sent.
    """

    def __init__(self, takes: Sequence[int] = (), comes: Sequence[bytes] = ()) -> None:
        self.sent = b""
        self._takes = list(takes)
        self._comes = list(comes)

    def send(self, data: memoryview | bytes) -> int:
        if not self._takes:
            raise BlockingIOError
        size = min(self._takes.pop(0), len(data))
        self.sent += data[:size]
        return size

    def recv_into(self, buffer: memoryview, size: int) -> int:
        if not self._comes:
            raise BlockingIOError
        data = self._comes.pop(0)
        assert len(data) <= size, "more than a test gives at a time"
        buffer[: len(data)] = data
        return len(data)


def socket(takes: Sequence[int] = (), comes: Sequence[bytes] = ()) -> Any:
    return FakeSocket(takes, comes)


def cut(data: bytes, places: Sequence[int]) -> list[bytes]:
    """Data in pieces that end at these places; none of them is empty."""
    ends = sorted({place % len(data) for place in places} - {0})
    return [data[a:b] for a, b in zip([0, *ends], [*ends, len(data)], strict=True)]


def take_all(incoming: Incoming) -> None:
    while incoming.take():
        pass


class OutgoingTests(SynchronousTestCase):
    """L{Outgoing}."""

    @given(st.lists(st.integers(1, 40)), st.integers(0, 2))
    def test_sends_all(self, takes: list[int], start: int) -> None:
        """However little is taken at a time, what goes out is the block again and again."""
        block = Block(b"a: 1\nb: 2\nc: 3\n", 7)
        client = socket([*takes, *[3] * 30])
        outgoing = Outgoing(client, block, 50, 5 * start)
        while not outgoing.go_on():
            pass
        self.assertEqual(client.sent, (6 * block.lines)[5 * start :][:50])

    def test_waits(self) -> None:
        """A kernel that takes nothing is asked again later."""
        client = socket()
        self.assertFalse(Outgoing(client, Block(b"a: 1\n", 5), 5).go_on())
        self.assertEqual(client.sent, b"")

    def test_many_peers_take_less(self) -> None:
        """The more peers there are, the less each sends at a time, but never next to nothing."""
        self.assertEqual([chunk(10), chunk(10_000), chunk(10**6)], [65536, 13421, 4096])


class IncomingTests(SynchronousTestCase):
    """The lines that are due, and those that are not."""

    def refuses(self, incoming: Incoming, shown: str) -> None:
        error = self.assertRaises(Failed, take_all, incoming)
        self.assertEqual(str(error), f"the server has said {shown!r}, which was not due")

    @given(st.lists(st.integers(1, 200)))
    def test_cuts(self, places: list[int]) -> None:
        """Lines that are due may come in any pieces."""
        data = 5 * (ANN + BOB)
        pieces = cut(data, places)
        in_order = InOrder(socket(comes=pieces), Achat(), Block(ANN + BOB, 1000), len(data))
        any_order = AnyOrder(socket(comes=pieces), Achat(), ANN, len(data), 1000)
        for incoming in in_order, any_order:
            take_all(incoming)
            self.assertEqual(incoming.left, 0)

    @given(st.lists(st.integers(1, 200)))
    def test_noise(self, places: list[int]) -> None:
        """A question that a server asks now and then counts for nothing."""
        pieces = [*cut(3 * MSG, places), Nats.noise, MSG + Nats.noise + MSG]
        incoming = InOrder(socket(comes=pieces), Nats(), Block(MSG, 1000), 5 * len(MSG))
        for _ in pieces:
            incoming.take()
        self.assertEqual(incoming.left, 0)

    @given(st.lists(st.integers(1, 20_000)))
    def test_confirms(self, places: list[int]) -> None:
        """A client with a tag confirms each hundred messages as it gets them, however they come."""
        for comes in cut(1234 * ANN, places), [1234 * ANN]:
            client = socket(takes=[1000] * 100, comes=comes)
            incoming = InOrder(client, Resuming(), Block(ANN, 2**16), 2000 * len(ANN))
            heard = 0
            for piece in comes:
                incoming.take()
                heard += piece.count(b"\n")
                last = client.sent.splitlines()[-1:] or [b"/got 0"]
                self.assertEqual(last, [b"/got %d" % (heard // 100 * 100)])
            due = b"".join(b"/got %d00\n" % number for number in range(1, 13))
            self.assertEqual(client.sent, due)

    def test_others_are_told(self) -> None:
        """A line that is not due is told, wherever it comes."""
        notice = b"! kept bob 3\n"
        for comes in ([ANN + notice + ANN], [ANN, notice + ANN], [ANN[:5], ANN[5:] + notice]):
            self.refuses(
                InOrder(socket(comes=comes), Achat(), Block(ANN, 1000), 1000), "! kept bob 3"
            )
        longer = b"! unknown bob 3\n"
        for comes in ([ANN + longer + BOB], [ANN, longer + BOB], [ANN[:5], ANN[5:] + longer]):
            self.refuses(AnyOrder(socket(comes=comes), Achat(), ANN, 1000, 1000), "! unknown bob 3")

    def test_half_lines(self) -> None:
        """A line that is cut short is told as soon as the next one has come."""
        comes = [ANN + ANN[:6] + ANN]
        self.refuses(
            InOrder(socket(comes=comes), Achat(), Block(ANN, 1000), 1000), "from afrom ann: hi"
        )
        self.refuses(AnyOrder(socket(comes=comes), Achat(), ANN, 1000, 1000), "from afrom ann: hi")

    def test_too_much(self) -> None:
        """A line that comes more often than is due is told as well."""
        comes = [ANN + ANN]
        self.refuses(
            InOrder(socket(comes=comes), Achat(), Block(ANN, 99), len(ANN)), "from ann: hi"
        )
        self.refuses(AnyOrder(socket(comes=comes), Achat(), ANN, len(ANN), 99), "from ann: hi")

    def test_nothing(self) -> None:
        """A client that is to hear nothing hears nothing but noise."""
        dialect: Dialect
        for dialect in Achat(), Nats():
            self.refuses(Nothing(socket(comes=[b"! pong\n"]), dialect), "! pong")
        self.assertEqual(Nothing(socket(comes=[2 * Nats.noise]), Nats()).take(), 0)

    def test_end(self) -> None:
        """A connection that ends is told."""
        incoming = InOrder(socket(comes=[ANN, b""]), Achat(), Block(ANN, 99), 1000)
        error = self.assertRaises(Failed, take_all, incoming)
        self.assertEqual(str(error), "the server has closed a connection")


class LoopTests(SynchronousTestCase):
    """L{Loop}."""

    def test_gives_up(self) -> None:
        """If nothing comes any more, the load does not wait for ever."""
        self.patch(loop, "PATIENCE", 0.01)
        some = Loop()
        self.addCleanup(some.close)
        some.pending = 1
        error = self.assertRaises(Failed, some.run)
        self.assertIn("nothing has come for 0.01 seconds", str(error))
