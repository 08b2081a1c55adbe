"""Rooms and devices, from what is said to what is heard."""

from __future__ import annotations

from twisted.internet.task import Clock

from achat_twisted import wire
from achat_twisted.broker.takeover import Duplicate
from achat_twisted.limits.limits import Limits
from achat_twisted.mailbox.accounts import LINE_COST, MailLimits
from achat_twisted.mailbox.memory import MemoryMailbox
from achat_twisted.mailbox.rows import Rights
from tests.disk import Desk
from tests.house import House
from tests.reader.test_lines import Caller, ReaderTestCase


class RoomsTestCase(ReaderTestCase):
    """Clients that join rooms, where anyone may make one."""

    durable = False

    def setUp(self) -> None:
        super().setUp()
        self.opens(self.house)

    def opens(self, house: House) -> None:
        """Let a server begin."""
        self.house = house
        self.factory = self._factory(house.clock)
        self.house.broker.set_duplicate(Duplicate.TAKEOVER)
        self.house.broker.set_outbox_limit(4000)
        self.house.broker.room_commands.let_anyone_make(True)

    def comes(self, name: str, *opening: str) -> Caller:
        """C{name} logs in, with these lines before its login line."""
        caller = self.calls()
        caller.sends("".join(f"{line}\n" for line in (*opening, name)))
        self.house.turn()
        return caller

    def says(self, caller: Caller, *lines: str) -> None:
        caller.sends("".join(f"{line}\n" for line in lines))
        self.house.turn()

    def heard(self, caller: Caller) -> list[str]:
        """The lines behind C{! welcome}, with C{ERA} in place of each era."""
        lines = []
        for line in caller.link.lines()[1:]:
            if line.startswith(("! resumed ", "! joined ")):
                line = f"{line.rpartition(' ')[0]} ERA"
            lines.append(line)
        return lines


class RoomTests(RoomsTestCase):
    """A room, and those who are in it."""

    def test_said(self) -> None:
        """All members hear what is said, and the one that says it does not; nobody else does."""
        alice, bob, carol = map(self.comes, ("alice", "bob", "carol"))
        self.says(alice, "/join #ops")
        self.says(bob, "/join #ops")
        self.says(alice, "#ops: the build is green")
        self.assertEqual(self.heard(alice), ["! joined #ops 1 ERA"])
        self.assertEqual(
            self.heard(bob), ["! joined #ops 1 ERA", "from alice #ops: the build is green"]
        )
        self.assertEqual(self.heard(carol), [])

    def test_tagged(self) -> None:
        """A client with a tag hears its own lines as well, each with its number."""
        alice = self.comes("alice", "/resume t", "/rooms")
        self.says(alice, "/join #ops", "#ops: one", "#ops: two", "/sync")
        self.says(alice, "/got #ops 2")
        self.assertEqual(
            self.heard(alice),
            [
                "! resumed 0 1 ERA",
                "! joined #ops 1 ERA",
                "! synced 2",
                "from alice #ops 1: one",
                "from alice #ops 2: two",
            ],
        )
        self.assertEqual(self.house.broker.balance().delivered, 2)

    def test_away(self) -> None:
        """A member that was away hears what was said, once it is back and asks for rooms."""
        alice, bob = map(self.comes, ("alice", "bob"))
        self.says(alice, "/join #ops")
        self.says(bob, "/join #ops", "alice: direct")
        alice.is_gone()
        self.house.turn()
        self.says(bob, "#ops: one", "#ops: two")
        self.assertEqual(
            self.heard(self.comes("alice", "/rooms"))[-3:],
            [
                "! joined #ops 1 ERA",
                "from bob #ops: one",
                "from bob #ops: two",
            ],
        )

    def test_no_rooms_unasked(self) -> None:
        """A member that has not asked for rooms hears none."""
        alice, bob = map(self.comes, ("alice", "bob"))
        self.says(alice, "/join #ops")
        self.says(bob, "/join #ops")
        alice.is_gone()
        self.house.turn()
        again = self.comes("alice")
        self.says(bob, "#ops: one")
        self.assertEqual(self.heard(again), [])

    def test_refusals(self) -> None:
        """A line for a room that there is not, or for one that its sender is not in, is refused."""
        alice, bob = self.comes("alice", "/resume t"), self.comes("bob")
        self.says(bob, "/join #ops")
        self.says(alice, "#ops, #none, bob: hi", "/sync")
        self.assertEqual(
            self.heard(alice)[1:], ["! not-in #ops 1 1-1", "! unknown #none 1 1-1", "! synced 1"]
        )
        self.assertEqual(self.heard(bob)[1:], ["from alice: hi"])

    def test_part(self) -> None:
        """A member that leaves hears no more, and what it had not got is thrown away."""
        alice, bob = self.comes("alice", "/resume t", "/rooms"), self.comes("bob")
        self.says(alice, "/join #ops")
        self.says(bob, "/join #ops", "#ops: one")
        self.says(alice, "/part #ops", "/got #ops 1")
        self.says(bob, "#ops: two")
        self.assertEqual(
            self.heard(alice)[1:],
            ["! joined #ops 1 ERA", "from bob #ops 1: one", "! parted #ops"],
        )
        self.assertEqual(self.house.broker.balance().expired, 1)

    def test_log(self) -> None:
        """A member is shown what was said, as notices."""
        alice = self.comes("alice")
        self.says(alice, "/join #ops", *(f"#ops: {n}" for n in range(1, 6)))
        self.says(alice, "/log #ops 2 before 4")
        self.assertEqual(
            self.heard(alice)[-3:],
            [
                "! log #ops 2 19700101T000000Z alice: 2",
                "! log #ops 3 19700101T000000Z alice: 3",
                "! log-ends #ops 1 6",
            ],
        )

    def test_who(self) -> None:
        """A member is told who is here, and who is away."""
        alice, bob = map(self.comes, ("alice", "bob"))
        self.says(alice, "/join #ops")
        self.says(bob, "/join #ops")
        alice.is_gone()
        self.house.turn()
        self.says(bob, "/who #ops")
        self.assertEqual(self.heard(bob)[-2:], ["! who #ops: bob", "! who #ops away: alice"])

    def test_empty_room(self) -> None:
        """A room that nobody is in is joined as any other: its lines and its owners stay."""
        alice, bob = self.comes("alice"), self.comes("bob")
        self.says(alice, "/join #ops", "#ops: one", "/part #ops")
        self.says(bob, "/join #ops", "/quiet #ops on")
        self.says(bob, "/log #ops")
        self.assertEqual(
            self.heard(bob),
            [
                "! joined #ops 2 ERA",
                "! bad-line you do not own a room #ops",
                "! log #ops 1 19700101T000000Z alice: one",
                "! log-ends #ops 1 2",
            ],
        )

    def test_comes_back_in_between(self) -> None:
        """Lines sent to one that left the room count for nothing once it is in it again."""
        alice, bob = self.comes("alice"), self.comes("bob")
        self.says(alice, "/join #ops")
        self.says(bob, "/join #ops")
        alice.link.silence()
        self.says(bob, "#ops: one")
        self.says(alice, "/part #ops", "/join #ops")
        self.says(bob, "#ops: two")
        alice.link.acknowledge(len("from bob #ops: one\n"))
        alice.is_gone()
        self.house.turn()
        again = self.comes("alice", "/rooms")
        self.assertEqual(self.heard(again), ["! joined #ops 2 ERA", "from bob #ops: two"])

    def test_word_on_an_older_room(self) -> None:
        """A C{/got} for a room that is removed meanwhile says nothing about the one made again."""
        alice, bob = self.comes("alice", "/resume t", "/rooms"), self.comes("bob")
        self.says(alice, "/join #ops")
        self.says(bob, "/join #ops", "#ops: one", "#ops: two")
        room = self.house.mailbox.rows.room("#ops")
        assert room is not None
        self.house.broker.rooms.remove(room)
        self.says(bob, "/join #ops")
        again = self.house.mailbox.rows.room("#ops")
        assert again is not None
        self.house.broker.rooms.let_in(again, "alice")
        self.says(bob, "#ops: three", "#ops: four")
        self.says(alice, "/got #ops 2")
        self.assertEqual(again.kept, 2)
        self.assertEqual(
            self.heard(alice)[-4:],
            [
                "! parted #ops",
                "! joined #ops 3 ERA",
                "from bob #ops 3: three",
                "from bob #ops 4: four",
            ],
        )

    def test_many_lines(self) -> None:
        """One that returns gets all of many lines, page by page, as it says that it has them."""
        alice, bob = self.comes("alice", "/resume t", "/rooms"), self.comes("bob")
        self.says(alice, "/join #ops")
        self.says(bob, "/join #ops")
        alice.is_gone()
        self.house.turn()
        for chunk in range(0, 150, 5):
            self.says(bob, *(f"#ops: {n} {'x' * 40}" for n in range(chunk, chunk + 5)))
            self.house.clock.advance(1)
        alice = self.comes("alice", "/resume t", "/rooms")
        rounds = 0
        while len(alice.link.messages()) < 150:
            rounds += 1
            self.assertLess(rounds, 20)
            self.assertLess(rounds, len(alice.link.messages()))
            self.says(alice, f"/got #ops {len(alice.link.messages())}")
        numbers = [line.split()[3] for line in alice.link.messages()]
        self.assertEqual(numbers, [f"{number}:" for number in range(1, 151)])


class DeviceTests(RoomsTestCase):
    """Names that are here several times."""

    def test_both_hear(self) -> None:
        """Each device hears each message, and a session without a device does as well."""
        bob = self.comes("bob")
        plain = self.comes("alice")
        self.says(bob, "alice: one")
        phone, laptop = self.comes("alice", "/device p"), self.comes("alice", "/device l")
        self.says(bob, "alice: two", "alice: three")
        self.assertEqual(self.heard(plain), [f"from bob: {n}" for n in ("one", "two", "three")])
        expected = [
            "! resumed 0 1 ERA",
            "! mail 1",
            *(f"from bob: {n}" for n in ("one", "two", "three")),
        ]
        self.assertEqual(self.heard(phone), expected)
        self.assertEqual(self.heard(laptop), expected)
        self.says(phone, "/got 3")
        self.assertEqual(self.house.broker.balance().delivered, 3)
        self.assertEqual(self.house.mailbox.copies(), 0)

    def test_forgotten(self) -> None:
        """A message that only a device has got comes to others still when that is forgotten."""
        bob, plain = self.comes("bob"), self.comes("alice")
        phone = self.comes("alice", "/device p")
        plain.is_gone()
        self.house.turn()
        self.says(bob, "alice: one")
        self.says(phone, "/got 1")
        phone.is_gone()
        self.house.turn()
        laptop = self.comes("alice", "/device l")
        self.says(laptop, "/devices forget p")
        laptop.is_gone()
        self.house.turn()
        self.assertEqual(self.heard(self.comes("alice")), ["! mail 1", "from bob: one"])
        self.assertEqual(self.house.broker.balance().delivered, 1)

    def test_goes_on(self) -> None:
        """A device goes on behind what it has got, whatever others have."""
        bob, phone = self.comes("bob"), self.comes("alice", "/device p")
        laptop = self.comes("alice", "/device l")
        self.says(bob, "alice: one", "alice: two")
        self.says(phone, "/got 2")
        self.says(laptop, "/got 1")
        laptop.is_gone()
        phone.is_gone()
        self.house.turn()
        self.says(bob, "alice: three")
        self.assertEqual(
            self.heard(self.comes("alice", "/device l")),
            ["! resumed 0 2 ERA", "! mail 2", "from bob: two", "from bob: three"],
        )
        self.assertEqual(
            self.heard(self.comes("alice", "/device p")),
            ["! resumed 0 3 ERA", "! mail 1", "from bob: three"],
        )

    def test_many_messages(self) -> None:
        """A device gets all of many messages, page by page, as it says that it has them."""
        bob, phone = self.comes("bob"), self.comes("alice", "/device p")
        for chunk in range(0, 150, 5):
            self.says(bob, *(f"alice: {n} {'x' * 40}" for n in range(chunk, chunk + 5)))
            self.house.clock.advance(1)
        rounds = 0
        while len(phone.link.messages()) < 150:
            rounds += 1
            self.assertLess(rounds, 20)
            self.says(phone, f"/got {len(phone.link.messages())}")
        self.assertEqual([int(line.split()[2]) for line in phone.link.messages()], [*range(150)])

    def test_rooms_of_devices(self) -> None:
        """All sessions of a name that ask for rooms hear what one device does in them."""
        bob = self.comes("bob")
        self.says(bob, "/join #ops")
        phone = self.comes("alice", "/device p", "/rooms")
        laptop = self.comes("alice", "/device l", "/rooms")
        deaf = self.comes("alice", "/device d")
        plain = self.comes("alice", "/rooms")
        self.says(phone, "/join #ops")
        self.says(bob, "#ops: one")
        self.says(phone, "#ops: two")
        self.says(laptop, "/part #ops")
        tagged = ["! joined #ops 1 ERA", "from bob #ops 1: one", "from alice #ops 2: two"]
        for device in (phone, laptop):
            self.assertEqual(self.heard(device)[1:], [*tagged, "! parted #ops"])
        self.assertEqual(self.heard(deaf)[1:], [])
        self.assertEqual(
            self.heard(plain), ["! joined #ops 1 ERA", "from bob #ops: one", "! parted #ops"]
        )

    def test_commands(self) -> None:
        """A name is told which devices it has, and forgets one that is away."""
        bob, phone = self.comes("bob"), self.comes("alice", "/device p")
        laptop = self.comes("alice", "/device l")
        self.says(bob, "alice: one", "alice: two")
        self.says(phone, "/got 2")
        laptop.is_gone()
        self.house.turn()
        before = len(phone.link.lines())
        self.says(phone, "/devices", "/devices forget p", "/devices forget x", "/devices what")
        self.says(phone, "/devices forget l")
        self.assertEqual(
            phone.link.lines()[before:],
            [
                "! device p 0 here",
                "! device l 2 away",
                "! devices 2",
                "! bad-line 0 p is here; end its session first",
                "! bad-line 0 alice has no device x; /devices lists them",
                "! bad-line 0 say /devices, or /devices forget TAG",
                "! device p 0 here",
                "! devices 1",
            ],
        )
        again = self.comes("alice", "/device l")
        self.assertEqual(self.heard(again), ["! resumed 0 3 ERA"])

    def test_its_own_place(self) -> None:
        """A login with the tag of a device ends that device's session, and no other."""
        phone, laptop = self.comes("alice", "/device p"), self.comes("alice", "/device l")
        plain = self.comes("alice")
        again = self.comes("alice", "/device p")
        ended = [each.link.finished for each in (phone, laptop, plain, again)]
        self.assertEqual(ended, [True, False, False, False])
        self.assertEqual(phone.link.lines()[-2:], ["! replaced", "! bye 0"])

    def test_where_names_are_not_taken_over(self) -> None:
        """A device does not come beside its name where nobody may take a name over."""
        self.comes("alice")
        self.house.broker.set_duplicate(Duplicate.REJECT)
        self.assertEqual(self.calls_in("/device p"), ["! name-taken alice"])

    def calls_in(self, opening: str) -> list[str]:
        caller = self.calls()
        caller.sends(f"{opening}\nalice\n")
        self.house.turn()
        return caller.link.lines()


OWNED = [
    ("alice", "/let-in #ops bob", "! members #ops 2"),
    ("alice", "/let-in #ops bob", "! members #ops 2"),
    ("alice", "/let-in #ops nobody", "! bad-line there is nobody by the name nobody"),
    ("alice", "/let-in #ops #ops", "! bad-line there is nobody by the name #ops"),
    ("alice", "/let-in #ops", "! bad-line it needs a room, and a name"),
    ("alice", "/let-in ops bob", "! bad-line a room's name begins with #, as in #ops"),
    ("bob", "/let-in #ops carol", "! bad-line you do not own a room #ops"),
    ("bob", "/put-out #ops alice", "! bad-line you do not own a room #ops"),
    ("bob", "/quiet #ops on", "! bad-line you do not own a room #ops"),
    ("carol", "/join #ops", "! bad-line #ops is closed; one of its owners must let you in"),
    ("carol", "/who #ops", "! bad-line you are not in #ops; say /join #ops first"),
    ("carol", "/log #ops", "! bad-line you are not in #ops; say /join #ops first"),
    ("carol", "/part #ops", "! bad-line you are not in #ops; say /join #ops first"),
    ("carol", "/part #none", "! bad-line there is no room #none"),
    ("carol", "/join ops", "! bad-line a room's name begins with #, as in #ops"),
    (
        "carol",
        "/log #ops 501",
        "! bad-line say /log #ROOM, or /log #ROOM LINES (1 to 500), or with before NUMBER",
    ),
    ("carol", "#ops: may I?", "! not-in #ops 1"),
    ("alice", "/quiet #ops loud", "! bad-line say /quiet #ROOM on, or /quiet #ROOM off"),
    ("alice", "/quiet #ops on", "! quiet #ops on"),
    ("bob", "#ops: hello", "! closed #ops 1"),
    ("alice", "#ops: hello", "! synced"),
    ("alice", "/quiet #ops off", "! quiet #ops off"),
    ("bob", "#ops: hello", "! synced"),
    ("alice", "/put-out #ops carol", "! bad-line carol is not in #ops"),
    ("alice", "/put-out #ops bob", "! members #ops 1"),
    ("bob", "#ops: hello", "! not-in #ops 1"),
    ("alice", "/part #ops", "! parted #ops"),
    ("alice", "/join #ops", "! joined #ops 3 ERA"),
]
"""The owner of a closed room, a member and somebody else: their words, and the answers."""


class RightsTests(RoomsTestCase):
    """The rights in a room, and the sentences for all who have none."""

    def test_rights(self) -> None:
        """Owners let in, put out and close posting, and nobody else does."""
        callers = {name: self.comes(name) for name in ("alice", "bob", "carol")}
        self.says(callers["alice"], "/join #ops")
        room = self.house.mailbox.rows.room("#ops")
        assert room is not None
        room.rights.is_open = False
        for name, said, expected in OWNED:
            before = len(self.heard(callers[name]))
            self.says(callers[name], said, "/sync")
            heard = self.heard(callers[name])[before:]
            self.assertTrue(heard[0].startswith(expected), (name, said, heard))
            self.assertEqual(len(heard), 1 + (expected != "! synced"), (said, heard))

    def test_who_may_make_rooms(self) -> None:
        """Nobody makes a room by joining it if the operator makes them."""
        self.house.broker.room_commands.let_anyone_make(False)
        alice = self.comes("alice")
        self.says(alice, "/join #ops")
        self.assertEqual(
            self.heard(alice), ["! bad-line there is no room #ops; the operator makes rooms here"]
        )
        self.house.mailbox.rows.make_room("#ops", Rights())
        self.says(alice, "/join #ops")
        self.assertEqual(self.heard(alice)[1:], ["! joined #ops 1 ERA"])

    def test_owners_come_back(self) -> None:
        """The owner of a closed room needs nobody to be let in."""
        alice, bob = self.comes("alice"), self.comes("bob")
        self.says(alice, "/join #ops", "/let-in #ops bob", "/part #ops", "/join #ops")
        self.assertEqual(self.heard(alice)[-1], "! joined #ops 1 ERA")
        self.assertEqual(self.heard(bob), [])
        self.says(bob, "/join #ops")
        self.assertEqual(self.heard(bob), ["! joined #ops 1 ERA"])

    def test_who_while_nobody_reads(self) -> None:
        """The members of a room are not told while there is no room for the answer."""
        house = House(limits=Limits(outbox_total=3000), outbox_limit=1000)
        self.opens(house)
        guests = [house.comes(f"{number:060}") for number in range(10)]
        for guest in guests:
            house.broker.room_commands.join(guest.session, "#ops")
            guest.link.block()
        house.turn()
        with self.assertRaisesRegex(wire.BadLine, "is not answered just now"):
            for guest in guests:
                house.broker.room_commands.who(guest.session, "#ops")
                house.turn()
        self.assertLess(house.broker.pool.size, 3000)

    def test_own_lines_are_over(self) -> None:
        """A line of a client without a tag is over for it, as it does not hear that."""
        alice, bob = self.comes("alice"), self.comes("bob")
        self.says(alice, "/join #ops")
        self.says(bob, "/join #ops", "#ops: one")
        self.says(alice, "#ops: two", "#ops: three")
        room = self.house.mailbox.rows.room("#ops")
        assert room is not None
        self.house.clock.advance(0.25)
        self.assertEqual((room.kept, room.end), (0, 4))
        self.assertEqual(self.house.broker.balance().delivered, 2 * 3)

    def test_ledger(self) -> None:
        """A line in a room is as many copies as it has members, however it ends."""
        alice, bob = self.comes("alice"), self.comes("bob")
        for caller in (alice, bob, self.comes("carol", "/resume t", "/rooms")):
            self.says(caller, "/join #ops")
        self.says(alice, "#ops: one")
        self.house.clock.advance(0.25)
        balance = self.house.broker.balance()
        self.assertEqual((balance.accepted, balance.kept, balance.missing), (3, 1, 0))

    def test_full(self) -> None:
        """A line for which there is no room counts as refused for each member."""
        self.house.mailbox.limit(MailLimits(total=10))
        alice, bob = self.comes("alice"), self.comes("bob")
        self.house.mailbox.limit(MailLimits(total=1200))
        self.says(alice, "/join #ops")
        self.says(bob, "/join #ops")
        self.house.mailbox.limit(MailLimits(total=10))
        self.says(alice, "#ops: one")
        self.assertEqual(self.heard(alice)[-1], "! full #ops 1")
        self.assertEqual(self.house.broker.balance().refused["full"], 2)

    def test_kept(self) -> None:
        """A message to a name with devices of which none is here is kept for it."""
        phone, bob = self.comes("alice", "/device p"), self.comes("bob")
        self.says(bob, "alice: one")
        phone.is_gone()
        self.house.turn()
        self.says(bob, "alice: two")
        self.assertEqual(self.heard(bob), ["! kept alice 1"])


class FallenTests(RoomsTestCase):
    """Lines that fall off before all have got them."""

    def limited(self, limits: MailLimits) -> None:
        """Begin anew, with limits."""
        self.mailbox = MemoryMailbox(self.house.clock, limits)
        self.mailbox.open()
        self.opens(House(self.mailbox, self.house.clock))

    def test_missed_while_away(self) -> None:
        """One that was away is told how many lines fell off, again until it has got one."""
        self.limited(MailLimits(per_room=3 * (len("from bob #ops: 1\n") + LINE_COST)))
        alice, bob = self.comes("alice"), self.comes("bob")
        self.says(alice, "/join #ops")
        self.says(bob, "/join #ops")
        alice.is_gone()
        self.house.turn()
        self.says(bob, *(f"#ops: {number}" for number in range(1, 9)))
        for _ in range(2):
            again = self.calls()
            again.link.silence()
            again.sends("/rooms\nalice\n")
            self.house.turn()
            heard = b"".join(again.link.writes).decode().splitlines()
            self.assertEqual(
                [*heard[1][:15].split(), *heard[2:]],
                [
                    *("!", "joined", "#ops", "6"),
                    "! missed #ops 5",
                    *(f"from bob #ops: {number}" for number in (6, 7, 8)),
                ],
            )
            again.is_gone()
            self.house.turn()

    def test_missed_while_behind(self) -> None:
        """One that does not keep up is told in the stream how many lines fell off."""
        self.limited(MailLimits(per_room=150 * (len("from bob #ops: 0000 \n") + 40 + LINE_COST)))
        alice, bob = self.comes("alice", "/resume t", "/rooms"), self.comes("bob")
        self.says(alice, "/join #ops")
        self.says(bob, "/join #ops")
        for chunk in range(0, 400, 5):
            self.says(bob, *(f"#ops: {n:04} {'x' * 40}" for n in range(chunk, chunk + 5)))
            self.house.clock.advance(1)
        room = self.mailbox.rows.room("#ops")
        assert room is not None
        sent = len(alice.link.messages())
        self.assertLess(sent, room.first)
        self.says(alice, f"/got #ops {sent}")
        lost = room.first - 1 - sent
        told = self.heard(alice)[2 + sent :]
        self.assertEqual(told[0], f"! missed #ops {lost}")
        self.assertTrue(told[1].startswith(f"from bob #ops {room.first}: {room.first - 1:04}"))

    def test_sessions_that_lag(self) -> None:
        """One that lags too far behind ends, and goes on behind what was dropped; no other does."""
        self.limited(MailLimits(per_name=16 * 10 * 50))
        bob, plain = self.comes("bob"), self.comes("alice")
        sender = self.comes("alice", "/send s")
        phone, laptop = self.comes("alice", "/device p"), self.comes("alice", "/device l")
        plain.link.silence()
        for number in range(1, 26):
            self.says(bob, f"alice: {number:03} {'x' * 36}")
            self.says(phone, f"/got {number}")
        self.assertEqual(len(phone.link.messages()), 25)
        self.assertEqual((sender.link.finished, phone.link.finished), (False, False))
        self.assertEqual((plain.link.finished, laptop.link.finished), (True, True))
        plain.link.unblock()
        self.house.turn()
        row = self.mailbox.rows.get("alice")
        assert row is not None
        self.assertGreater(row.first, 10)
        laptop = self.comes("alice", "/device l")
        self.assertEqual(self.heard(laptop)[0], f"! resumed 0 {row.first} ERA")
        numbers = [int(line.split()[2]) for line in laptop.link.messages()]
        self.assertEqual(numbers, [*range(row.first, 26)])

    def test_cut_while_lines_are_under_way(self) -> None:
        """Messages not sent to a session that ends as it lags are there for the next one."""
        self.limited(MailLimits(per_name=16 * 10 * 50))
        bob, plain = self.comes("bob"), self.comes("alice")
        phone = self.comes("alice", "/device p")
        plain.link.block()
        for number in range(1, 14):
            self.says(bob, f"alice: {number:03} {'x' * 36}")
            self.says(phone, f"/got {number}")
        for number in range(14, 17):
            self.says(bob, f"alice: {number:03} {'x' * 36}")
        plain.link.unblock()
        self.house.turn()
        plain.is_gone()
        self.house.turn()
        had = [int(line.split()[2]) for line in plain.link.messages()]
        again = self.comes("alice")
        self.says(phone, "/got 16")
        got = [int(line.split()[2]) for line in again.link.messages()]
        self.assertLessEqual({14, 15, 16}, {*had, *got})


class _InFile(RoomsTestCase):
    """A server with a mailbox in a file."""

    durable = False

    def setUp(self) -> None:
        super().setUp()
        self.desk = Desk.of(self, Clock())
        self.desk.durable = self.durable
        self.begins()

    def begins(self) -> None:
        """The server begins, on what the one before has left."""
        self.desk.clock = Clock()
        self.opens(House(self.desk.mailbox(), self.desk.clock, durable=self.durable))

    def stops(self) -> None:
        """The server stops in order."""
        self.successResultOf(self.house.mailbox.close())


class FileRoomTests(_InFile, RoomTests):
    """Rooms in a file."""

    def test_restart(self) -> None:
        """A room, those who are in it, what was said, and its numbers outlive a stop."""
        alice, bob = self.comes("alice", "/resume t", "/rooms"), self.comes("bob")
        self.says(alice, "/join #ops", "#ops: one", "#ops: two")
        self.says(bob, "/join #ops", "#ops: three")
        self.says(alice, "/got #ops 1")
        era = alice.link.lines()[2].split()[-1]
        for caller in (alice, bob):
            caller.is_gone()
        self.house.turn()
        kept = self.house.mailbox.copies()
        self.stops()
        self.begins()
        self.assertEqual(self.house.mailbox.copies(), kept)
        alice = self.comes("alice", "/resume t", "/rooms")
        self.assertEqual(
            self.heard(alice),
            [
                "! resumed 2 1 ERA",
                "! joined #ops 2 ERA",
                "from alice #ops 2: two",
                "from bob #ops 3: three",
            ],
        )
        self.assertEqual(alice.link.lines()[2].split()[-1], era)

    def test_crash(self) -> None:
        """After a crash a room has its lines, in another era if the file cannot vouch for them."""
        alice = self.comes("alice", "/resume t", "/rooms")
        self.says(alice, "/join #ops", "#ops: one")
        era = alice.link.lines()[2].split()[-1]
        alice.is_gone()
        self.house.turn()
        self.stops()
        self.begins()
        self.desk.worker.held = True  # so that it crashes before its first commit
        self.comes("bob")
        self.desk.crash()
        self.begins()
        again = self.comes("alice", "/resume t", "/rooms")
        self.assertEqual(self.heard(again)[1:], ["! joined #ops 1 ERA", "from alice #ops 1: one"])
        self.assertEqual(again.link.lines()[2].split()[-1] == era, self.durable)


class FileDeviceTests(_InFile, DeviceTests):
    """Devices in a file."""


class DurableRoomTests(FileRoomTests):
    """Rooms in a file that outlives a crash."""

    durable = True

    def stops(self) -> None:
        self.desk.crash()


class DurableDeviceTests(FileDeviceTests):
    """Devices, likewise."""

    durable = True
