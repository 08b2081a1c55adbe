"""Group commit: one at a time, all that has gathered, and what happens when it fails."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.mailbox.batch import Span
from achat_twisted.mailbox.committer import LATE, RETRY, SYNC, Committer
from achat_twisted.tools.meter import Meter
from tests.disk import FakeDisk, FakeWorker, FullDatabase, scratch_file
from tests.logged import Logged


class Uncountable(FullDatabase):
    """A database that cannot be read any more."""

    def count(self) -> int:
        raise sqlite3.DatabaseError("disk I/O error")


class CommitterTests(SynchronousTestCase):
    """L{Committer}."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.worker = FakeWorker()
        self.disk = FakeDisk()
        self.database = self._open(scratch_file(self))
        self.committer = Committer(self.worker, self.clock)
        self.committer.open(self.database)
        self.position = 0

    def _open(self, path: Path, *, durable: bool = False) -> FullDatabase:
        database = FullDatabase(path, self.disk, durable=durable)
        self.addCleanup(database.close)
        return database

    def _add(self) -> None:
        self.position += 1
        self.committer.batch.add(Span(1, self.position, 0.0, b"x\n", 1))
        self.committer.soon()

    def _in_file(self) -> int:
        return len(self.database.page(1, 1, 1000))

    def test_what_gathers_is_committed_at_a_stroke(self) -> None:
        """All of one turn is one commit, and all that comes while it runs is the next."""
        self.worker.held = True
        for _ in range(3):
            self._add()
        self.clock.advance(0)
        for _ in range(5):
            self._add()
            self.clock.advance(0)
        self.worker.release()
        self.assertEqual((self.worker.jobs, self._in_file()), (1, 3))
        self.clock.advance(0)
        self.assertEqual((self.worker.jobs, self._in_file()), (2, 8))

    def test_commits_are_timed(self) -> None:
        """A meter learns how long commits take, also those that fail; a question is none."""
        meter = Meter(iter(range(100)).__next__)
        committer = self.committer = Committer(self.worker, self.clock, meter)
        committer.open(self.database)
        self.disk.full = True
        self._add()
        self.clock.advance(0)
        self.disk.full = False
        self.clock.advance(RETRY)
        committer.ask(lambda database: database.count())
        self.clock.advance(0)
        self.assertEqual((meter.commits.buckets()[-1][1], meter.commits.total), (2, 2.0))

    def test_nothing_to_commit(self) -> None:
        """When all is safe nobody waits, and nothing is done."""
        self.assertIsNone(self.committer.commit())
        self.clock.advance(10)
        self.assertEqual(self.worker.jobs, 0)

    def test_waits_for_its_own_commit(self) -> None:
        """A caller that asks during a commit waits for it, or for the next if more has come."""
        self.worker.held = True
        self._add()
        self.clock.advance(0)
        first = self.committer.commit()
        self._add()
        second = self.committer.commit()
        assert first is not None
        assert second is not None
        self.worker.release()
        self.assertTrue(self.successResultOf(first))
        self.assertNoResult(second)
        self.clock.advance(0)
        self.assertTrue(self.successResultOf(second))

    def test_more_comes_as_soon_as_a_commit_is_done(self) -> None:
        """A caller that is told of a commit may add to the next at once, and wait for it."""
        self._add()
        first = self.committer.commit()
        assert first is not None
        more = first.addCallback(lambda _: self._add()).addCallback(
            lambda _: self.committer.commit()
        )
        self._add()
        self.clock.advance(0)
        self.assertTrue(self.successResultOf(more))
        with Logged() as logged:
            self.clock.advance(2 * LATE)
        self.assertEqual(logged.texts, [])
        self.assertEqual((self.worker.jobs - self.disk.syncs, self._in_file()), (2, 3))

    def test_tries_again(self) -> None:
        """A commit that fails is tried again now and then, with all that has come since."""
        self.disk.full = True
        self._add()
        failed = self.committer.commit()
        assert failed is not None
        self.clock.advance(0)
        self.assertFalse(self.successResultOf(failed))
        self.assertTrue(self.committer.failing)
        for _ in range(5):
            self._add()
            self.clock.advance(0)
        self.assertEqual(self.worker.jobs, 1)
        self.disk.full = False
        self.clock.advance(RETRY)
        self.assertFalse(self.committer.failing)
        self.assertEqual((self.worker.jobs, self._in_file()), (2, 6))

    def test_more_comes_while_a_commit_fails(self) -> None:
        """Changes that gather during a commit that fails are tried again together with it."""
        self.worker.held = self.disk.full = True
        self._add()
        self.clock.advance(0)
        self._add()
        self.worker.release()
        self.disk.full = False
        self.clock.advance(RETRY)
        self.assertEqual((self.worker.jobs, self._in_file()), (2, 2))

    def test_nobody_waits_for_a_disk_that_fails(self) -> None:
        """A caller that asks while commits fail is told so at once."""
        self.disk.full = True
        self._add()
        self.clock.advance(0)
        answer = self.committer.commit()
        assert answer is not None
        self.assertFalse(self.successResultOf(answer))

    def test_late(self) -> None:
        """A commit that does not come back counts as failed, until it does come back."""
        self.worker.held = True
        self._add()
        late = self.committer.commit()
        assert late is not None
        self.clock.advance(0)
        with Logged() as logged:
            self.clock.advance(LATE)
        self.assertIn("no answer for 5 seconds", logged.texts[0])
        self.assertFalse(self.successResultOf(late))
        self.worker.release()
        self.assertFalse(self.committer.failing)
        self.assertEqual(self._in_file(), 1)

    def test_late_after_another(self) -> None:
        """Each commit has its own time, however many have just come before it."""
        for held in (False, True):
            self.worker.held = held
            self._add()
            self.clock.advance(0)
            self.clock.advance(LATE - 1)
        self.assertFalse(self.committer.failing)
        with Logged():
            self.clock.advance(1)
        self.assertTrue(self.committer.failing)
        self.worker.release()

    def test_question(self) -> None:
        """A question is answered behind all changes before it, also while commits fail."""
        self._add()
        answer = self.committer.ask(lambda database: database.page(1, 1, 9))
        self.clock.advance(0)
        self.assertEqual(self.successResultOf(answer), [b"x\n"])
        self.disk.full = True
        self._add()
        self.clock.advance(0)
        answer = self.committer.ask(lambda database: database.page(1, 1, 9))
        self.clock.advance(0)
        self.assertEqual(self.successResultOf(answer), [b"x\n"])

    def test_question_that_fails(self) -> None:
        """A question that goes wrong is the business of its asker."""
        answer = self.committer.ask(lambda _database: 1 // 0)
        other = self.committer.ask(lambda _database: 1)
        self.clock.advance(0)
        self.failureResultOf(answer, ZeroDivisionError)
        self.assertEqual(self.successResultOf(other), 1)

    def test_close(self) -> None:
        """Closing waits for what runs, commits what is left, and then closes the file."""
        self.worker.held = True
        self._add()
        self.clock.advance(0)
        self._add()
        closed = Deferred.fromCoroutine(self.committer.close())
        self.assertNoResult(closed)
        self.worker.release()
        self.successResultOf(closed)
        self.assertTrue(self.worker.stopped)
        again = self._open(self.database.path)
        self.assertEqual(len(again.page(1, 1, 1000)), 2)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_no_thread(self) -> None:
        """Without a thread a commit is begun again until there is one, and done once."""
        self.worker.short = True
        self._add()
        answer = self.committer.ask(lambda database: database.count())
        committed = self.committer.commit()
        assert committed is not None
        self.clock.advance(0)
        self.clock.advance(RETRY)
        self.assertFalse(self.committer.failing)
        self.worker.short = False
        self.clock.advance(RETRY)
        self.assertTrue(self.successResultOf(committed))
        self.assertEqual(self.successResultOf(answer), 1)
        self.assertEqual((self.worker.jobs, self._in_file()), (1, 1))

    def test_no_thread_for_long(self) -> None:
        """Without a thread for long the mailbox fails, and the log says why; then it goes on."""
        self.worker.short = True
        self._add()
        committed = self.committer.commit()
        assert committed is not None
        with Logged() as logged:
            self.clock.pump([0, *[RETRY] * 20])
        self.assertFalse(self.successResultOf(committed))
        self.assertEqual(len(logged.texts), 1)
        self.assertIn("cannot be written: no thread can be started", logged.texts[0])
        self._add()
        self.worker.short = False
        with Logged() as logged:
            self.clock.pump([RETRY, 0])
        self.assertEqual(logged.texts, ["the mailbox can be written again"])
        self.assertEqual(self._in_file(), 2)

    def test_close_without_a_thread(self) -> None:
        """A stop without a thread does the last work itself, and loses nothing."""
        self.worker.short = True
        self._add()
        self.clock.advance(0)
        self._add()
        remains = self.successResultOf(Deferred.fromCoroutine(self.committer.close()))
        self.assertEqual((remains.copies, remains.lost), (2, 0))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_synced_soon(self) -> None:
        """A commit outlives a power cut a second later; while nothing comes nothing is synced."""
        for _ in range(3):
            self._add()
            self.clock.advance(0)
        self.assertEqual(self.disk.syncs, 0)
        self.clock.advance(SYNC)
        self.clock.advance(0)
        self.assertEqual(self.disk.syncs, 1)
        self.clock.pump([SYNC] * 5)
        self.assertEqual(self.disk.syncs, 1)

    def test_synced_by_each_commit(self) -> None:
        """Commits that wait for the disk by themselves are not synced again."""
        self.committer.open(self._open(scratch_file(self), durable=True))
        self._add()
        self.clock.pump([0, SYNC, SYNC])
        self.assertEqual((self.worker.jobs, self.disk.syncs), (1, 0))

    def test_not_synced(self) -> None:
        """A disk that does not take what was committed is an error in the log, in one sentence."""
        self.disk.broken = True
        self._add()
        with Logged() as logged:
            self.clock.pump([0, SYNC, 0])
        self.assertEqual(
            logged.texts,
            ["the disk did not take the mailbox's last second: [Errno 5] Input/output error"],
        )

    def test_close_of_a_file_that_cannot_be_counted(self) -> None:
        """A file in which copies cannot be counted at the end is free for others all the same."""
        path = self.database.path
        self.database.close()
        self.committer.open(Uncountable(path, self.disk))
        remains = self.successResultOf(Deferred.fromCoroutine(self.committer.close()))
        self.assertIsNone(remains.copies)
        self._open(path)
