"""Rooms and devices when something comes between: sessions that end late, lines that fall off."""

from __future__ import annotations

from achat_twisted.mailbox import rows
from achat_twisted.mailbox.accounts import MailLimits
from tests.house import House
from tests.reader.test_lines import Caller
from tests.reader.test_rooms import RoomsTestCase, _InFile

LONG = "x" * 60


class _Room(RoomsTestCase):
    """A room with two members, Bob and Alice."""

    def setUp(self) -> None:
        super().setUp()
        self.bob, self.alice = self.comes("bob"), self.comes("alice")
        for caller in (self.bob, self.alice):
            self.says(caller, "/join #ops")

    def many(self, count: int) -> None:
        """Bob says so many lines in the room."""
        for number in range(1, count + 1):
            self.says(self.bob, f"#ops: {number} {LONG}")

    def leaves(self, caller: Caller) -> None:
        caller.is_gone()
        self.house.turn()


class PageTests(_Room):
    """More lines than an outbox holds."""

    def test_returns(self) -> None:
        """A member that returns hears all that was said, however much it is."""
        self.leaves(self.alice)
        self.many(200)
        self.assertEqual(len(self.comes("alice", "/rooms").link.messages()), 200)

    def test_slow(self) -> None:
        """A member that reads again hears what was said meanwhile, and what is said then."""
        self.alice.link.block()
        self.many(200)
        self.alice.link.unblock()
        self.house.turn()
        self.says(self.bob, "#ops: the end")
        self.house.clock.advance(1)
        self.assertEqual(len(self.alice.link.messages()), 201)
        self.assertEqual(self.house.mailbox.copies(), 0)

    def test_device(self) -> None:
        """A device that returns gets all of its messages, as it confirms them."""
        self.leaves(self.comes("carol", "/device p"))
        for number in range(200):
            self.says(self.bob, f"carol: {number} {LONG}")
        phone = self.comes("carol", "/device p")
        while (count := len(phone.link.messages())) < 200:
            self.says(phone, f"/got {count}")
            self.assertGreater(len(phone.link.messages()), count)

    def test_many_rooms(self) -> None:
        """A name that is in many rooms is not sent a page of each at once."""
        rooms = [f"#r{number}" for number in range(40)]
        for caller in (self.bob, self.alice):
            self.says(caller, *(f"/join {room}" for room in rooms))
        self.leaves(self.alice)
        for room in rooms:
            self.says(self.bob, *(f"{room}: {LONG}" for _ in range(60)))
        back = self.calls()
        back.link.block()
        back.sends("/rooms\nalice\n")
        self.house.turn()
        (session,) = [each for each in self.house.broker.sessions if each.name == "alice"]
        self.assertLess(session.outbox.size, 4 * session.outbox.limit)
        back.link.unblock()
        self.house.turn()
        self.assertEqual(len(back.link.messages()), 40 * 60)

    def test_own_lines(self) -> None:
        """A room full of one's own lines, of which none is told, is passed page by page."""
        self.leaves(self.alice)
        self.says(self.comes("alice", "/send t"), *[f"#ops: {LONG}"] * 5000)
        back = self.comes("alice", "/rooms")
        self.says(self.bob, "#ops: the end")
        self.assertEqual(back.link.messages(), ["from bob #ops: the end"])

    def test_fallen_window(self) -> None:
        """Lines that fall off while they are on their way take up no room for ever."""
        self.house.mailbox.limit(MailLimits(per_room=9000))
        self.leaves(self.alice)
        alice = self.comes("alice", "/rooms", "/resume t")
        self.many(200)
        self.assertLess(len(alice.link.messages()), 100)
        for _ in range(3):
            number = alice.link.messages()[-1].split()[3].removesuffix(":")
            self.says(alice, f"/got #ops {number}")
        self.assertEqual(alice.link.messages()[-1], f"from bob #ops 200: 200 {LONG}")


class TakeoverTests(_Room):
    """Sessions that wait for an older one of their name to end."""

    def slow(self) -> None:
        """A line is on its way to Alice, who does not read."""
        self.alice.link.block()
        self.says(self.bob, "#ops: one")

    def takes_over(self, *lines: str) -> Caller:
        """The lines of a client that logs in as Alice come at once; then her older one ends."""
        caller = self.calls()
        caller.sends("".join(f"{line}\n" for line in lines))
        self.house.turn()
        self.alice.link.unblock()
        self.house.turn()
        return caller

    def test_joins_early(self) -> None:
        """A client that joins while an older session of its name ends hears each line once."""
        self.slow()
        alice = self.takes_over("alice", "/join #ops")
        self.says(self.bob, "#ops: two")
        self.assertEqual(alice.link.messages().count("from bob #ops: two"), 1)

    def test_joins_again_early(self) -> None:
        """One that has said /rooms as well is told where it goes on when it begins."""
        self.slow()
        alice = self.takes_over("/rooms", "alice", "/join #ops")
        self.says(self.bob, "#ops: two")
        self.assertEqual(self.heard(alice), ["! joined #ops 2 ERA", "from bob #ops: two"])

    def test_leaves_early(self) -> None:
        """One that leaves the room before it begins is told so."""
        self.slow()
        alice = self.takes_over("/rooms", "alice", "/part #ops")
        self.says(self.bob, "#ops: two")
        self.assertEqual(self.heard(alice), ["! parted #ops"])

    def test_quits_early(self) -> None:
        """One that ends its input before it begins is sent nothing of its rooms."""
        self.leaves(self.alice)
        self.says(self.bob, "#ops: one")
        self.alice = self.comes("alice")
        self.slow()
        alice = self.takes_over("/rooms", "alice", "/quit")
        self.assertEqual(self.heard(alice), ["! bye 1"])

    def test_tag_of_a_sender(self) -> None:
        """A device begins though the tag is forgotten with the session that has only sent."""
        sender = self.comes("alice", "/send t")
        sender.link.block()
        self.says(self.bob, "#ops: one")
        self.house.clock.advance(1)  # so that Alice is known to have that
        phone = self.comes("alice", "/rooms", "/device t")
        sender.link.unblock()
        self.house.turn()
        self.says(self.bob, "alice: hi")
        self.assertEqual(
            self.heard(phone),
            ["! resumed 0 1 ERA", "! joined #ops 2 ERA", "from bob: hi"],
        )


class LeavingTests(_Room):
    """Members that leave while lines are on their way."""

    def test_arrives_between(self) -> None:
        """Lines that arrive while the name is not in the room are not taken off later ones."""
        self.alice.link.silence()
        self.says(self.bob, *(f"#ops: old {number}" for number in range(3)))
        self.says(self.alice, "/part #ops")
        self.alice.link.unblock()
        self.house.clock.advance(1)
        self.says(self.alice, "/join #ops")
        self.says(self.bob, *(f"#ops: new {number}" for number in range(3)))
        self.house.clock.advance(1)
        self.assertEqual(self.house.mailbox.copies(), 0)


class FallenDeviceTests(RoomsTestCase):
    """Lines of a name that only some of its sessions have not got, and that take too much."""

    def setUp(self) -> None:
        super().setUp()
        self.house.mailbox.limit(MailLimits(per_name=16_000))
        self.bob = self.comes("bob")
        self.plain = self.comes("alice")
        self.phone = self.comes("alice", "/device p")
        self.comes("alice", "/device drawer").is_gone()
        self.house.turn()
        self.plain.link.silence()
        self.sender = self.comes("alice", "/send s")

    def many(self) -> None:
        """The phone gets many lines, of which the plain session acknowledges none."""
        for number in range(1, 61):
            self.says(self.bob, f"alice: {number} {LONG}")
            self.says(self.phone, f"/got {number}")

    def test_plain(self) -> None:
        """A session that does not read ends, whatever it acknowledges then."""
        self.many()
        self.plain.link.unblock()
        self.house.turn()
        self.assertEqual(self.plain.link.lines()[-1], "! bye 0")
        self.says(self.bob, "alice: the end")
        self.assertEqual(self.phone.link.messages()[-1], "from bob: the end")

    def test_sender(self) -> None:
        """A session of the name that only sends goes on."""
        self.many()
        self.says(self.sender, "bob: hi", "/sync")
        self.assertEqual(self.sender.link.lines()[-1], "! synced 1")

    def test_waits(self) -> None:
        """One that waits for the older one to end has missed nothing yet, and stays."""
        plain = self.calls()
        plain.sends("alice\n")
        self.house.turn()
        self.many()
        self.plain.link.unblock()
        self.house.turn()
        self.says(self.bob, "alice: the end")
        self.assertEqual(plain.link.messages()[-1], "from bob: the end")

    def test_next(self) -> None:
        """One that comes while the older one ends gets what its name has not got, all of it."""
        self.many()
        plain = self.calls()
        plain.sends("alice\n")
        self.house.turn()
        self.says(self.bob, *(f"alice: new {number}" for number in range(30)))
        self.plain.link.unblock()
        self.house.turn()
        new = [f"from bob: new {number}" for number in range(30)]
        self.assertEqual(plain.link.messages(), new)


class ForgottenNamesTests(RoomsTestCase):
    """More names than a server remembers."""

    def setUp(self) -> None:
        super().setUp()
        self.house.mailbox.limit(MailLimits(names=3))

    def others_come(self) -> None:
        """More names come and go than are remembered."""
        for number in range(6):
            self.comes(f"guest{number}").is_gone()
            self.house.turn()

    def test_room(self) -> None:
        """A room is not forgotten, though it has no session."""
        alice, bob = self.comes("alice", "/rooms"), self.comes("bob", "/rooms")
        self.says(alice, "/join #ops")
        self.says(bob, "/join #ops")
        self.others_come()
        self.says(alice, "#ops: hi")
        self.assertEqual(bob.link.messages(), ["from alice #ops: hi"])


class FileForgottenNamesTests(_InFile, ForgottenNamesTests):
    """The same with a file, whose next server remembers as few."""

    def begins(self) -> None:
        mailbox = self.desk.mailbox(MailLimits(names=3))
        self.opens(House(mailbox, self.desk.clock))

    def test_restart(self) -> None:
        """A member is not forgotten, though it has no mail, and was known before others."""
        alice, bob = self.comes("alice"), self.comes("bob")
        self.says(alice, "/join #ops")
        alice.is_gone()
        self.says(bob, "/join #ops", "#ops: one")
        bob.is_gone()
        self.others_come()
        self.stops()
        self.begins()
        alice = self.comes("alice", "/rooms")
        self.assertEqual(alice.link.messages(), ["from bob #ops: one"])


class MakingTests(RoomsTestCase):
    """Clients that make rooms."""

    def test_cannot_join(self) -> None:
        """A client that is in too many rooms makes none, rather than one that nobody is in."""
        self.patch(rows, "MOST_JOINED", 1)
        alice = self.comes("alice")
        self.says(alice, "/join #one", "/join #two")
        self.assertEqual(
            self.heard(alice)[1:],
            ["! bad-line alice cannot join #two, as there is no room for more"],
        )
        self.assertIsNone(self.house.mailbox.rows.room("#two"))


class ShowingTests(_Room):
    """Long answers."""

    def test_no_room(self) -> None:
        """No room's names and lines are shown while too much waits for all clients."""
        self.limits.outbox_total = 1
        self.says(self.alice, "/who #ops")
        refused = (
            "! bad-line /who #ops is not answered just now, as too much waits for clients that do"
            " not read"
        )
        self.assertIn(refused, self.heard(self.alice))

    def test_rate(self) -> None:
        """Names and lines that are shown count as copies do."""
        self.limits.limit_local, self.limits.room_rate = True, 1
        self.many(4)
        self.says(self.alice, "/who #ops", "/log #ops")
        self.assertNotIn("! slow-down 1 copies", self.heard(self.alice))
        self.says(self.alice, "/log #ops 2", "/who #ops", "/who #ops")
        self.assertIn("! slow-down 1 copies", self.heard(self.alice))


class StoppingTests(_Room):
    """The last lines of clients as the server stops."""

    def test_too_fast(self) -> None:
        """A client that has made too many copies in rooms holds up no stop."""
        self.limits.limit_local, self.limits.room_rate = True, 1
        for caller in (self.alice, self.comes("carol", "/resume t")):
            self.says(caller, "/join #ops", *["#ops: hi"] * 8)
            self.assertIn("! slow-down 1 copies", self.heard(caller))
            self.successResultOf(caller.reader.stop())


class FileShowingTests(_InFile):
    """Long answers out of a file."""

    def test_order(self) -> None:
        """A client asks for one page at a time, as it is not read before that is there."""
        alice = self.comes("alice")
        self.says(alice, "/join #ops", "#ops: one", "#ops: two")
        self.desk.worker.held = True
        self.says(alice, "/log #ops 1", "/ping")
        self.assertNotIn("! pong", alice.link.lines())
        self.desk.worker.release()
        self.house.turn()
        self.assertEqual(alice.link.lines()[-2:], ["! log-ends #ops 1 3", "! pong"])

    def test_broken(self) -> None:
        """A disk that fails costs an answer, and no traceback."""
        alice = self.comes("alice", "/resume t")
        self.says(alice, "/join #ops", "#ops: one")
        self.desk.disk.broken = True
        self.says(alice, "/log #ops")
        self.assertEqual(
            self.heard(alice)[-1], "! bad-line 0 the log of #ops cannot be read just now"
        )


class LimitTests(RoomsTestCase):
    """Rooms in a mailbox that is full."""

    def test_full(self) -> None:
        """A line for which there is no room does not cost what was said before."""
        alice, bob = self.comes("alice"), self.comes("bob")
        self.says(alice, "/join #ops", "#ops: one")
        self.says(bob, "alice: hi")
        alice.is_gone()
        self.house.turn()
        self.says(bob, "/join #ops", *[f"alice: {LONG}"] * 20)
        self.house.mailbox.limit(MailLimits(total=self.house.mailbox.size() - 1000))
        self.says(bob, "#ops: two")
        self.assertEqual(bob.link.lines()[-1], "! full #ops 1")
        room = self.house.mailbox.rows.room("#ops")
        assert room is not None
        self.assertEqual(room.end - room.first, 1)
