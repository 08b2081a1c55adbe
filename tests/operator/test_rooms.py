"""The operator's rooms: what is asked, and what comes of it."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.operator.protocol import Facts, NotDone
from achat_twisted.operator.rooms import RoomDesk
from achat_twisted.wire.tags import Opening
from tests.house import House

REFUSED = [
    ("add #dev bad:name", "'bad:name' is no name: it contains :"),
    ("owners #ops bad:name", "'bad:name' is no name: it contains :"),
    (
        "dance #ops",
        "room takes list, or one of add, remove, members, let-in, put-out, open, closed, owners"
        " and a room",
    ),
    ("add ops", "a room's name begins with #, as in #ops"),
    ("add #ops", "there is a room #ops already"),
    ("remove #none", "there is no room #none"),
    ("members #none", "there is no room #none"),
    ("open #none", "there is no room #none"),
    ("owners #none alice", "there is no room #none"),
    ("put-out #ops nobody", "nobody is not in #ops"),
    ("let-in #ops #dev", "#dev is not let in: "),
]


class RoomDeskTests(SynchronousTestCase):
    """L{RoomDesk}."""

    def setUp(self) -> None:
        self.house = House()
        self.desk = RoomDesk(self.house.broker.rooms, self.house.mailbox)
        self.alice = self.house.comes("alice", opening=Opening(rooms=True))
        self.do("add #ops alice")
        self.do("let-in #ops alice, bob")
        self.alice.says("#ops: hello")
        self.house.turn()

    def do(self, request: str) -> Sequence[Facts]:
        facts = [*self.desk.do(request)]
        self.house.turn()
        return facts

    def test_refused(self) -> None:
        """A wish that cannot be granted is refused in a sentence."""
        for request, why in REFUSED:
            error = self.assertRaises(NotDone, self.do, request)
            self.assertTrue(str(error).startswith(why), (request, str(error)))

    def test_list(self) -> None:
        """Rooms are listed by name, with what is in them, and who may do what."""
        self.do("add #dev")
        dev, ops = self.do("list")
        self.assertEqual((dev["room"], dev["members"], dev["owners"]), ("#dev", 0, "-"))
        size = len("from alice #ops: hello\n")
        self.assertEqual(
            ops,
            {
                "room": "#ops",
                "members": 2,
                "lines": 1,
                "bytes": size,
                "kept": 1,
                "door": "open",
                "quiet": "no",
                "owners": "alice",
            },
        )

    def test_members(self) -> None:
        """Members are listed with what they have not got."""
        alice, bob = self.do("members #ops")
        self.assertEqual(alice, {"name": "alice", "left": 0, "devices": 0, "owner": "yes"})
        self.assertEqual(bob, {"name": "bob", "left": 1, "devices": 0, "owner": "no"})

    def test_rights(self) -> None:
        """A room is closed and opened, and gets other owners."""
        (facts,) = self.do("closed #ops")
        self.assertEqual(facts["door"], "closed")
        (facts,) = self.do("open #ops")
        self.assertEqual(facts["door"], "open")
        (facts,) = self.do("owners #ops carol, bob")
        self.assertEqual(facts["owners"], "bob, carol")
        (facts,) = self.do("owners #ops")
        self.assertEqual(facts["owners"], "-")

    def test_put_out(self) -> None:
        """One that is put out is told, and what it has not got is thrown away."""
        (facts,) = self.do("put-out #ops alice, bob")
        self.assertEqual((facts["members"], facts["lines"], facts["kept"]), (0, 1, 0))
        self.assertEqual(self.alice.link.lines()[-1], "! parted #ops")
        self.assertEqual(self.house.broker.balance().expired, 1)

    def test_remove(self) -> None:
        """A room is removed with all that was said in it, its members are told, and how much."""
        self.assertEqual(self.do("remove #ops"), [{"members": 2, "lines": 1, "copies": 1}])
        self.assertEqual(self.alice.link.lines()[-1], "! parted #ops")
        self.assertEqual(self.do("list"), [])
        self.assertEqual(
            (self.house.mailbox.copies(), self.house.mailbox.names()), (0, ["alice", "bob"])
        )
