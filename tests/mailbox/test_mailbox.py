"""The mailboxes: in memory and in a file."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from itertools import pairwise

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.mailbox.accounts import EXPIRY, LIMITS, MailLimits
from achat_twisted.mailbox.batch import Batch
from achat_twisted.mailbox.committer import LAST, RETRY
from achat_twisted.mailbox.interfaces import IMailbox
from achat_twisted.mailbox.memory import MemoryMailbox
from achat_twisted.tools.errors import CannotStart, Unavailable
from achat_twisted.wire.tags import Verdict
from tests import mailboxes
from tests.disk import Desk
from tests.house import House
from tests.logged import Logged
from tests.mailboxes import DAY


class MemoryMailboxTests(mailboxes.MailboxBehaviour):
    """L{MemoryMailbox}."""

    def setUp(self) -> None:
        self.clock = Clock()

    def make(self, limits: MailLimits = LIMITS) -> IMailbox:
        mailbox = MemoryMailbox(self.clock, limits)
        mailbox.open()
        return mailbox

    def test_much_that_expires(self) -> None:
        """However much expires at once, others have their turn between, and a name that comes keeps
        the rest.
        """
        mailbox = self.known("bob", MailLimits(age=DAY))
        mailbox.introduce("carol")
        for _ in range(3000):
            mailbox.keep("bob", b"x\n")
            mailbox.keep("carol", b"x\n")
        self.clock.callLater(DAY + EXPIRY, mailbox.enroll, "carol")
        counts: list[int] = []

        def count() -> None:
            counts.append(mailbox.expired)
            if len(counts) < 4:
                self.clock.callLater(0, count)

        self.clock.callLater(DAY + EXPIRY, count)
        self.clock.advance(DAY + EXPIRY)
        self.clock.advance(0)
        self.assertLessEqual(max(after - before for before, after in pairwise([0, *counts])), 2000)
        self.assertEqual((mailbox.count("bob"), mailbox.count("carol")), (0, 1000))
        self.successResultOf(mailbox.close())
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_close_while_much_expires(self) -> None:
        """A mailbox that is closed while mail expires leaves no timer behind."""
        mailbox = self.known("bob", MailLimits(age=DAY))
        for _ in range(3000):
            mailbox.keep("bob", b"x\n")
        self.clock.callLater(DAY + EXPIRY, mailbox.close)
        self.clock.advance(DAY + EXPIRY)
        self.assertEqual(mailbox.count("bob"), 1000)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_says_what_ends_with_the_process(self) -> None:
        """Closing a mailbox in memory says how many lines are lost with it; never silently."""
        mailbox = self.known("bob")
        mailbox.keep("bob", b"x\n")
        with Logged() as logged:
            self.successResultOf(mailbox.close())
        self.assertEqual(logged.texts, ["lines kept in memory end with this process: 1"])
        self.assertEqual(self.clock.getDelayedCalls(), [])


class SqliteMailboxTests(mailboxes.MailboxBehaviour):
    """L{achat_twisted.mailbox.sqlite.SqliteMailbox}."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.desk = Desk.of(self, self.clock)

    def make(self, limits: MailLimits = LIMITS) -> IMailbox:
        return self.desk.mailbox(limits)

    def test_purge_outlives_the_process(self) -> None:
        """Purged lines are not in the file any more, nor do they come from a commit under way."""
        mailbox = self.known("bob")
        mailbox.keep("bob", b"1\n")
        self.clock.advance(0)
        mailbox.keep("bob", b"2\n")
        mailbox.purge("bob")
        mailbox.keep("bob", b"3\n")
        again = self.again(mailbox)
        self.assertEqual(self.take(again, "bob"), [b"3\n"])

    def test_name_that_comes_again_at_once(self) -> None:
        """A name that comes again while what it said is still taken in misses nothing."""
        house = House(self.desk.mailbox(), self.clock)
        carol, ann = house.comes("carol"), house.comes("ann")
        ann.link.silence()
        carol.says("ann: 1")
        house.turn()
        ann.session.connection_lost()
        again = house.comes("ann")
        carol.says("ann: 2")
        house.turn()
        ann.loses_connection()
        house.turn()
        self.assertEqual(again.link.messages(), ["from carol: 1", "from carol: 2"])
        self.assertEqual(carol.link.lines()[1:], ["! kept ann 1"])

    def _with_a_tag(self) -> None:
        """A file that a server without C{--durable} has left after an ordered stop."""
        mailbox = self.known("bob")
        tag = self.begin_tag(mailbox, "bob", "t")
        tag.refuse(Verdict(1, 1, "unknown", "x", 1))
        mailbox.tags.end("bob", tag)
        self.successResultOf(mailbox.close())

    def test_tags_that_cannot_be_deleted(self) -> None:
        """A start that cannot make sure that the file holds no tag fails, with a sentence."""
        self._with_a_tag()
        self.desk.disk.broken = True
        error = self.assertRaises(CannotStart, self.make)
        self.assertIn("mailbox.sqlite cannot be used: [Errno 5] Input/output error", str(error))
        self.assertFalse(self.desk.worker.started)
        self.desk.disk.broken = False
        self.assertEqual(len(self.make().tags.of("bob")), 0)

    def test_tags_deleted_by_hand(self) -> None:
        """A tag that is deleted from the file is gone, with its refusals or without them."""
        self._with_a_tag()
        with closing(sqlite3.connect(self.desk.path)) as sql:
            sql.execute("DELETE FROM tag")
            sql.commit()
        self.assertEqual(len(self.make().tags.of("bob")), 0)

    def _three_that_expire(self) -> IMailbox:
        """Three names with mail that is too old, of which the first expires just now."""
        mailbox = self.known("bob", MailLimits(age=DAY))
        for name in ("bob", "carol", "dora"):
            mailbox.introduce(name)
            mailbox.keep(name, b"x\n")
        self.clock.advance(DAY)
        self.desk.worker.held = True
        self.clock.advance(EXPIRY)
        return mailbox

    def test_many_that_expire(self) -> None:
        """Names expire one after the other, so that no commit waits for all of them."""
        mailbox = self._three_that_expire()
        for expired in (1, 2, 3):
            self.desk.worker.release()
            self.desk.worker.held = True
            self.assertEqual(mailbox.expired, expired)
            self.clock.advance(0)

    def test_numbers_stay_while_somebody_is_here(self) -> None:
        """Nothing expires of a name that has come while the disk was asked what is old."""
        mailbox = self.known("bob", MailLimits(age=EXPIRY / 2))
        mailbox.keep("bob", b"1\n")
        self.clock.advance(0)
        self.desk.worker.held = True
        self.clock.advance(EXPIRY)
        mailbox.enroll("bob")
        self.desk.worker.release()
        self.clock.advance(0)
        self.assertEqual((mailbox.first("bob"), mailbox.count("bob")), (1, 1))

    def test_name_that_comes_while_others_expire(self) -> None:
        """A name that comes before its turn keeps its mail."""
        mailbox = self._three_that_expire()
        mailbox.enroll("carol")
        self.desk.worker.release()
        self.clock.advance(0)
        self.assertEqual((mailbox.count("carol"), mailbox.expired), (1, 2))

    def test_close_while_others_expire(self) -> None:
        """Nothing expires after the close has begun, but for what was under way."""
        mailbox = self._three_that_expire()
        closed = mailbox.close()
        self.desk.worker.release()
        self.successResultOf(closed)
        self.assertEqual((mailbox.copies(), mailbox.expired), (2, 1))

    def again(self, mailbox: IMailbox) -> IMailbox:
        """The mailbox after a restart."""
        self.clock.advance(0)
        self.successResultOf(mailbox.close())
        self.assertTrue(self.desk.worker.stopped)
        return self.make()

    def test_outlives_the_process(self) -> None:
        """Names and mail are there again after a restart, in order, whatever was on its way."""
        mailbox = self.known("bob")
        self.comes_and_goes(mailbox, "carol")
        for line in (b"1\n", b"2\n", b"3\n"):
            mailbox.keep("bob", line)
        self.take(mailbox, "bob", 2)
        mailbox = self.again(mailbox)
        self.assertEqual([mailbox.knows(n) for n in ("bob", "carol", "dave")], [True, True, False])
        self.assertEqual((mailbox.count("bob"), mailbox.copies()), (3, 3))
        self.assertEqual(self.take(mailbox, "bob"), [b"1\n", b"2\n", b"3\n"])

    def test_new_mail_behind_old_mail(self) -> None:
        """Mail that is kept after a restart comes behind older mail, for others as well."""
        mailbox = self.known("bob")
        mailbox.keep("bob", b"1\n")
        mailbox = self.again(mailbox)
        self.comes_and_goes(mailbox, "carol")
        mailbox.keep("bob", b"2\n")
        mailbox.keep("carol", b"for carol\n")
        mailbox = self.again(mailbox)
        self.assertEqual(self.take(mailbox, "bob"), [b"1\n", b"2\n"])
        self.assertEqual(self.take(mailbox, "carol"), [b"for carol\n"])

    def test_what_has_arrived_for_one_name(self) -> None:
        """Lines that have arrived for somebody cost nobody else a line."""
        mailbox = self.make()
        for name in ("bob", "carol"):
            mailbox.enroll(name)
            mailbox.keep(name, f"for {name}\n".encode())
        self.take(mailbox, "bob")
        mailbox.delivered("bob", 1)
        mailbox = self.again(mailbox)
        self.assertEqual((mailbox.count("bob"), mailbox.count("carol")), (0, 1))

    def test_what_has_arrived_is_not_in_the_file(self) -> None:
        """Nothing that has arrived comes back with a restart."""
        mailbox = self.known("bob")
        mailbox.enroll("bob")
        for line in (b"1\n", b"2\n", b"3\n"):
            mailbox.keep("bob", line)
        self.take(mailbox, "bob", 4)
        mailbox.delivered("bob", 1)
        self.assertEqual(self.take(self.again(mailbox), "bob"), [b"2\n", b"3\n"])

    def test_recorded_lines_outlive_the_process(self) -> None:
        """Lines recorded on their way are kept after a restart, but for those that have arrived."""
        mailbox = self.make()
        mailbox.enroll("bob")
        for line in (b"1\n", b"2\n", b"3\n"):
            mailbox.record("bob", line)
        self.assertEqual(mailbox.copies(), 0)
        mailbox.delivered("bob", 1)
        self.assertEqual(self.take(self.again(mailbox), "bob"), [b"2\n", b"3\n"])

    def test_recorded_lines_are_handed_back_once(self) -> None:
        """Lines recorded and handed back are there once, ahead of newer ones."""
        mailbox = self.make()
        mailbox.enroll("bob")
        mailbox.record("bob", b"1\n")
        mailbox.record("bob", b"2\n")
        self.clock.advance(0)
        mailbox.keep("bob", b"3\n")
        mailbox.delivered("bob", 1)
        mailbox.hand_back("bob", [b"2\n"])
        self.assertEqual(self.take(self.again(mailbox), "bob"), [b"2\n", b"3\n"])

    def test_run_of_which_a_part_has_arrived(self) -> None:
        """A run of which a part has arrived comes again as a whole after a crash, but not else."""
        for crash in (True, False):
            self.setUp()
            mailbox = self.make()
            mailbox.enroll("bob")
            mailbox.record("bob", b"1\n")
            mailbox.record("bob", b"2\n3\n")
            mailbox.record("bob", b"4\n")
            mailbox.delivered("bob", 2)
            self.clock.advance(0)
            if crash:
                self.desk.crash()
                mailbox = self.make()
            else:
                mailbox.hand_back("bob", [b"3\n", b"4\n"])
                mailbox = self.again(mailbox)
            due = [*([b"2\n"] if crash else []), b"3\n", b"4\n"]
            self.assertEqual((mailbox.copies(), self.take(mailbox, "bob")), (len(due), due))

    def test_session_that_leaves_before_an_older_one(self) -> None:
        """A session that leaves before it has begun takes nothing from the one before it."""
        mailbox = self.known("bob")
        mailbox.keep("bob", b"1\n")
        mailbox.enroll("bob")
        self.take(mailbox, "bob")
        mailbox.record("bob", b"2\n")
        mailbox.enroll("bob")
        mailbox.hand_back("bob", [])
        mailbox.commit()
        self.clock.advance(0)
        self.desk.crash()
        self.assertEqual(self.take(self.make(), "bob"), [b"1\n", b"2\n"])

    def test_records_in_a_file_that_has_gone(self) -> None:
        """While the file is away nothing is safe, though nothing is left to be written; and what
        arrives then does not come again.
        """
        mailbox = self.make()
        mailbox.enroll("bob")
        self.clock.advance(0)
        elsewhere = self.desk.path.rename(self.desk.path.with_name("elsewhere"))
        mailbox.record("bob", b"1\n")
        self.clock.pump([0, *[RETRY] * 3])
        self.assertTrue(mailbox.failing)
        mailbox.record("bob", b"2\n")
        self.desk.worker.held = True
        self.clock.advance(RETRY)
        mailbox.delivered("bob", 2)
        self.desk.worker.release()
        elsewhere.rename(self.desk.path)
        self.clock.advance(RETRY)
        self.assertFalse(mailbox.failing)
        mailbox.hand_back("bob", [])
        self.assertEqual(self.again(mailbox).copies(), 0)

    def _fill_disk(self) -> None:
        self.desk.disk.full = True

    def _remove_file(self) -> None:
        self.desk.path.unlink()

    def test_records_while_the_disk_fails(self) -> None:
        """However long the disk fails, nothing is held of lines that have arrived."""
        for fail in (self._fill_disk, self._remove_file):
            self.setUp()
            mailbox = self.make()
            mailbox.enroll("bob")
            mailbox.record("bob", b"1\n")
            self.clock.advance(0)
            mailbox.delivered("bob", 1)
            fail()
            for _ in range(20):
                mailbox.record("bob", b"2\n")
                mailbox.record("bob", b"3\n")
                mailbox.delivered("bob", 2)
                self.clock.advance(RETRY)
            batch = self.desk.committer.batch
            self.assertEqual(batch.records, [])
            self.assertLessEqual(len(batch.struck), 5)

    def test_a_crash_between_two_kept_lines(self) -> None:
        """Lines that went straight to a name between two that were kept leave no gap at a crash."""
        mailbox = self.known("bob")
        mailbox.enroll("bob")
        mailbox.keep("bob", b"1\n")
        self.take(mailbox, "bob")
        mailbox.pass_by("bob", 5)
        mailbox.keep("bob", b"7\n")
        mailbox = self.again(mailbox)
        mailbox.enroll("bob")
        self.assertEqual(self.take(mailbox, "bob"), [b"1\n", b"7\n"])
        mailbox.delivered("bob", 2)
        mailbox = self.again(mailbox)
        self.assertEqual(mailbox.copies(), 0)

    def test_forgotten_names_are_not_in_the_file(self) -> None:
        """A name that is forgotten is unknown after a restart, and may come again."""
        mailbox = self.known("bob", MailLimits(names=1))
        self.comes_and_goes(mailbox, "carol")
        self.comes_and_goes(mailbox, "bob")
        mailbox = self.again(mailbox)
        self.assertEqual((mailbox.knows("bob"), mailbox.knows("carol")), (True, False))

    def test_full_disk(self) -> None:
        """While the disk is full new copies are refused, what is kept is read, and nothing lost."""
        mailbox = self.known("bob")
        mailbox.keep("bob", b"1\n")
        self.clock.advance(0)
        self.desk.disk.full = True
        mailbox.keep("bob", b"2\n")
        with Logged() as logged:
            self.clock.advance(0)
        self.assertIn("the mailbox cannot be written: database or disk is full", logged.texts[0])
        self.assertFalse(mailbox.keep("bob", b"3\n"))
        with Logged() as logged:
            self.clock.pump([1.0] * 5)
        self.assertEqual(logged.texts, [])
        mailbox.enroll("bob")
        self.assertEqual(self.take(mailbox, "bob"), [b"1\n"])
        self.assertEqual(self.take(mailbox, "bob"), [b"2\n"])
        mailbox.delivered("bob", 1)
        mailbox.pass_by("bob", 1)
        mailbox.hand_back("bob", [b"2\n", b"straight\n"])
        self.desk.disk.full = False
        with Logged() as logged:
            self.clock.advance(1)
        self.assertEqual(logged.texts, ["the mailbox can be written again"])
        self.assertTrue(mailbox.keep("bob", b"4\n"))
        self.assertEqual(self.take(self.again(mailbox), "bob"), [b"2\n", b"straight\n", b"4\n"])

    def test_recording_on_a_full_disk(self) -> None:
        """While the disk is full lines still go straight to who is here, without a record."""
        mailbox = self.make()
        mailbox.enroll("bob")
        self.desk.disk.full = True
        mailbox.record("bob", b"1\n")
        self.clock.advance(0)
        mailbox.record("bob", b"2\n")
        mailbox.delivered("bob", 1)
        self.desk.disk.full = False
        self.clock.advance(1)
        mailbox.record("bob", b"3\n")
        mailbox.hand_back("bob", [b"2\n", b"3\n"])
        self.assertEqual(self.take(mailbox, "bob"), [b"2\n", b"3\n"])

    def test_stop_with_a_full_disk(self) -> None:
        """Lines that cannot be written even at the end are an error in the log, with a count."""
        mailbox = self.known("bob")
        self.clock.advance(0)
        self.desk.disk.full = True
        mailbox.keep("bob", b"1\n")
        self.clock.advance(0)
        with Logged() as logged:
            self.successResultOf(mailbox.close())
        self.assertEqual(
            logged.texts,
            [
                "the mailbox cannot be written: database or disk is full",
                "lines are lost, as they could not be written: 1",
            ],
        )
        self.assertEqual(mailbox.copies(), 0)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_file_that_has_gone(self) -> None:
        """While the file is away new copies are refused; when it is back nothing is missing."""
        mailbox = self.known("bob")
        mailbox.keep("bob", b"1\n")
        self.clock.advance(0)
        elsewhere = self.desk.path.rename(self.desk.path.with_name("elsewhere"))
        mailbox.keep("bob", b"2\n")
        with Logged() as logged:
            self.clock.advance(0)
        self.assertIn(f"{self.desk.path} was removed, moved or replaced", logged.texts[0])
        self.assertFalse(mailbox.keep("bob", b"3\n"))
        elsewhere.rename(self.desk.path)
        self.clock.advance(RETRY)
        self.assertTrue(mailbox.keep("bob", b"4\n"))
        self.assertEqual(self.take(self.again(mailbox), "bob"), [b"1\n", b"2\n", b"4\n"])

    def test_stop_with_a_file_that_has_gone(self) -> None:
        """A stop saves what is in a file that nobody could find any more, and says where."""
        mailbox = self.known("bob")
        mailbox.keep("bob", b"1\n")
        self.clock.advance(0)
        self.desk.path.unlink()
        mailbox.keep("bob", b"2\n")
        with Logged() as logged:
            mailbox = self.again(mailbox)
        self.assertIn(f"all that was in it is now in {self.desk.path}", logged.texts)
        self.assertEqual(self.take(mailbox, "bob"), [b"1\n", b"2\n"])

    def test_stop_with_a_file_that_has_gone_unnoticed(self) -> None:
        """That is so, too, if nothing was written since."""
        mailbox = self.known("bob")
        mailbox.keep("bob", b"1\n")
        self.clock.advance(0)
        self.desk.path.unlink()
        self.assertEqual(self.take(self.again(mailbox), "bob"), [b"1\n"])

    def test_stop_with_a_folder_that_has_gone(self) -> None:
        """Mail that cannot be saved is lost, and counted: the ledger has it as kept no more."""
        mailbox = self.known("bob")
        mailbox.keep("bob", b"1\n")
        self.clock.advance(0)
        shutil.rmtree(self.desk.path.parent)
        mailbox.keep("bob", b"2\n")
        self.assertEqual(mailbox.copies(), 2)
        with Logged() as logged:
            self.clock.advance(0)
            self.successResultOf(mailbox.close())
        self.desk.path.parent.mkdir()  # for the end of the test
        self.assertEqual(
            logged.texts[-2:],
            [
                f"the mail cannot be saved: [Errno 2] No such file or directory:"
                f" '{self.desk.path}'",
                "lines are lost, as they could not be written: 2",
            ],
        )
        self.assertEqual(mailbox.copies(), 0)

    def test_lost_are_those_that_are_not_in_the_file(self) -> None:
        """A line handed back to a full disk, and in the file already, is not lost."""
        mailbox = self.make()
        mailbox.enroll("bob")
        for line in (b"1\n", b"2\n"):
            mailbox.record("bob", line)
        self.clock.advance(0)
        self.desk.disk.full = True
        mailbox.pass_by("bob", 1)
        mailbox.hand_back("bob", [b"1\n", b"2\n", b"3\n"])
        with Logged() as logged:
            self.clock.advance(0)
            self.successResultOf(mailbox.close())
        self.assertEqual(logged.texts[-1], "lines are lost, as they could not be written: 1")
        self.assertEqual(mailbox.copies(), 2)

    def test_disk_that_cannot_be_read(self) -> None:
        """Mail that the disk cannot read fails in one sentence, and as nobody's bug."""
        mailbox = self.known("bob")
        mailbox.keep("bob", b"1\n")
        self.clock.advance(0)
        self.desk.disk.broken = True
        taking = mailbox.take("bob", 100)
        self.clock.advance(0)
        failure = self.failureResultOf(taking, Unavailable)
        self.assertEqual(failure.getErrorMessage(), "disk I/O error")

    def test_unusable_file(self) -> None:
        """A file that is no mailbox ends the start with one sentence."""
        self.desk.path.write_bytes(b"no database\n" * 100)
        error = self.assertRaises(SystemExit, self.make)
        self.assertEqual(
            str(error), f"achat: the mailbox {self.desk.path} cannot be used: it is not a database"
        )

    def test_handed_back_to_a_full_disk(self) -> None:
        """Lines handed back while the disk is full still come ahead of those in the file."""
        mailbox = self.make()
        mailbox.enroll("bob")
        mailbox.pass_by("bob", 3)
        mailbox.keep("bob", b"4\n")
        self.clock.advance(0)
        self.desk.disk.full = True
        mailbox.delivered("bob", 1)
        mailbox.hand_back("bob", [b"2\n", b"3\n"])
        for _ in range(3):  # logins that change nothing
            mailbox.enroll("bob")
            first, rest = self.take(mailbox, "bob"), self.take(mailbox, "bob")
            self.assertEqual(first + rest, [b"2\n", b"3\n", b"4\n"])
            mailbox.hand_back("bob", first + rest)
        mailbox.keep("bob", b"5\n")
        self.desk.disk.full = False
        self.clock.advance(RETRY)
        mailbox = self.again(mailbox)
        self.assertEqual(self.take(mailbox, "bob"), [b"2\n", b"3\n", b"4\n"])

    def test_disk_that_never_answers(self) -> None:
        """A stop does not wait for a commit for ever, and says what that costs."""
        mailbox = self.known("bob")
        self.clock.advance(0)
        self.desk.worker.held = True
        mailbox.keep("bob", b"1\n")
        self.clock.advance(0)
        closed = mailbox.close()
        self.clock.advance(LAST - 1)
        self.assertNoResult(closed)
        with Logged() as logged:
            self.clock.advance(1)
        self.successResultOf(closed)
        self.assertEqual(
            logged.texts,
            [
                "the mailbox does not answer: not waiting for it any longer",
                "lines are lost, as they could not be written: 1",
            ],
        )

    def test_nothing_expires_on_a_full_disk(self) -> None:
        """As long as nothing can be marked off in the file, nothing in it expires either."""
        mailbox = self.known("bob", MailLimits(age=mailboxes.DAY))
        for line in (b"1\n", b"2\n"):
            mailbox.keep("bob", line)
        mailbox.enroll("bob")
        self.take(mailbox, "bob", 2)
        self.desk.disk.full = True
        mailbox.delivered("bob", 1)
        mailbox.hand_back("bob", [])
        self.clock.pump([mailboxes.DAY, mailboxes.DAY, 0])
        self.assertEqual((mailbox.count("bob"), mailbox.expired), (1, 0))
        self.desk.disk.full = False
        self.clock.pump([RETRY, mailboxes.DAY, 0])
        self.assertEqual((mailbox.count("bob"), mailbox.expired), (0, 1))

    def test_lines_that_vanish(self) -> None:
        """Lines that somebody else has taken out of the file are an error for who wants them."""
        mailbox = self.known("bob")
        mailbox.keep("bob", b"1\n")
        self.clock.advance(0)
        self.desk.databases[-1].commit(Batch(arrived={1: 10}))
        taking = mailbox.take("bob", 100)
        self.clock.advance(0)
        self.failureResultOf(taking, LookupError)

    def test_overload(self) -> None:
        """When more comes in than the disk takes, that is told, and then copies are refused."""
        mailbox = self.known("bob", MailLimits(per_name=2**30, total=2**30))
        self.desk.worker.held = True
        line = b"x" * 2**20
        self.assertFalse(mailbox.pressed)
        for _ in range(9):
            self.assertTrue(mailbox.keep("bob", line))
        self.assertTrue(mailbox.pressed)
        kept = 9
        while mailbox.keep("bob", line):
            kept += 1
        self.assertEqual(kept, 65)
        self.clock.advance(0)
        self.desk.worker.release()
        self.assertFalse(mailbox.pressed)
        self.assertTrue(mailbox.keep("bob", line))


class AgeTests(SynchronousTestCase):
    """The age of mail in a file, from server to server."""

    limits = MailLimits(age=DAY)

    def setUp(self) -> None:
        self.clock = Clock()
        self.desk = Desk.of(self, self.clock)
        self.mailbox = self.desk.mailbox(self.limits)
        self.mailbox.enroll("bob")
        self.mailbox.hand_back("bob", [])
        self.keep()

    def keep(self) -> None:
        self.assertTrue(self.mailbox.keep("bob", b"x\n"))
        self.clock.advance(0)

    def run_for(self, seconds: float) -> None:
        """Let a server run so long, and the wall clock with it."""
        while seconds > 0:
            step = min(seconds, EXPIRY)
            self.desk.wall.advance(step)
            self.clock.advance(step)
            self.clock.advance(0)
            seconds -= step

    def restart(self) -> None:
        """An ordered stop, and the next server."""
        self.successResultOf(self.mailbox.close())
        self.begin()

    def crash(self) -> None:
        self.desk.crash()
        self.begin()

    def begin(self) -> None:
        self.clock = self.desk.clock = Clock()  # what it says has no meaning for another process
        self.mailbox = self.desk.mailbox(self.limits)
        self.clock.advance(0)

    def assert_expires_in(self, seconds: float) -> None:
        """The mail expires then, give or take two looks."""
        self.run_for(seconds - EXPIRY)
        self.assertEqual(self.mailbox.copies(), 1)
        self.run_for(3 * EXPIRY)
        self.assertEqual(self.mailbox.copies(), 0)

    def test_age_of_several_servers(self) -> None:
        """Mail is as old as all servers together have run, and expires by that."""
        for _ in range(4):
            self.run_for(DAY / 5)
            self.restart()
        self.assert_expires_in(DAY / 5)

    def test_age_after_a_crash(self) -> None:
        """A crash makes it hardly any younger."""
        self.run_for(DAY / 2)
        self.crash()
        self.assert_expires_in(DAY / 2)

    def test_step_before_a_stop(self) -> None:
        """A stop notes what the wall clock has to do with it, however soon after a step."""
        self.desk.wall.advance(400 * DAY)
        self.run_for(EXPIRY / 2)
        self.restart()
        self.assert_expires_in(DAY - EXPIRY / 2)

    def test_step_while_it_runs(self) -> None:
        """A wall clock that is set while a server runs makes no mail older, nor does a restart."""
        self.desk.wall.advance(400 * DAY)
        self.run_for(2 * EXPIRY)
        for _ in range(20):
            self.restart()
        self.run_for(2 * EXPIRY)
        self.assertEqual(self.mailbox.copies(), 1)

    def test_step_and_crashes(self) -> None:
        """Nor do crashes, one soon after the other."""
        self.desk.wall.advance(400 * DAY)
        for _ in range(20):
            self.run_for(EXPIRY / 2)
            self.keep()
            self.crash()
        self.run_for(2 * EXPIRY)
        self.assertEqual(self.mailbox.copies(), 21)

    def test_downtime(self) -> None:
        """The time without a server counts, up to a tenth of the age."""
        for downtime, counts in ((DAY / 20, DAY / 20), (100 * DAY, DAY / 10), (-DAY, 0.0)):
            self.setUp()
            self.restart()
            self.successResultOf(self.mailbox.close())
            self.desk.wall.advance(downtime)
            self.begin()
            self.assert_expires_in(DAY - counts)

    def test_from_the_future(self) -> None:
        """Mail that is stamped later than now, by an older achat, expires as if it were new."""
        self.successResultOf(self.mailbox.close())
        with closing(sqlite3.connect(self.desk.path)) as sql, sql:
            sql.execute("UPDATE copy SET since = 1e12")
            sql.execute("DROP TABLE mail_clock")
        self.begin()
        self.assert_expires_in(DAY)

    def test_full_disk(self) -> None:
        """That the time cannot be noted at the end costs no line, and none is said to be lost."""
        self.desk.disk.full = True
        with Logged() as logged:
            self.successResultOf(self.mailbox.close())
        (text,) = logged.texts
        self.assertIn("the mailbox cannot be written", text)
