"""A row that gets several readers while sessions without a device are here, in each stage."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.broker.feed import FeedState
from achat_twisted.broker.reading import Stage
from achat_twisted.broker.takeover import Duplicate
from achat_twisted.mailbox.interfaces import IMailbox
from achat_twisted.mailbox.memory import MemoryMailbox
from achat_twisted.wire.tags import Opening
from tests.disk import Desk
from tests.house import Guest, House

SWEEP = 0.25
PHONE = Opening(tag="phone", is_device=True)


class SharingTests(SynchronousTestCase):
    """A name whose first device comes."""

    durable = False

    def setUp(self) -> None:
        self.clock = Clock()
        self.house = House(
            self.mailbox(),
            self.clock,
            Duplicate.TAKEOVER,
            durable=self.durable,
            outbox_limit=1000,
        )
        self.bob = self.house.comes("bob")
        self.said = 0

    def mailbox(self) -> IMailbox:
        mailbox = MemoryMailbox(self.clock)
        mailbox.open()
        return mailbox

    def says(self, lines: int) -> None:
        """Bob says some lines to Alice, a turn for each."""
        for _ in range(lines):
            self.said += 1
            self.bob.says(f"alice: {self.said:03}{'x' * 27}")
            self.settle()

    def settle(self) -> None:
        self.house.turn()
        self.clock.advance(SWEEP)
        self.house.turn()

    def phone(self) -> Guest:
        phone = self.house.comes("alice", opening=PHONE)
        self.settle()
        return phone

    def numbers(self, *guests: Guest) -> list[int]:
        """The lines that they have got, in order."""
        return [int(line.split()[2][:3]) for guest in guests for line in guest.link.messages()]

    def ends(self, phone: Guest, *sessions: Guest) -> None:
        """All that was said has come once to the sessions, and once to the phone."""
        everything = [*range(1, self.said + 1)]
        for _ in range(20):
            phone.session.got(f"{len(phone.link.messages())}")
            self.settle()
        self.assertEqual(self.numbers(*sessions), everything)
        self.assertEqual(self.numbers(phone), everything)
        row = self.house.mailbox.rows.get("alice")
        assert row is not None
        end = self.said + 1
        self.assertEqual({**row.cursors("alice")}, {"": end, "phone": end})
        self.assertEqual(self.house.mailbox.copies(), 0)
        self.assertEqual(self.house.broker.balance().delivered, self.said)
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_live(self) -> None:
        """Lines on their way arrive once, and the phone gets them as well."""
        plain = self.house.comes("alice")
        plain.link.silence()
        self.says(3)
        phone = self.phone()
        self.says(3)
        plain.link.unblock()
        self.says(1)
        self.ends(phone, plain)

    def test_live_and_lost(self) -> None:
        """Lines on their way that do not arrive are there for the next session."""
        plain = self.house.comes("alice")
        plain.link.silence()
        self.says(4)
        phone = self.phone()
        self.says(2)
        first = len(self.house.comes("x").link.received.replace(b"x", b"alice"))
        plain.loses_connection(first + 2 * len("from bob: \n") + 2 * 30)
        self.settle()
        self.assertEqual(self.numbers(plain), [1, 2])
        self.ends(phone, plain, self.house.comes("alice"))

    def test_behind(self) -> None:
        """A session that is behind goes on being fed, from where it is."""
        plain = self.house.comes("alice")
        plain.link.block()
        self.says(60)
        self.assertIs(plain.session.feed.state, FeedState.BEHIND)
        phone = self.phone()
        self.says(3)
        for _ in range(5):
            plain.link.read_once()
            self.settle()
        plain.link.unblock()
        self.ends(phone, plain)

    def test_waiting(self) -> None:
        """A session that waits for an older one of its name still does so."""
        older = self.house.comes("alice")
        older.link.silence()
        self.says(3)
        waiting = self.house.comes("alice")
        self.assertIs(waiting.session.feed.state, FeedState.WAITING)
        phone = self.phone()
        self.says(2)
        self.assertEqual(self.numbers(waiting), [])
        older.link.unblock()
        self.settle()
        self.says(1)
        self.ends(phone, older, waiting)

    def test_leaving(self) -> None:
        """A session that leaves is sent no more than it would have been."""
        plain = self.house.comes("alice")
        plain.link.silence()
        self.says(3)
        plain.session.drain()
        self.settle()
        self.assertIs(plain.session.stage, Stage.LEAVING)
        phone = self.phone()
        self.says(2)
        plain.link.unblock()
        self.settle()
        self.assertEqual(self.numbers(plain), [1, 2, 3])
        self.ends(phone, plain, self.house.comes("alice"))

    def test_leaving_behind(self) -> None:
        """A session that leaves while it is behind ends with what it has been sent."""
        plain = self.house.comes("alice")
        plain.link.block()
        self.says(60)
        plain.session.drain()
        phone = self.phone()
        self.says(2)
        plain.link.unblock()
        self.settle()
        self.assertTrue(plain.link.finished)
        self.assertIs(plain.session.stage, Stage.OVER)
        self.ends(phone, plain, self.house.comes("alice"))

    def test_lost(self) -> None:
        """A session whose connection is lost hands nothing back that the row has already."""
        plain = self.house.comes("alice")
        plain.link.silence()
        self.says(3)
        plain.session.connection_lost()
        self.assertIs(plain.session.stage, Stage.LOST)
        phone = self.phone()
        self.says(2)
        plain.loses_connection()
        self.settle()
        self.assertEqual(self.numbers(plain), [])
        self.ends(phone, self.house.comes("alice"))

    def test_away(self) -> None:
        """Messages kept for a name that is away come to its first device, in order."""
        self.house.comes("alice", opening=Opening(tag="t")).loses_connection()
        self.settle()
        self.says(50)
        phone = self.phone()
        self.says(2)
        resumed = self.house.comes("alice", opening=Opening(tag="t"))
        for _ in range(20):
            self.settle()
            resumed.session.got(f"{len(resumed.link.messages())}")
        self.ends(phone, resumed)


class FileSharingTests(SharingTests):
    """The same with a mailbox in a file, which counts its lines and cursors when it is closed."""

    def mailbox(self) -> IMailbox:
        self.desk = Desk.of(self, self.clock)
        self.desk.durable = self.durable
        mailbox = self.desk.mailbox()
        self.addCleanup(lambda: self.successResultOf(mailbox.close()))
        return mailbox


class DurableSharingTests(FileSharingTests):
    """The same where each line is in the file before anybody gets it."""

    durable = True

    def test_crash(self) -> None:
        """Messages that had not arrived when the server crashed come to all readers again."""
        plain = self.house.comes("alice")
        plain.link.silence()
        self.says(3)
        phone = self.phone()
        phone.session.got("2")
        self.says(1)
        self.desk.crash()
        self.clock = self.desk.clock = Clock()
        mailbox = self.desk.mailbox()
        self.house = House(mailbox, self.clock, Duplicate.TAKEOVER, durable=True)
        self.assertEqual(mailbox.copies(), 2)
        again, phone = self.house.comes("alice"), self.phone()
        self.assertEqual(self.numbers(again), [1, 2, 3, 4])
        self.assertEqual(self.numbers(phone), [3, 4])
