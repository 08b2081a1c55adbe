"""The mailbox's file: made, upgraded, shared with nobody, and changed by all or nothing."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.mailbox.batch import Batch, Span
from achat_twisted.mailbox.checkup import APPLICATION
from achat_twisted.mailbox.database import Database
from achat_twisted.mailbox.layout import SCHEMA, Schema
from achat_twisted.mailbox.mail_clock import Standing
from achat_twisted.mailbox.tags import Saved, Tag
from achat_twisted.tools.errors import Unusable
from achat_twisted.wire.tags import Verdict
from tests.disk import batch_of, scratch_file, write_version_1

_COLOR = "ALTER TABLE name ADD COLUMN color TEXT;"

NEXT = Schema(SCHEMA.script, [*SCHEMA.upgrades, _COLOR])
"""A version that there may be one day."""

BROKEN = Schema(SCHEMA.script, [*SCHEMA.upgrades, f"{_COLOR} UPDATE nowhere SET x=1;"])
"""One whose upgrade fails when it has changed something already."""


def _copies(name: int, *positions: int, since: float = 0.0) -> list[Span]:
    """Copies whose lines say where they stand."""
    return [Span(name, position, since, b"%d\n" % position, 1) for position in positions]


class DatabaseTestCase(SynchronousTestCase):
    """A test with a place for a file."""

    def setUp(self) -> None:
        self.path = scratch_file(self)
        self.folder = self.path.parent

    def open(self, schema: Schema = SCHEMA) -> Database:
        database = Database(self.path, durable=False, schema=schema)
        self.addCleanup(database.close)
        return database

    def with_mail(self, copies: Iterable[Span]) -> Database:
        """A file with mail for Bob, open."""
        database = self.open()
        database.commit(batch_of(*copies, names={1: "bob", 2: "carol"}))
        return database

    def lines(self, database: Database, name: int = 1) -> list[bytes]:
        """All that is there for a name, from its first line on."""
        first = {mail.id: mail.first for mail in database.mail()}
        return database.page(name, first[name], 1_000_000)

    def pragma(self, path: Path, name: str) -> int:
        with closing(sqlite3.connect(path)) as sql:
            (value,) = sql.execute(f"PRAGMA {name}").fetchone()
        return int(value)


class FileTests(DatabaseTestCase):
    """The file as others see it."""

    def test_marked(self) -> None:
        """The file says whose it is, and of which version."""
        self.open().close()
        self.assertEqual(self.pragma(self.path, "application_id"), APPLICATION)
        self.assertEqual(self.pragma(self.path, "user_version"), SCHEMA.version)

    def test_private(self) -> None:
        """Only its owner can read what is made, whatever the umask."""
        self.addCleanup(os.umask, os.umask(0))
        self.with_mail(_copies(1, 0))
        for path in self.folder.iterdir():
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600, path)

    def test_one_at_a_time(self) -> None:
        """While a file is open nobody else can open it; afterwards anybody can."""
        database = self.open()
        error = self.assertRaises(Unusable, self.open)
        self.assertIn("another server uses it", str(error))
        database.close()
        self.open()

    def test_somebody_elses(self) -> None:
        """A database that is no mailbox is left as it is."""
        with closing(sqlite3.connect(self.path)) as sql:
            sql.execute("CREATE TABLE somebody_elses (number INTEGER)")
        before = self.path.read_bytes()
        error = self.assertRaises(Unusable, self.open)
        self.assertIn("it is a database, but not a mailbox of achat", str(error))
        self.assertEqual(self.path.read_bytes(), before)

    def test_odd_path(self) -> None:
        """A path may have anything in it, also what means something in an address."""
        self.path = self.folder / "what? 100% #1 ✓"
        self.with_mail(_copies(1, 0)).close()
        self.assertEqual(self.lines(self.open()), [b"0\n"])
        self.assertIn(self.path, list(self.folder.iterdir()))

    def test_hardly_begun(self) -> None:
        """A file that was begun when the disk was full, and has nothing in it, is laid out."""
        with closing(sqlite3.connect(self.path)) as sql:
            sql.execute("PRAGMA journal_mode=WAL")
        self.assertGreater(self.path.stat().st_size, 0)
        self.assertEqual(self.open().mail(), [])


class UpgradeTests(DatabaseTestCase):
    """A file of an older version."""

    def setUp(self) -> None:
        super().setUp()
        self.with_mail(_copies(1, 0, 1, 2)).close()
        self.backup = self.folder / f"mailbox.sqlite.version-{SCHEMA.version}"

    def test_keeps_the_mail(self) -> None:
        """An upgrade keeps names and mail, and is done once."""
        for _ in range(2):
            database = self.open(NEXT)
            self.assertEqual([mail.name for mail in database.mail()], ["bob", "carol"])
            self.assertEqual(self.lines(database), [b"0\n", b"1\n", b"2\n"])
            database.close()
        self.assertEqual(self.pragma(self.path, "user_version"), SCHEMA.version + 1)

    def test_leaves_a_backup(self) -> None:
        """Beside the upgraded file lies the old one, as private, for the old version to use."""
        self.open(NEXT).close()
        self.assertEqual(stat.S_IMODE(self.backup.stat().st_mode), 0o600)
        self.path = self.backup
        self.assertEqual(self.lines(self.open()), [b"0\n", b"1\n", b"2\n"])

    def test_fails(self) -> None:
        """An upgrade that fails has changed nothing: the old version goes on with the file."""
        before = self.path.read_bytes()
        for _ in range(2):
            error = self.assertRaises(Unusable, self.open, BROKEN)
            self.assertIn("cannot be used: no such table: nowhere", str(error))
            self.assertEqual(self.path.read_bytes(), before)
        self.assertEqual(self.lines(self.open()), [b"0\n", b"1\n", b"2\n"])

    def test_no_way_back(self) -> None:
        """An older version does not open the file of a newer one."""
        self.open(NEXT).close()
        error = self.assertRaises(Unusable, self.open)
        newest = SCHEMA.version
        known = f"it has version {newest + 1}, and this achat knows versions up to {newest}"
        self.assertIn(known, str(error))

    def test_new_file(self) -> None:
        """A new file has the newest version at once, and needs no backup."""
        self.path = self.folder / "new.sqlite"
        self.open(NEXT).close()
        self.assertEqual(self.pragma(self.path, "user_version"), SCHEMA.version + 1)
        self.assertEqual(list(self.folder.glob("*.version-*")), [])


class SecondVersionTests(DatabaseTestCase):
    """The upgrade from version 1, in which rows could begin anywhere."""

    def setUp(self) -> None:
        super().setUp()
        write_version_1(self.path)

    def test_numbers(self) -> None:
        """Afterwards each row begins at 1, has no gap, and its copies are as old as they were."""
        database = self.open()
        self.assertEqual(
            database.mail(),
            [
                (1, "bob", 5, 22, 9, 0.0, 12.5),
                (2, "carol", 1, 5, 1, 13.5, 13.5),
                (3, "dave", 0, 0, 1, 0.0, 0.0),
            ],
        )
        self.assertEqual(self.lines(database), [b"one\n", b"two\n", b"four\n", b"five\n", b"six\n"])

    def test_without_gaps(self) -> None:
        """A row without a gap begins at 1."""
        with closing(sqlite3.connect(self.path)) as sql:
            sql.execute(
                "UPDATE copy SET position = 0 WHERE line = CAST('four' || char(10) AS BLOB)"
            )
            sql.execute("UPDATE record SET position = 1")
            sql.commit()
        database = self.open()
        self.assertEqual([mail.first for mail in database.mail()], [1, 1, 1])
        self.assertEqual(len(self.lines(database)), 5)

    def test_backup(self) -> None:
        """The old file stays beside it, for the old version to use."""
        self.open().close()
        backup = self.folder / "mailbox.sqlite.version-1"
        self.assertEqual(self.pragma(backup, "user_version"), 1)


class TagTests(DatabaseTestCase):
    """Tags in the file."""

    def test_saved(self) -> None:
        """A tag is found as it was when the batch was sealed, its refusals in order."""
        tag = Tag("t", lines=5, used=12.5)
        refusals = [Verdict(2, 3, "full", "bob", 2), Verdict(4, 4, "bad-line", "not UTF-8")]
        for refusal in refusals:
            tag.refuse(refusal)
        batch = Batch(names={1: "bob"}, firsts={1: 7})
        batch.tags.save(1, tag)
        batch.seal()
        tag.refuse(Verdict(5, 5, "unknown", "x", 1))
        self.open().commit(batch)
        self.reopen()
        database = self.open()
        ((name, found),) = database.tags()
        self.assertEqual((name, found.saved()), (1, Saved(tag.era, 5, 0, 12.5)))
        self.assertEqual([*found.refusals.values()], refusals)
        self.assertEqual([mail.first for mail in database.mail()], [7])

    def test_forgotten(self) -> None:
        """A tag goes when it is forgotten, with its name, and when the file cannot vouch for it."""
        forgotten = Batch()
        forgotten.tags.forget(1, Tag("t"))
        for forget in (forgotten, Batch(names={1: None}), None):
            tag = Tag("t")
            tag.refuse(Verdict(1, 1, "unknown", "x", 1))
            batch = Batch(names={1: "bob"})
            batch.tags.save(1, tag)
            batch.seal()
            database = self.open()
            database.commit(batch)
            if forget is None:
                database.vouch_no_more()
            else:
                forget.seal()
                database.commit(forget)
            self.assertEqual(database.tags(), [])
            database.close()

    def test_changes(self) -> None:
        """A tag's refusals come and go in the file, commit by commit."""
        tag = Tag("t")
        database = self.open()
        steps: list[tuple[Callable[[], None], list[tuple[int, int]]]] = [
            (lambda: tag.refuse(Verdict(1, 1, "unknown", "x", 1)), [(1, 1)]),
            (lambda: tag.refuse(Verdict(1, 2, "unknown", "x", 2)), [(1, 2)]),
            (lambda: tag.refuse(Verdict(2, 2, "unknown", "y", 1)), [(1, 2), (2, 2)]),
            (lambda: tag.confirm(1), [(1, 2), (2, 2)]),
            (lambda: tag.refuse(Verdict(1, 3, "unknown", "x", 3)), [(1, 3), (2, 2)]),
            (lambda: tag.confirm(2), [(1, 3)]),
            (lambda: tag.refuse(Verdict(4, 4, "full", "y", 1)), [(1, 3), (4, 4)]),
            (lambda: tag.confirm(4), []),
        ]
        for number, (change, left) in enumerate(steps):
            change()
            batch = Batch(names={} if number else {1: "bob"})
            batch.tags.save(1, tag)
            batch.seal()
            database.commit(batch)
            ((_, found),) = database.tags()
            self.assertEqual([(each.first, each.last) for each in found.refusals.values()], left)

    def test_changes_of_commits_that_failed(self) -> None:
        """Changes that a commit could not write stand in the next, and none of a tag made anew."""
        old, new, other = Tag("t"), Tag("t"), Tag("other")
        batch = Batch(names={1: "bob"})
        for number, tag in enumerate((old, other), 1):
            tag.refuse(Verdict(number, number, "unknown", "x", 1))
            batch.tags.save(1, tag)
        batch.seal()
        later = Batch()
        later.tags.forget(1, old)
        for tag in (new, other):
            tag.refuse(Verdict(3, 3, "unknown", "y", 1))
            later.tags.save(1, tag)
        batch.absorb(later)
        batch.seal()
        database = self.open()
        for _ in range(2):
            database.commit(batch)
            found = {tag.era: [*tag.refusals.values()] for _, tag in database.tags()}
            expected = {tag.era: [*tag.refusals.values()] for tag in (new, other)}
            self.assertEqual(found, expected)

    def test_got_before_a_crash(self) -> None:
        """Lines of a record that a client had do not come again: its row begins behind them."""
        batch = Batch(names={1: "bob"}, firsts={1: 3})
        batch.tags.save(1, Tag("t"))
        batch.records.append((1, 1, 1, 3, 0.0, b"1\n2\n3\n"))
        batch.seal()
        self.open().commit(batch)
        self.reopen()
        self.assertEqual(self.lines(self.open()), [b"3\n"])

    def reopen(self) -> None:
        """Have what follows use the file as a crash would leave it."""
        after = self.folder / "after"
        after.mkdir()
        for file in self.folder.glob("mailbox.sqlite*"):
            shutil.copyfile(file, after / file.name)
            (after / file.name).chmod(0o600)
        self.path = after / self.path.name


class MailTests(DatabaseTestCase):
    """The content of the file, and its changes."""

    def test_gaps_are_closed(self) -> None:
        """Copies stand in a row again, in order, behind the gaps that a crash has left."""
        self.with_mail([*_copies(1, -3, 0, 1, 7), *_copies(2, 5, 6)]).close()
        database = self.open()
        self.assertEqual(self.lines(database), [b"-3\n", b"0\n", b"1\n", b"7\n"])
        self.assertEqual(database.page(2, 5, 1000), [b"5\n", b"6\n"])

    def test_all_or_nothing(self) -> None:
        """A batch of which a part cannot be written is not written at all."""
        database = self.with_mail(_copies(1, 0))
        name: Any = b"which the column does not take"
        batch = batch_of(*_copies(1, 1), names={3: name})
        batch.arrived[1] = 1
        self.assertRaises(sqlite3.IntegrityError, database.commit, batch)
        self.assertEqual([mail.name for mail in database.mail()], ["bob", "carol"])
        self.assertEqual(self.lines(database), [b"0\n"])
        database.commit(batch_of(*_copies(1, 1)))
        self.assertEqual(self.lines(database), [b"0\n", b"1\n"])

    def test_taken_places(self) -> None:
        """A copy whose place is taken is there already: nothing is written twice or replaced."""
        database = self.with_mail(_copies(1, 0))
        database.commit(batch_of(Span(1, 0, 9.0, b"again\n", 1), *_copies(1, 1)))
        self.assertEqual(self.lines(database), [b"0\n", b"1\n"])
        database.commit(batch_of(Span(1, -1, 9.0, b"-1\nagain\nand again\n2\n", 4)))
        self.assertEqual(database.page(1, -1, 99), [b"-1\n", b"0\n", b"1\n", b"2\n"])
        self.assertEqual([mail.oldest for mail in database.mail()], [0.0, 0.0])

    def test_run(self) -> None:
        """Each line of a run is a copy of its own, whatever its bytes are, and however many."""
        lines = [b"\xff\x00\n", b"\n", b"x" * 70_000 + b"\n", *(b"%d\n" % n for n in range(70_000))]
        database = self.with_mail([Span(1, -5, 8.0, b"".join(lines), len(lines))])
        self.assertTrue(database.page(1, -5, 10**7) == lines)  # whose difference nobody could read
        (mail, _) = database.mail()
        self.assertEqual((mail.copies, mail.oldest, mail.newest), (len(lines), 8.0, 8.0))

    def test_arrived(self) -> None:
        """Copies that have arrived go, that name's alone, also those of the same batch."""
        database = self.with_mail([*_copies(1, 0, 1), *_copies(2, 0)])
        batch = batch_of(*_copies(1, 2, 3))
        batch.arrived[1] = 3
        database.commit(batch)
        self.assertEqual(self.lines(database), [b"3\n"])
        self.assertEqual(self.lines(database, 2), [b"0\n"])

    def test_records_outlive_a_crash(self) -> None:
        """Lines that went straight to somebody are copies after a crash, in their places, once.

        They are kept since they came; or, if that is not known, since the mail clock was noted.
        """
        database = self.with_mail(_copies(1, 0))
        database.commit(Batch(standing=Standing(50.0, 60.0)))
        batch = Batch()
        for record in (
            (1, 1, 1, 2, 70.0, b"1\n2\n"),
            (2, 2, 7, 1, 0.0, b"7\n"),
            (3, 1, 3, 1, 80.0, b"3\n"),
        ):
            batch.record(record)
        database.commit(batch)
        self.assertEqual(self.lines(database), [b"0\n"])
        for _ in range(2):
            database.close()
            database = self.open()
            self.assertEqual(self.lines(database), [b"0\n", b"1\n", b"2\n", b"3\n"])
            self.assertEqual(self.lines(database, 2), [b"7\n"])
            self.assertEqual([mail.newest for mail in database.mail()], [80.0, 50.0])
        database.commit(Batch(arrived={1: 9, 2: 9}))
        database.close()
        self.assertEqual([mail.copies for mail in self.open().mail()], [0, 0])

    def test_struck_records(self) -> None:
        """A record that is struck out does not outlive a crash, whether it came before or just now;
        and to make a record again changes nothing.
        """
        database = self.with_mail([])
        for struck in ([], [1, 3]):
            batch = Batch(struck=struck)
            for position in (1, 2, 3, 4):
                batch.record((position, 1, position, 1, 0.0, b"%d\n" % position))
            database.commit(batch)
        database.close()
        self.assertEqual(self.lines(self.open()), [b"2\n", b"4\n"])

    def test_many_records(self) -> None:
        """Records may be any number, and their bytes anything."""
        database = self.with_mail([])
        lines = [b"\xff\x00%d\n" % number for number in range(301)]
        batch = Batch()
        for number, line in enumerate(lines):
            batch.record((number, 1, number, 1, 0.0, line))
        database.commit(batch)
        database.close()
        self.assertEqual(self.lines(self.open()), lines)

    def test_missing(self) -> None:
        """A missing line is neither a copy nor in a record."""
        database = self.with_mail(_copies(1, 0))
        batch = Batch()
        batch.record((1, 1, 1, 2, 0.0, b"1\n2\n"))
        database.commit(batch)
        self.assertEqual(database.missing([(1, place) for place in range(5)]), 2)
        self.assertEqual(database.missing([(2, 0), (2, 1)]), 2)

    def test_forgotten(self) -> None:
        """A name that is forgotten is gone, and may come back under another number."""
        database = self.with_mail([])
        database.commit(Batch(names={1: None, 3: "bob"}))
        names = [(mail.id, mail.name) for mail in database.mail()]
        self.assertEqual(names, [(2, "carol"), (3, "bob")])

    def test_page(self) -> None:
        """A page begins where it is asked for, has about the size wanted, and ends at a gap."""
        database = self.with_mail(_copies(1, 3, 4, 5, 6, 8))
        self.assertEqual(database.page(1, 4, 3), [b"4\n", b"5\n"])
        self.assertEqual(database.page(1, 4, 1), [b"4\n"])
        self.assertEqual(database.page(1, 5, 99), [b"5\n", b"6\n"])
        self.assertEqual(database.page(1, 2, 99), [])
        self.assertEqual(database.page(1, 9, 99), [])

    def test_mail(self) -> None:
        """Each name comes with how much there is for it, from where on, and since when."""
        database = self.with_mail([*_copies(1, 3, since=20.0), *_copies(1, 4, since=10.0)])
        self.assertEqual(
            database.mail(), [(1, "bob", 2, 4, 3, 10.0, 20.0), (2, "carol", 0, 0, 1, 0.0, 0.0)]
        )

    def test_old(self) -> None:
        """The first copies that are too old are counted; behind one that is not, none is."""
        old = [*_copies(1, -1, 0, 1, since=10.0), *_copies(1, 3, since=5.0)]
        database = self.with_mail([*old, *_copies(1, 2, 4, since=20.0)])
        self.assertEqual(database.old(1, 0, 15.0), (2, 4, 5.0))
        self.assertEqual(database.old(1, 2, 15.0), (0, 0, 5.0))
        self.assertEqual(database.old(1, 2, 30.0), (3, 6, 0.0))
