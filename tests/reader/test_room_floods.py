"""Rooms and devices that somebody means harm with, or that are just many."""

from __future__ import annotations

from functools import partial
from itertools import count

from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.broker.audience import Audience
from achat_twisted.mailbox.accounts import MailLimits
from achat_twisted.mailbox.memory import MemoryMailbox
from achat_twisted.mailbox.rows import CURSOR_COST
from achat_twisted.mailbox.shared import SharedRow
from tests.house import House
from tests.reader.test_lines import Caller
from tests.reader.test_rooms import RoomsTestCase


class FloodTestCase(RoomsTestCase):
    """A server whose mailbox may have small limits."""

    def limited(self, limits: MailLimits) -> None:
        """Let a server with such limits begin."""
        mailbox = MemoryMailbox(self.house.clock, limits)
        self.opens(House(mailbox, self.house.clock, limits=self.limits))

    def leaves(self, *callers: Caller) -> None:
        for caller in callers:
            caller.is_gone()
        self.house.turn()


class CrowdTests(FloodTestCase):
    """Names that are made up, again and again."""

    def test_rooms_outlive_names(self) -> None:
        """A room is there however many names come and go that nobody remembers."""
        self.limited(MailLimits(names=2))
        alice = self.comes("alice")
        self.says(alice, "/join #ops")
        for number in range(5):
            self.leaves(self.comes(f"guest {number}"))
        self.says(alice, "#ops: is it there?", "/who #ops")
        self.assertEqual(self.heard(alice)[1:], ["! who #ops: alice", "! who #ops away:"])

    def test_names_with_devices_are_forgotten(self) -> None:
        """A name that had a device is forgotten as any other, when too many have come since."""
        self.limited(MailLimits(names=2))
        for number in range(5):
            self.leaves(self.comes(f"guest {number}", "/device d"))
        self.assertEqual(self.house.mailbox.names(), ["guest 3", "guest 4"])
        self.assertEqual(self.house.mailbox.size(), 2 * (1024 + CURSOR_COST))

    def test_mail_for_a_device(self) -> None:
        """One whose mail is thrown away is forgotten as well, and not before."""
        self.limited(MailLimits(names=2))
        self.leaves(self.comes("alice", "/device d"))
        bob = self.comes("bob")
        self.says(bob, "alice: hi")
        for number in range(3):
            self.leaves(self.comes(f"guest {number}"))
        self.assertIn("alice", self.house.mailbox.names())
        self.house.mailbox.purge("alice")
        for number in range(3, 5):
            self.leaves(self.comes(f"guest {number}"))
        self.assertNotIn("alice", self.house.mailbox.names())

    def test_devices_without_a_beginning(self) -> None:
        """Of a device that is gone before it could begin nothing is left."""
        self.leaves(self.comes("alice", "/device d"))
        size = self.house.mailbox.size()
        for number in range(5):
            caller = self.calls()
            caller.sends(f"/device {number}\nalice\n")
            self.leaves(caller)
        self.assertEqual(self.house.mailbox.size(), size)
        alice = self.comes("alice")
        self.says(alice, "/devices")
        self.assertEqual(self.heard(alice), ["! device d 0 away", "! devices 1"])

    def test_devices_in_rooms_have_room(self) -> None:
        """A name may have as many devices, in as many rooms, as the mailbox has room for; but a
        full one does not keep out its first.
        """
        joins = [f"/join #{number}" for number in range(10)]
        self.limited(MailLimits(total=30 * CURSOR_COST))
        self.says(self.comes("alice"), *joins)
        refusal = "! busy too much is remembered for other tags"
        refused = [
            refusal in self.heard(self.comes("alice", f"/device {number}")) for number in range(4)
        ]
        self.assertEqual(refused, [False, True, True, True])


class WindowTests(FloodTestCase):
    """Members with a tag, to which no more is sent than they have confirmed."""

    def fills(self) -> tuple[Caller, Caller]:
        """Bob, who has not confirmed the first 90 lines of a room; and Alice, who has said 100."""
        bob, alice = self.comes("bob", "/resume t", "/rooms"), self.comes("alice")
        self.says(bob, "/join #ops", "/join #dev")
        self.says(alice, "/join #ops", "/join #dev")
        for number in count(1):
            self.says(alice, f"#ops: {number} {'x' * 80}")
            if not self.heard(bob)[-1].startswith(f"from alice #ops {number}:"):
                return bob, alice
        raise AssertionError

    def test_lines_that_fall_off(self) -> None:
        """A member goes on when it has confirmed lines that have fallen off meanwhile."""
        bob, alice = self.fills()
        last = len(bob.link.messages())
        room = self.house.mailbox.rows.room("#ops")
        assert room is not None
        self.house.mailbox.rows.drop(room, room.end)
        self.says(bob, f"/got #ops {last}")
        self.says(alice, "#ops: new")
        self.assertEqual(self.heard(bob)[-1], f"from alice #ops {room.end - 1}: new")

    def test_parted(self) -> None:
        """What waits in one room comes when another one, of which much was sent, is left."""
        bob, alice = self.fills()
        text = "x" * 80
        self.says(alice, f"#dev: {text}")
        self.assertNotIn(f"from alice #dev 1: {text}", self.heard(bob))
        self.says(bob, "/part #ops")
        self.assertEqual(self.heard(bob)[-1], f"from alice #dev 1: {text}")


class AudienceTests(SynchronousTestCase):
    """L{Audience}."""

    def test_is_announced_once(self) -> None:
        """The first line to tell is known as such, and so is the next one after the telling."""
        row = SharedRow("#ops")
        audience = Audience(row)
        is_first = []
        for _ in range(2):
            row.append(10)
            is_first.append(audience.post("alice", b"from alice #ops: x\n"))
        audience.tell(100)
        is_first.append(audience.post("alice", b"from alice #ops: x\n"))
        self.assertEqual(is_first, [True, False, True])


class AskingTests(FloodTestCase):
    """Commands that are answered at length."""

    def test_long_answers_count(self) -> None:
        """Looking at a room counts for C{--room-rate}, by what is shown of it."""
        self.limits.limit_local = True
        self.limits.room_rate = 1
        for ask in ("/log #ops 10", "/who #ops"):
            with self.subTest(ask):
                self.opens(House(clock=self.house.clock, limits=self.limits))
                alice = self.comes("alice")
                self.says(alice, "/join #ops", *["#ops: x"] * 5)
                for _ in range(20):
                    self.says(alice, ask)
                self.assertIn("! slow-down 1 copies", self.heard(alice))
                self.assertLess(len(self.heard(alice)), 60)

    def test_others_have_their_turn(self) -> None:
        """Of commands that take long, one is done in each turn of a client's."""
        for number, ask in enumerate(("/who #ops", "/log #ops", "/part #ops\n/join #ops")):
            caller = self.comes(f"caller {number}")
            self.says(caller, "/join #ops")
            before = self.heard(caller)
            caller.sends(f"{ask}\n" * 3 + "/ping\n")
            heard = self.house.each_turn(partial(self.heard, caller))
            is_alone = any(before != each and "! pong" not in each for each in heard)
            self.assertTrue(is_alone, ask)
            self.assertEqual(heard[-1][-1], "! pong")

    def test_who_has_room(self) -> None:
        """The members of a room are not named when too much waits for clients already."""
        self.limits.outbox_total = 100
        alice = self.comes("alice")
        self.says(alice, "/join #ops")
        self.says(alice, "/who #ops")
        self.assertEqual(self.heard(alice)[-1], "! who #ops away:")
        self.limits.outbox_total = 30
        self.says(alice, "/who #ops")
        self.assertIn("/who #ops is not answered just now", self.heard(alice)[-1])
