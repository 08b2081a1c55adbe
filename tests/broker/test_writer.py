"""The writer: what it writes, what it knows to have arrived, and what it leaves."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from achat_twisted.broker.feed import Feed
from achat_twisted.broker.interfaces import IOwner
from achat_twisted.broker.ledger import Ledger
from achat_twisted.broker.outbox import Outbox
from achat_twisted.broker.writer import HURRY, STALL, Writer
from achat_twisted.limits.limits import Limits
from achat_twisted.limits.memory import Pool
from achat_twisted.mailbox.memory import MemoryMailbox
from achat_twisted.net.interfaces import IOutlet
from tests.fakes import Bug, FakeLink


@implementer(IOwner)
class FakeOwner:
    """A session that only notes what its writer tells it."""

    def __init__(self, outlet: IOutlet) -> None:
        self.outlet = outlet
        self.holds: frozenset[object] = frozenset()
        self.rooms: None = None
        self.farewells = self.reliefs = 0
        self.end: Deferred[Failure | None] = Deferred()

    def farewell(self) -> bytes:
        self.farewells += 1
        return b"! bye 0\n"

    def relieved(self) -> None:
        self.reliefs += 1

    def ended(self, failure: Failure | None) -> None:
        self.end.callback(failure)

    def arrived_of_rooms(self, messages: bytes) -> int:
        raise NotImplementedError

    def _never(self, *_: object) -> None:
        raise NotImplementedError

    deliver = tell = hold = release = all_fed = touch = _never


class WriterTests(SynchronousTestCase):
    """L{Writer}."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.link = FakeLink()
        self.outbox = Outbox(1000, Pool(Limits()))
        self.session = FakeOwner(self.link)
        self.end = self.session.end
        self.ledger = Ledger(mailbox := MemoryMailbox(self.clock))
        mailbox.enroll("bob")
        feed = Feed(self.session, "bob", self.outbox, mailbox, self.ledger, self.clock)
        self.writer = Writer(self.session, feed, self.link, self.clock)
        self.writer.start()

    @property
    def delivered(self) -> int:
        return self.ledger.delivered

    def _send(self, *lines: bytes) -> None:
        for line in lines:
            self.outbox.append(line)
        self._turn_ends()

    def _end(self) -> None:
        self.outbox.end()
        self._turn_ends()

    def _turn_ends(self) -> None:
        self.outbox.seal()
        self.writer.release()

    def test_one_write_a_turn(self) -> None:
        """All that came in one turn is one write."""
        self._send(b"from a: 1\n", b"from a: 2\n")
        self.assertEqual(self.link.writes, [b"from a: 1\nfrom a: 2\n"])

    def test_counts_what_it_keeps(self) -> None:
        """Written lines are held, and counted as that, until acknowledged or given back."""
        pool = self.outbox.pool
        self.link.silence()
        self._send(b"from a: 1\n")
        self._send(b"from a: 2\n")
        self.assertEqual((pool.size, self.writer.tail_size), (20, 20))
        self.link.acknowledge(10)
        self.writer.prune()
        self.assertEqual(pool.size, 10)
        self.writer.forget()
        self.assertEqual(pool.size, 0)

    def test_outlet_that_fails(self) -> None:
        """A batch that was being written when the outlet failed is among what is left."""
        self._send(b"from a: 1\n")
        self.link.bugs.add("write")
        self._send(b"from a: 2\n")
        self.failureResultOf(self.end, Bug)
        self.assertEqual(self.writer.undelivered()[-1:], [b"from a: 2\n"])

    def test_waits_for_room(self) -> None:
        """While the outlet has no room, nothing more is written, and nothing leaves the count."""
        self.link.block()
        self._send(b"from a: 1\n")
        self._send(b"from a: 2\n")
        self.assertEqual(self.link.writes, [b"from a: 1\n"])
        self.assertEqual(self.outbox.size, 20)
        self.link.unblock()
        self.assertEqual(self.link.received, b"from a: 1\nfrom a: 2\n")
        self.assertEqual(self.outbox.size, 0)

    def test_room_again(self) -> None:
        """When all that waited is written, lines are written at once again."""
        self.link.block()
        self._send(b"from a: 1\n")
        self._send(b"from a: 2\n")
        self.link.unblock()
        self._send(b"from a: 3\n")
        self.assertEqual(self.link.writes, [b"from a: 1\n", b"from a: 2\n", b"from a: 3\n"])

    def test_room_for_one(self) -> None:
        """Of several batches that wait, each is written when there is room behind the last."""
        self.link.block()
        for number in range(4):
            self._send(b"from a: %d\n" % number)
        self.link.read_once()
        self.assertEqual(self.link.writes, [b"from a: 0\n", b"from a: 1\n"])
        self.assertEqual(self.outbox.size, 30)

    def test_outlet_that_fails_when_there_is_room(self) -> None:
        """Nor is what was to be written when there was room again lost by such a failure."""
        self.link.block()
        self._send(b"from a: 1\n")
        self._send(b"from a: 2\n")
        self.link.bugs.add("write")
        self.link.unblock()
        self.failureResultOf(self.end, Bug)
        self.assertEqual(self.writer.undelivered()[-1:], [b"from a: 2\n"])

    def test_farewell_comes_last(self) -> None:
        """At the end marker all is flushed, then comes the farewell, and the outlet finishes."""
        self._send(b"from a: 1\n")
        self._end()
        self.assertEqual(self.link.received, b"from a: 1\n! bye 0\n")
        self.assertTrue(self.link.finished)
        self.successResultOf(self.end)
        self.assertEqual(self.writer.undelivered(), [])

    def test_ends_when_all_has_arrived(self) -> None:
        """It ends when the farewell is acknowledged, however long that takes."""
        self.link.block()
        self._end()
        self.assertNoResult(self.end)
        self.link.unblock()
        self.successResultOf(self.end)

    def test_acknowledged_is_delivered(self) -> None:
        """A message counts as delivered when it is acknowledged, not when it is written."""
        self.link.block()
        self._send(b"from a: 1\n", b"! pong\n")
        self.writer.prune()
        self.assertEqual((self.delivered, self.writer.copies()), (0, 1))
        self.link.unblock()
        self.writer.prune()
        self.assertEqual((self.delivered, self.writer.copies()), (1, 0))

    def test_broken_connection_leaves_the_rest(self) -> None:
        """Lines not acknowledged when the connection broke are left, in order, with the queue."""
        self.link.block()
        self._send(b"from a: 1\n", b"! pong\n", b"from a: 2\n")
        self._send(b"from a: 3\n")
        self.link.lose(acknowledged=len(b"from a: 1\n"))
        self.successResultOf(self.end)
        self.assertEqual(self.writer.undelivered(), [b"from a: 2\n", b"from a: 3\n"])
        self.assertEqual(self.delivered, 1)

    def test_broken_connection_ends_a_wait_for_room(self) -> None:
        """A writer that waits for room writes nothing more when the connection breaks."""
        self.link.block()
        self._send(b"from a: 1\n")
        self._send(b"from a: 2\n")
        self.link.lose()
        self.assertEqual(self.link.writes, [b"from a: 1\n"])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_half_a_line_is_not_delivered(self) -> None:
        """A line of which only a part was acknowledged is left as a whole."""
        self.link.block()
        self._send(b"from a: 1\n", b"from a: 2\n")
        self.link.lose(acknowledged=15)
        self.assertEqual(self.writer.undelivered(), [b"from a: 2\n"])

    def test_broken_connection_ends_a_waiting_writer(self) -> None:
        """A writer that waits for lines ends when the connection does, without a farewell."""
        self.link.lose()
        self.successResultOf(self.end)
        self.assertEqual(self.session.farewells, 0)

    def test_broken_connection_behind_the_farewell(self) -> None:
        """Lines that had not arrived when it broke behind the farewell are left, once."""
        self.link.silence()
        self._send(b"from a: 1\n", b"from a: 2\n")
        self._end()
        self.link.lose(acknowledged=10)
        self.successResultOf(self.end)
        self.assertEqual((self.delivered, self.session.farewells), (1, 1))
        self.assertEqual(self.writer.undelivered(), [b"from a: 2\n"])

    def test_tells_of_room(self) -> None:
        """The session is told when there is plenty of room again, and not before."""
        self.link.block()
        self._send(b"x" * 800)
        self.assertEqual(self.session.reliefs, 0)
        self.link.unblock()
        self.assertEqual(self.session.reliefs, 1)

    def test_cut_short(self) -> None:
        """Cut short, it writes no message more, but the notices that wait, and the farewell."""
        self.link.block()
        self._send(b"from a: 1\n")
        self._send(b"from a: 2\n", b"! pong\n")
        self.writer.cut()
        self.link.unblock()
        self.assertEqual(self.link.received, b"from a: 1\n! pong\n! bye 0\n")
        self.assertEqual(self.writer.undelivered(), [b"from a: 2\n"])

    def test_nothing_behind_the_farewell(self) -> None:
        """Nothing is written behind the farewell; it is left."""
        self.writer.cut()
        self._send(b"from a: 1\n")
        self.assertEqual((self.link.writes, self.link.received), ([], b"! bye 0\n"))
        self.assertEqual(self.writer.undelivered(), [b"from a: 1\n"])

    def test_stalled_peer_is_let_go(self) -> None:
        """A peer that takes nothing while lines wait is aborted after a stated time."""
        self.link.block()
        self._send(b"from a: 1\n")
        self.clock.advance(STALL - 1)
        self.assertFalse(self.link.aborted)
        self.clock.advance(1)
        self.assertTrue(self.link.aborted)
        self.assertEqual(self.writer.undelivered(), [b"from a: 1\n"])

    def test_slow_peer_is_no_stalled_peer(self) -> None:
        """A peer that acknowledges a little now and then is not let go."""
        self.link.block()
        self._send(b"from a: 1\n" * 100)
        for _ in range(5):
            self.clock.advance(STALL - 1)
            self.link.acknowledge(10)
        self.assertFalse(self.link.aborted)
        self.clock.pump([STALL, STALL])
        self.assertTrue(self.link.aborted)

    def test_written_is_not_delivered(self) -> None:
        """However large a batch is, it is not delivered before it is acknowledged."""
        self.link.silence()
        line = b"from a: " + b"x" * 1000 + b"\n"
        for _ in range(3):
            self._send(*[line] * 300)
        self.assertEqual(self.delivered, 0)
        self.link.lose()
        self.assertEqual(len(self.writer.undelivered()), 900)

    def test_asks_rarely(self) -> None:
        """The tail is pruned by itself once it is large, without a question for each batch."""
        line = b"from a: " + b"x" * 1000 + b"\n"
        for _ in range(1000):
            self._send(line)
        self.assertGreater(self.delivered, 500)
        self.assertLess(self.writer.tail_size, 500_000)

    def test_cut_short_and_slow(self) -> None:
        """A peer that is cut has two seconds in all, also if it acknowledges a little meanwhile."""
        self.link.block()
        self._send(b"from a: 1\n", b"from a: 2\n")
        self.writer.cut()
        self.assertTrue(self.link.finished)
        self.clock.advance(HURRY - 0.1)
        self.link.acknowledge(10)
        self.assertFalse(self.link.aborted)
        self.clock.advance(0.1)
        self.assertTrue(self.link.aborted)
        self.successResultOf(self.end)
        self.assertEqual(self.writer.undelivered(), [b"from a: 2\n"])

    def test_cut_short_while_it_finishes(self) -> None:
        """Also who was going anyway has no longer than that."""
        self.link.block()
        self._end()
        self.writer.cut()
        self.clock.advance(HURRY)
        self.assertTrue(self.link.aborted)

    def test_cut_short_in_time(self) -> None:
        """A peer that takes the end in time is left alone."""
        self.writer.cut()
        self.successResultOf(self.end)
        self.assertEqual(self.clock.getDelayedCalls(), [])
