"""Shared rows: their limits, what falls off, and what a file holds of them."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from sqlite3 import connect

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.mailbox import rows as rows_module
from achat_twisted.mailbox.accounts import EXPIRY, LIMITS, LINE_COST, MailLimits
from achat_twisted.mailbox.checkup import APPLICATION
from achat_twisted.mailbox.database import Database
from achat_twisted.mailbox.interfaces import IMailbox
from achat_twisted.mailbox.layout import SCHEMA, Schema
from achat_twisted.mailbox.memory import MemoryMailbox
from achat_twisted.mailbox.rows import CURSOR_COST, MOST_JOINED, Rights, Room
from achat_twisted.mailbox.shared import FORGOTTEN, SharedRow
from achat_twisted.mailbox.tags import TAG_COST
from achat_twisted.tools.errors import Unusable
from tests.disk import Desk
from tests.logged import Logged
from tests.mailboxes import DAY, FakeCounter

LINE = b"from bob #r: 0123456789\n"
COST = len(LINE) + LINE_COST


class RowsTests(SynchronousTestCase):
    """The rows of a mailbox in memory."""

    mailbox: IMailbox

    def setUp(self) -> None:
        self.clock = Clock()

    def make(self, limits: MailLimits = LIMITS) -> IMailbox:
        self.mailbox = MemoryMailbox(self.clock, limits)
        self.mailbox.open()
        return self.mailbox

    def room(self, mailbox: IMailbox, *members: str) -> Room:
        room = mailbox.rows.make_room("#r", Rights())
        assert room is not None
        for name in members:
            assert mailbox.rows.join(room, name)
        return room

    def lines(self, mailbox: IMailbox, row: SharedRow, position: int) -> list[bytes]:
        page = mailbox.rows.page(row, position, 10**6)
        self.clock.advance(0)
        return [*self.successResultOf(page)]

    def test_room_limit(self) -> None:
        """The oldest lines of a room make way for new ones, and are counted as expired."""
        mailbox = self.make(MailLimits(per_room=3 * COST))
        room = self.room(mailbox, "alice", "bob")
        for _ in range(5):
            self.assertTrue(mailbox.rows.post(room, LINE))
        self.assertEqual((room.first, room.end), (3, 6))
        self.assertEqual((mailbox.copies(), mailbox.expired), (6, 4))
        self.assertEqual(self.lines(mailbox, room, 3), [LINE] * 3)
        self.assertEqual(mailbox.size(), 3 * COST + 2 * CURSOR_COST)

    def test_all_rooms(self) -> None:
        """The lines of all rooms take half of the mailbox at most."""
        mailbox = self.make(MailLimits(total=8 * COST + 2 * CURSOR_COST))
        room = self.room(mailbox, "alice", "bob")
        for _ in range(50):
            self.assertTrue(mailbox.rows.post(room, LINE))
        self.assertLessEqual(mailbox.size(), 4 * COST + 3 * CURSOR_COST)
        self.assertGreater(len(self.lines(mailbox, room, room.first)), 2)

    def test_fair(self) -> None:
        """A room that has all that rooms may have leaves the others what they need."""
        mailbox = self.make(MailLimits(total=64 * COST + 6 * CURSOR_COST))
        large, small = self.room(mailbox, "alice", "bob"), mailbox.rows.make_room("#s", Rights())
        assert small is not None
        mailbox.rows.join(small, "alice")
        for _ in range(60):
            self.assertTrue(mailbox.rows.post(large, LINE))
        for _ in range(10):
            self.assertTrue(mailbox.rows.post(small, LINE))
        self.assertEqual(small.end - small.first, 10)
        self.assertGreater(large.end - large.first, 15)
        self.assertLessEqual(mailbox.size(), 32 * COST + 6 * CURSOR_COST)

    def test_all_fallen(self) -> None:
        """A name all of whose readers have missed the same lines counts no cursor twice."""
        mailbox = self.make(MailLimits(age=DAY))
        row = mailbox.share("alice", [])
        for device in ("", "phone"):
            mailbox.rows.follow(row, "alice", device)
        for _ in range(2):
            mailbox.rows.post(row, LINE)
            mailbox.rows.advance(row, "alice", "", row.end)
            mailbox.rows.post(row, LINE)
            self.clock.advance(DAY + EXPIRY)
            self.clock.advance(0)
            self.assertEqual((row.first, mailbox.copies()), (row.end, 0))
            self.assertEqual(mailbox.size_for("alice"), CURSOR_COST * len(row.cursors("alice")))

    def test_age(self) -> None:
        """Lines of a room fall off when they are too old, whoever is here."""
        mailbox = self.make(MailLimits(age=DAY))
        room = self.room(mailbox, "alice")
        mailbox.enroll("alice")
        mailbox.rows.post(room, LINE)
        self.clock.advance(DAY / 2)
        mailbox.rows.post(room, LINE)
        self.clock.advance(DAY / 2 + EXPIRY)
        self.clock.advance(0)
        self.assertEqual((room.first, room.end, mailbox.copies()), (2, 3, 1))

    def test_full_for_a_name(self) -> None:
        """A name with devices has room for as much as any other, by its foremost device."""
        mailbox = self.make(MailLimits(per_name=3 * COST))
        row = mailbox.share("alice", [])
        for device in ("phone", "laptop"):
            mailbox.rows.follow(row, "alice", device)
        self.assertEqual([mailbox.rows.post(row, LINE) for _ in range(4)], [True] * 3 + [False])
        mailbox.rows.advance(row, "alice", "phone", 3)
        self.assertEqual([mailbox.rows.post(row, LINE) for _ in range(3)], [True] * 2 + [False])
        self.assertEqual(mailbox.copies(), 3)

    def test_goes_when_all_have_it(self) -> None:
        """A line of a name goes when each of its devices has got it, not before."""
        mailbox = self.make()
        row = mailbox.share("alice", [])
        for device in ("phone", "laptop"):
            mailbox.rows.follow(row, "alice", device)
        for _ in range(3):
            mailbox.rows.post(row, LINE)
        self.assertEqual(mailbox.rows.advance(row, "alice", "phone", 4), 3)
        self.assertEqual((row.first, mailbox.copies()), (1, 0))
        self.assertEqual(mailbox.rows.advance(row, "alice", "laptop", 3), 0)
        self.assertEqual((row.first, row.end), (3, 4))
        self.assertEqual(self.lines(mailbox, row, 3), [LINE])

    def test_new_device(self) -> None:
        """A new device begins where the foremost cursor of its name stands, in each row."""
        mailbox = self.make()
        room = self.room(mailbox, "alice")
        row = mailbox.share("alice", [])
        for each in (row, room):
            mailbox.rows.follow(each, "alice", "phone")
            for _ in range(3):
                mailbox.rows.post(each, LINE)
            mailbox.rows.advance(each, "alice", "phone", 2)
            mailbox.rows.follow(each, "alice", "laptop")
            self.assertEqual(each.position("alice", "laptop"), 2)
        self.assertEqual(mailbox.copies(), 4)

    def test_lagging(self) -> None:
        """A sixteenth of a name's limit is kept for the slowest of its devices alone."""
        mailbox = self.make(MailLimits(per_name=16 * 3 * len(LINE)))
        row = mailbox.share("alice", [])
        for device in ("phone", "laptop"):
            mailbox.rows.follow(row, "alice", device)
        for _ in range(5):
            mailbox.rows.post(row, LINE)
        self.assertEqual(mailbox.rows.lagging(row), 1)
        mailbox.rows.advance(row, "alice", "phone", 4)
        self.assertEqual(mailbox.rows.lagging(row), 1)
        mailbox.rows.advance(row, "alice", "phone", 6)
        self.assertEqual(mailbox.rows.lagging(row), 3)
        mailbox.rows.drop(row, 3)
        self.assertEqual((row.first, mailbox.expired, mailbox.copies()), (3, 0, 0))

    def test_forgotten_device(self) -> None:
        """Messages that a forgotten device has got are over for its name, and others get them."""
        mailbox = self.make()
        room = self.room(mailbox, "alice")
        row = mailbox.share("alice", [])
        for each in (row, room):
            mailbox.rows.follow(each, "alice", "phone")
            mailbox.rows.post(each, LINE)
            mailbox.rows.advance(each, "alice", "phone", 2)
        mailbox.rows.forget_device("alice", "phone")
        self.assertEqual(mailbox.rows.devices("alice"), [])
        self.assertEqual([each.front("alice") for each in (row, room)], [2, 2])
        self.assertEqual({**room.cursors("alice")}, {"": 1, FORGOTTEN: 2})
        self.assertEqual(mailbox.copies(), 0)
        self.assertEqual(mailbox.size_for("alice"), 3 * CURSOR_COST)

    def test_costs_of_a_member(self) -> None:
        """The cursors of a name are not taken for its mail when its row is shared, or purged."""
        mailbox = self.make()
        for name in ("alice", "bob"):
            mailbox.enroll(name)
            mailbox.hand_back(name, [])
        room = self.room(mailbox, "alice", "bob")
        for name in ("alice", "bob"):
            mailbox.keep(name, LINE)
        row = mailbox.share("alice", [])
        mailbox.rows.follow(row, "alice", "phone")
        self.assertEqual(row.size, len(LINE))
        self.assertEqual(mailbox.size_for("alice"), COST + 2 * CURSOR_COST)
        mailbox.purge("bob")
        self.assertEqual(mailbox.size_for("bob"), CURSOR_COST)
        mailbox.rows.part(room, "bob")
        self.assertEqual(mailbox.size_for("bob"), 0)

    def test_most_rooms(self) -> None:
        """There are so many rooms at most, and a name is in so many at most."""
        self.patch(rows_module, "MOST_ROOMS", 3)
        self.patch(rows_module, "MOST_JOINED", 2)
        mailbox = self.make()
        made = [mailbox.rows.make_room(f"#{number}", Rights()) for number in range(4)]
        self.assertEqual([room is None for room in made], [False, False, False, True])
        joined = [mailbox.rows.join(room, "alice") for room in made if room is not None]
        self.assertEqual(joined, [True, True, False])
        self.assertGreaterEqual(MOST_JOINED, 100)

    def test_no_room_to_join(self) -> None:
        """A mailbox that is full has no room for another member."""
        mailbox = self.make(MailLimits(total=CURSOR_COST))
        room = self.room(mailbox, "alice")
        self.assertFalse(mailbox.rows.join(room, "bob"))
        self.assertEqual(list(room), ["alice"])

    def test_removed(self) -> None:
        """A room that is removed leaves nothing, and one that is made again begins behind it."""
        mailbox = self.make()
        room = self.room(mailbox, "alice")
        for _ in range(3):
            mailbox.rows.post(room, LINE)
        mailbox.rows.remove_room(room)
        self.assertEqual((mailbox.copies(), mailbox.size(), mailbox.expired), (0, 0, 3))
        self.assertFalse(mailbox.knows("#r"))
        again = self.room(mailbox, "alice")
        self.assertNotEqual(again.era, room.era)
        self.assertEqual((again.first, again.end), (4, 4))
        mailbox.rows.post(again, b"new\n")
        self.assertEqual(self.lines(mailbox, again, 4), [b"new\n"])

    def test_unheard_device(self) -> None:
        """A device whose refusals are forgotten keeps its cursors: only its numbers begin anew."""
        mailbox = self.make()
        row = mailbox.share("alice", [])
        mailbox.rows.follow(row, "alice", "phone")
        tag = mailbox.tags.begin("alice", "phone", FakeCounter())
        assert tag is not None
        tag._waiting = 2**30  # noqa: SLF001
        mailbox.tags.end("alice", tag)
        again = mailbox.tags.begin("alice", "phone", FakeCounter())
        self.assertIsNot(again, tag)
        self.assertEqual(mailbox.rows.devices("alice"), ["phone"])


_VERSION_2 = """
INSERT INTO name (id, name, first) VALUES (1, 'alice', 5), (2, 'bob', 1);
INSERT INTO copy VALUES (1, 5, 10.5, x'66697665'), (1, 6, 11.5, x'736978');
INSERT INTO record (id, name, position, copies, lines) VALUES
    (1, 1, 7, 2, x'736576656e0a65696768740a');
INSERT INTO tag (name, tag, era, lines, heard, used) VALUES (1, 'phone', 'e7a', 42, 40, 9.0);
INSERT INTO refusal VALUES (1, 'phone', 41, 41, 'unknown', 'nobody', 1);
PRAGMA user_version=2;
"""
"""A durable server that was killed with lines on their way, and with a tag that had a refusal."""


class UpgradeTests(SynchronousTestCase):
    """The upgrade from version 2, which had no rooms."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.desk = Desk.of(self, self.clock)
        self.desk.durable = True
        folder = Path(rows_module.__file__).parent
        parts = [(folder / f"{name}.sql").read_text() for name in ("schema", "record", "tags")]
        with closing(connect(self.desk.path)) as sql:
            mark = f"PRAGMA application_id={APPLICATION};"
            sql.executescript("".join([*parts, mark, _VERSION_2]))
        self.desk.path.chmod(0o600)

    def test_lives_on(self) -> None:
        """Tags, refusals and mail live through it, after a kill as well, and devices go on."""
        mailbox = self.desk.mailbox()
        self.assertEqual((mailbox.first("alice"), mailbox.count("alice")), (5, 4))
        (tag,) = mailbox.tags.of("alice")
        self.assertEqual((tag.name, tag.era, tag.lines, tag.heard), ("phone", "e7a", 42, 40))
        self.assertEqual(len(tag.refusals), 1)
        row = mailbox.share("alice", [])
        mailbox.rows.follow(row, "alice", "phone")
        self.assertEqual((row.first, row.end, row.position("alice", "phone")), (5, 9, 5))
        mailbox.rows.advance(row, "alice", "phone", 7)
        self.clock.advance(0)
        self.desk.crash()
        again = self.desk.mailbox()
        after = again.rows.get("alice")
        assert after is not None
        self.assertEqual((after.first, after.end, again.copies()), (7, 9, 2))
        self.assertEqual([tag.era for tag in again.tags.of("alice")], ["e7a"])

    def test_backup(self) -> None:
        """The old file stays beside it, as it was, for the old version to use."""
        self.desk.mailbox()
        backup = self.desk.path.with_name(f"{self.desk.path.name}.version-2")
        with closing(connect(backup)) as sql:
            self.assertEqual(sql.execute("PRAGMA user_version").fetchone(), (2,))
            self.assertEqual(sql.execute("SELECT count(*) FROM copy").fetchone(), (2,))
            self.assertEqual(sql.execute("SELECT lines FROM tag").fetchall(), [(42,)])

    def test_downgrade(self) -> None:
        """An achat that knows no rooms refuses the new file in one sentence."""
        self.desk.mailbox()
        self.desk.crash()
        older = Schema(SCHEMA.script, SCHEMA.upgrades[:1])
        error = self.assertRaises(Unusable, Database, self.desk.path, durable=True, schema=older)
        self.assertIn("it has version 3, and this achat knows versions up to 2", str(error))


class FileRowsTests(RowsTests):
    """The same in a file, which counts its lines and cursors when it is closed."""

    def setUp(self) -> None:
        super().setUp()
        self.desk = Desk.of(self, self.clock)
        self.addCleanup(self.closes)

    def make(self, limits: MailLimits = LIMITS) -> IMailbox:
        self.limits = limits
        self.mailbox = self.desk.mailbox(limits)
        return self.mailbox

    def closes(self) -> None:
        """The mailbox stops in order, and the next one finds what it had."""
        with Logged(level="error") as logged:
            self.successResultOf(self.mailbox.close())
        self.assertEqual(logged.texts, [])
        before = self.mailbox
        again = self.desk.mailbox(self.limits)
        self.assertEqual(again.copies(), before.copies())
        for row in before.rows:
            after = again.rows.get(row.name)
            if after is not None:  # or else nobody but its name reads it any more
                self.assertEqual((after.first, after.end), (row.first, row.end))
        self.successResultOf(again.close())
        self.assertEqual(logged.texts, [])

    def has_tag(self, mailbox: IMailbox, device: str) -> None:
        """The device has been here once."""
        tag = mailbox.tags.begin("alice", device, FakeCounter())
        assert tag is not None
        mailbox.tags.end("alice", tag)

    def test_start(self) -> None:
        """A restart finds a row where it was, though it has no lines, and what all of it costs."""
        mailbox = self.make()
        row = mailbox.share("alice", [])
        for device in ("phone", "laptop"):
            mailbox.rows.follow(row, "alice", device)
            self.has_tag(mailbox, device)
        for _ in range(3):
            mailbox.rows.post(row, LINE)
        for device, position in (("phone", 4), ("laptop", 4)):
            mailbox.rows.advance(row, "alice", device, position)
        room = self.room(mailbox, "alice")
        mailbox.rows.post(room, LINE)
        size = 2 * TAG_COST + 5 * CURSOR_COST
        self.assertEqual([mailbox.size_for(name) for name in ("alice", "#r")], [size, COST])
        self.successResultOf(mailbox.close())
        again = self.make()
        self.assertEqual([again.size_for(name) for name in ("alice", "#r")], [size, COST])
        self.assertEqual(again.size(), size + COST)

    def test_saved_in_this_order(self) -> None:
        """A file counts the copies of a name by its foremost device, whichever it reads first."""
        mailbox = self.make()
        row = mailbox.share("alice", [])
        for device in ("a", "b", "c"):
            mailbox.rows.follow(row, "alice", device)
            self.has_tag(mailbox, device)
        for _ in range(3):
            mailbox.rows.post(row, LINE)
        mailbox.rows.advance(row, "alice", "b", 3)

    def test_counted(self) -> None:
        """A mailbox that has other cursors than it should says so when it closes."""
        mailbox = self.make()
        room = self.room(mailbox, "alice")
        mailbox.rows.post(room, LINE)
        self.clock.advance(0)
        with closing(connect(self.desk.path)) as sql:
            self.desk.crash()
            sql.execute("UPDATE cursor SET position = position + 1")
            sql.commit()
        self.mailbox = self.desk.mailbox()
        room.kept += 1  # which no longer matters
        again = self.mailbox.rows.room("#r")
        assert again is not None
        again.kept += 1
        with Logged(level="error") as logged:
            self.successResultOf(self.mailbox.close())
        self.assertEqual(
            logged.texts,
            [
                "the mailbox holds 1 lines, and should hold 1; its cursors tell of 0 copies, and"
                " should of 1"
            ],
        )
        self.mailbox = self.desk.mailbox()

    def test_no_line_stays(self) -> None:
        """No line of a room that was removed stays in the file."""
        mailbox = self.make()
        room = self.room(mailbox, "alice")
        mailbox.rows.post(room, LINE)
        self.clock.advance(0)
        mailbox.rows.remove_room(room)
        self.clock.advance(0)
        with closing(connect(self.desk.path)) as sql:
            self.desk.crash()
            for table in ("copy", "cursor", "room", "owner"):
                self.assertEqual(sql.execute(f"SELECT count(*) FROM {table}").fetchone(), (0,))
        self.mailbox = self.desk.mailbox()
