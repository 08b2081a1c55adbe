"""The costs of lines: calls counted, from the poller to the socket, as no clock could tell on CI.

Strategy: the server's own parts run on simulated sockets. It counts the calls of the
package's functions, and their calls of the interpreter's; those are the same in each run. The
ceilings are the counts of the time they were recorded, with some room for other versions of Python.
If you make a line dearer on purpose, raise them, and say in the commit what it is worth.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from types import FrameType

from twisted.internet.address import IPv4Address
from twisted.trial.unittest import SynchronousTestCase

import achat_twisted
from achat_twisted.broker.broker import Broker
from achat_twisted.limits.admission import Admission
from achat_twisted.limits.limits import Limits
from achat_twisted.mailbox.accounts import LIMITS
from achat_twisted.mailbox.committer import Committer
from achat_twisted.mailbox.database import Database
from achat_twisted.mailbox.interfaces import IMailbox
from achat_twisted.mailbox.mail_clock import MailClock
from achat_twisted.mailbox.memory import MemoryMailbox
from achat_twisted.mailbox.sqlite import SqliteMailbox
from achat_twisted.mailbox.tags import Tag
from achat_twisted.reader.factory import ChatFactory
from achat_twisted.reader.terms import Terms
from tests.disk import FakeWorker, scratch_file
from tests.mailboxes import FakeCounter
from tests.simulation.kernel import Endpoint, Weather
from tests.simulation.network import Wire
from tests.simulation.reactor import SimulatedReactor, SimulatedTransport

LINE = 50
"""Calls for a line that comes alone, to one recipient."""

LINE_OF_MANY = 4
"""For each of several lines in one chunk that are for different names."""

LINE_BY_ITSELF = 23
"""For each that has to be taken in by itself, as the chunk has a line for a name that is away."""

RUN = 84
"""For a chunk of lines for the same recipient, however many."""

COPY = 31
"""For each further recipient of a chunk."""

MEMBER = 26
"""For each member that is here, of a room in which a line is said."""

TAGGED_LINE = 54
"""For a line that comes alone, from one client with a tag to another."""

TAGGED_RUN = 84
"""For a chunk of lines for the same recipient between two such clients, however many."""

GOT = 108
"""For a C{/got} that confirms a hundred messages, of which some 50 are looked at."""

DURABLE_LINE = 140
"""For a line that comes alone to a durable server, with a commit of its own."""

TAGGED_DURABLE_LINE = 175
"""For a line that comes alone there, from one client with a tag to another."""

DURABLE_RUN = 165
"""For a chunk of lines for the same recipient there, however many."""

_FOLDER = str(Path(achat_twisted.__file__).parent)


def calls(work: Callable[[], None]) -> int:
    """The number of calls that the package makes and takes while C{work} is done."""
    count = 0

    def profile(frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        if event in ("call", "c_call") and frame.f_code.co_filename.startswith(_FOLDER):
            count += 1

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


class CostTests(SynchronousTestCase):
    """The way of a line through reader, broker and writer."""

    def setUp(self) -> None:
        self.reactor = SimulatedReactor(Random(0))
        self._start(MemoryMailbox(self.reactor))

    def _start(self, mailbox: IMailbox, *, durable: bool = False) -> None:
        limits = Limits(connections_per_host=0, logins_per_host=0, burst=10**6)
        broker = Broker(
            self.reactor,
            mailbox,
            soon=self.reactor.poller.soon,
            limits=limits,
            durable=durable,
            anyone_makes_rooms=True,
        )
        broker.startService()
        self.factory = ChatFactory(
            broker,
            self.reactor,
            Terms(),
            Admission(self.reactor, limits),
        )
        self.clients: dict[str, Endpoint] = {}

    def _log_in(self, *names: str, opening: str = "") -> None:
        for name in names:
            number = len(self.clients) + 1
            weather = Weather(latency=1, segment=2**16, send_space=2**17, receive_space=2**17)
            wire = Wire(self.reactor, Random(0), weather, number)
            address = ("10.0.0.1", number)
            reader = self.factory.buildProtocol(IPv4Address("TCP", *address))
            assert reader is not None
            transport = SimulatedTransport(wire.server, reader, address, self.reactor, 2**16)
            wire.server.on_change = self.reactor.wake
            reader.makeConnection(transport)
            self.clients[name] = wire.client
            self._send(name, f"{opening}{name}\n")

    def _send(self, name: str, lines: str) -> None:
        self.clients[name].send(lines.encode())
        self._settle()

    def _settle(self) -> None:
        """Lets all that is under way arrive, and the clients read it."""
        end = self.reactor.seconds() + 0.1
        self.reactor.callLater(0.1, lambda: None)
        while self.reactor.seconds() < end:
            self.reactor.step()
            for client in self.clients.values():
                if client.unread:
                    client.recv(client.unread)

    def _cost(self, name: str, lines: str) -> int:
        """The calls for a client's lines, when nothing else falls into the same moment."""
        return min(calls(lambda: self._send(name, lines)) for _ in range(3))

    def test_line_alone(self) -> None:
        """A line that comes alone costs no more than it did."""
        self._log_in("alice", "bob")
        self.assertLessEqual(self._cost("alice", "bob: hello\n"), LINE)

    def test_lines_for_several(self) -> None:
        """A line in a chunk of lines for different names costs no more than it did."""
        self._log_in("alice", "bob", "carol")
        few, many = (self._cost("alice", "bob: hi\ncarol: hi\n" * n) for n in (10, 110))
        self.assertLessEqual((many - few) / 200, LINE_OF_MANY)

    def test_lines_by_themselves(self) -> None:
        """Nor does one of a chunk that cannot be taken in at once."""
        self._log_in("alice", "bob", "carol")
        few, many = (
            self._cost("alice", "nobody: hi\n" + "bob: hi\ncarol: hi\n" * n) for n in (10, 110)
        )
        self.assertLessEqual((many - few) / 200, LINE_BY_ITSELF)

    def test_run(self) -> None:
        """A chunk of lines for one name costs no more than it did, however long it is."""
        self._log_in("alice", "bob")
        short, long = (self._cost("alice", "bob: hello\n" * n) for n in (2, 2000))
        self.assertLessEqual(short, RUN)
        self.assertLess(long, short + 10)

    def test_durable(self) -> None:
        """Nor does a line, or a chunk of them, that is in a file before it reaches anybody."""
        self._start_durable()
        self._log_in("alice", "bob")
        self.assertLessEqual(self._cost("alice", "bob: hello\n"), DURABLE_LINE)
        short, long = (self._cost("alice", "bob: hello\n" * n) for n in (2, 2000))
        self.assertLessEqual(short, DURABLE_RUN)
        self.assertLess(long, short + 10)

    def test_tagged(self) -> None:
        """Nor does a line or a chunk between clients with tags."""
        self._log_in("alice", "bob", opening="/resume t\n")
        self.assertLessEqual(self._cost("alice", "bob: hello\n"), TAGGED_LINE)
        short, long = (self._cost("alice", "bob: hello\n" * n) for n in (2, 2000))
        self.assertLessEqual(short, TAGGED_RUN)
        self.assertLess(long, short + 10)

    def test_many_tags(self) -> None:
        """A session with a tag begins and ends for as much, however many of its name are here."""
        tags = MemoryMailbox(self.reactor).tags
        here: list[Tag | None] = []

        def begin(name: str) -> None:
            here.append(tags.begin("bob", name, FakeCounter()))

        costs = [calls(partial(begin, str(number))) for number in range(450)]
        costs += [calls(partial(tags.end, "bob", tag)) for tag in here if tag is not None]
        self.assertEqual(len(costs), 2 * 450)
        self.assertLess(max(costs), 150)

    def test_got(self) -> None:
        """To confirm what has come costs no more than it did, however much is not confirmed yet."""
        self._log_in("alice", "bob", opening="/resume t\n")
        costs: list[int] = []
        for chunk in (2000, 2000, 2000):
            self._send("alice", "bob: hello\n" * chunk)
            next_ones = range(len(costs) * 500 + 100, len(costs) * 500 + 600, 100)
            costs.append(
                min(calls(partial(self._send, "bob", f"/got {number}\n")) for number in next_ones)
            )
        self.assertLessEqual(max(costs), GOT)

    def test_tagged_and_durable(self) -> None:
        """Nor does a line between clients with tags there; and a refused one costs the same,
        however many refusals wait.
        """
        self._start_durable()
        self._log_in("alice", "bob", opening="/resume t\n")
        self.assertLessEqual(self._cost("alice", "bob: hello\n"), TAGGED_DURABLE_LINE)
        costs = []
        for _ in range(2):
            costs.append(self._cost("alice", "bad line\n"))
            self._send("alice", "bad line\n" * 100)
        self.assertEqual(costs[0], costs[1])

    def _start_durable(self) -> None:
        database = Database(scratch_file(self), durable=True)
        self.addCleanup(database.close)
        committer = Committer(FakeWorker(), self.reactor)
        mail_clock = MailClock(self.reactor, self.reactor.seconds)
        mailbox = SqliteMailbox(lambda: database, committer, self.reactor, LIMITS, mail_clock)
        mailbox.open()
        self._start(mailbox, durable=True)

    def test_further_recipients(self) -> None:
        """Each further recipient of a chunk costs no more than it did."""
        names = [f"peer {number}" for number in range(110)]
        self._log_in("alice", *names)
        few, many = (
            self._cost("alice", f"{', '.join(names[:n])}: hello\n" * 10) for n in (10, 110)
        )
        self.assertLessEqual((many - few) / 100, COPY)

    def test_room(self) -> None:
        """A line in a room costs so much for each member that is here, and nothing for others."""
        names = [f"peer {number}" for number in range(110)]
        self._log_in("alice", *names, opening="/rooms\n")
        for name in ("alice", *names[:10]):
            self._send(name, "/join #few\n")
        few = self._cost("alice", "#few: hello\n")
        for name in ("alice", *names):
            self._send(name, "/join #many\n")
        many = self._cost("alice", "#many: hello\n")
        self.assertLessEqual((many - few) / 100, MEMBER)
        for name in names[10:]:
            self._send(name, "/quit\n")
            self.clients.pop(name).close()
        self._settle()
        self.assertEqual(self._cost("alice", "#many: hello\n"), few)

    def test_connections(self) -> None:
        """A line costs the same however many others are connected."""
        self._log_in("alice", "bob")
        before = self._cost("alice", "bob: hello\n")
        self._log_in(*(f"peer {number}" for number in range(300)))
        self.assertEqual(self._cost("alice", "bob: hello\n"), before)

    def test_who(self) -> None:
        """Telling the names that are here again costs the same, however many there are."""
        self._log_in("alice", "bob")
        before = self._cost("alice", "/who\n")
        self._log_in(*(f"peer {number}" for number in range(300)))
        self.assertEqual(self._cost("alice", "/who\n"), before)

    def test_queue(self) -> None:
        """A line costs the same however many wait for its recipient."""
        self._log_in("alice", "bob")
        stuck = self.clients.pop("bob")
        costs = []
        for chunks in (40, 20):
            for _ in range(chunks):
                self._send("alice", "bob: hello\n" * 500)
            costs.append(self._cost("alice", "bob: hello\n"))
        self.assertGreater(stuck.unread, 0)
        self.assertEqual(costs[0], costs[1])
