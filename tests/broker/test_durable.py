"""A durable broker: nothing leaves it before it is safe, and C{/sync} says when all is."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.broker.takeover import Duplicate
from achat_twisted.limits.pacing import HOLD
from achat_twisted.mailbox.committer import RETRY
from achat_twisted.mailbox.sqlite import PRESSED
from achat_twisted.wire.tags import Opening
from tests.disk import Desk
from tests.house import Guest, House


class DurableTests(SynchronousTestCase):
    """L{achat_twisted.broker.broker.Broker}, durable, on a mailbox in a file."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.desk = Desk.of(self, self.clock)
        self._start()
        self.alice, self.bob = self.house.comes("alice"), self.house.comes("bob")

    def _start(self, outbox_limit: int = 10_000) -> None:
        self.house = House(
            self.desk.mailbox(),
            self.clock,
            Duplicate.TAKEOVER,
            durable=True,
            outbox_limit=outbox_limit,
        )

    def _told(self, guest: Guest) -> list[str]:
        """The lines that it has heard since its welcome."""
        return guest.link.lines()[1:]

    def test_commit_comes_first(self) -> None:
        """A line reaches nobody before it is in the file."""
        self.desk.worker.held = True
        self.alice.says("bob: hi")
        self.house.turn()
        self.assertEqual(self._told(self.bob), [])
        self.desk.worker.release()
        self.house.turn()
        self.assertEqual(self._told(self.bob), ["from alice: hi"])

    def test_arrives_after_a_long_commit(self) -> None:
        """A line that a slow disk has held up for seconds counts as delivered when it arrives."""
        self.clock.advance(1)
        self.desk.worker.held = True
        self.alice.says("bob: hi")
        self.house.turn()
        for _ in range(3):
            self.clock.advance(1)
        self.desk.worker.release()
        self.house.turn()
        self.assertEqual(self.house.broker.balance().in_flight, 1)
        self.clock.advance(1)
        self.assertEqual(self.house.broker.balance().in_flight, 0)

    def test_goes_on_after_a_late_commit(self) -> None:
        """All go on and are told when a commit has come to its end that was late."""
        carol = self.house.comes("carol", opening=Opening(tag="s", only_sends=True))
        carol.says("nobody: hi")
        self.house.turn()
        self.clock.advance(1)
        self.desk.worker.held = True
        carol.session.got("0 1")
        self.alice.says("bob: hi")
        self.alice.session.sync("mark")
        self.house.turn()
        for _ in range(24):
            self.clock.advance(0.25)
        self.assertTrue(carol.source.paused)
        self.desk.worker.release()
        for _ in range(8):
            self.clock.advance(0.25)
        self.assertFalse(carol.source.paused)
        self.assertEqual(self._told(self.alice), ["! synced 1 mark"])

    def test_session_that_never_began(self) -> None:
        """Lines that an older session has not got stay in the file when a waiting one ends."""
        self.bob.link.silence()
        self.alice.says("bob: hi")
        self.house.turn()
        waits = self.house.comes("bob")
        waits.loses_connection()
        self.house.turn()
        self.desk.crash()
        self._start()
        self.assertEqual(self.house.comes("bob").link.messages(), ["from alice: hi"])

    def test_kept_is_told_at_the_end(self) -> None:
        """A session that is taken over or kicked still hears that a line of its is kept."""
        for end in (lambda: self.house.comes("alice"), lambda: self.house.broker.kick("alice")):
            self.setUp()
            self.bob.loses_connection()
            self.desk.worker.held = True
            self.alice.says("bob: hi")
            end()
            self.house.turn()
            self.assertNotIn("! kept bob 1", self._told(self.alice))
            self.desk.worker.release()
            self.house.turn()
            self.assertIn("! kept bob 1", self._told(self.alice))

    def test_sync_is_answered_at_the_end(self) -> None:
        """A kick does not swallow the answer to C{/sync} if all is safe already, or is by then."""
        self.alice.session.sync("at once")
        self.house.broker.kick("alice")
        self.house.turn()
        self.assertIn("! synced 0 at once", self._told(self.alice))
        carol = self.house.comes("carol")
        self.desk.disk.full = True
        carol.says("bob, nobody: hi")
        carol.session.sync("later")
        self.house.turn()
        self.assertTrue(carol.session.answers.withheld)
        self.desk.disk.full = False
        self.clock.callLater(RETRY, self.house.broker.kick, "carol")  # behind the commit
        self.clock.advance(RETRY)
        self.house.turn()
        self.assertIn("! synced 1 later", self._told(carol))

    def test_kept_is_not_told_if_it_is_not(self) -> None:
        """A session that is kicked does not hear that a line is kept if it cannot be written."""
        self.bob.loses_connection()
        self.desk.disk.full = True
        self.alice.says("bob: hi")
        self.house.broker.kick("alice")
        self.house.turn()
        self.assertEqual(self._told(self.alice), ["! kicked", "! bye 1"])

    def test_answers_to_one_that_is_gone(self) -> None:
        """A commit that fails after a session has gone leaves nothing of it to be counted."""
        self.bob.loses_connection()
        self.desk.worker.held = True
        self.alice.says("bob: hi")
        self.house.turn()
        self.alice.loses_connection()
        self.desk.disk.full = True
        self.desk.worker.release()
        self.house.turn()
        self.assertEqual(self.house.broker.pool.size, 0)

    def test_run(self) -> None:
        """Lines that are posted at once are each in the file before they reach anybody."""
        self.desk.worker.held = True
        self.assertTrue(self.alice.says_at_once("bob: 1", "bob: 2"))
        self.house.turn()
        self.assertEqual(self._told(self.bob), [])
        self.bob.link.silent = True
        self.desk.worker.release()
        self.house.turn()
        self.bob.link.vanish()
        self.desk.crash()
        self._start()
        self.assertEqual(
            self.house.comes("bob").link.messages(), ["from alice: 1", "from alice: 2"]
        )

    def _waits_for_the_disk(self, *lines: str) -> None:
        """Alice says more than the disk takes; then the disk takes it, or fails."""
        self.desk.crash()
        self._start(outbox_limit=8 * PRESSED)
        for full in (False, True):
            alice, bob = self.house.comes("alice"), self.house.comes("bob")
            self.desk.worker.held = True
            said = 0
            while not alice.source.paused:
                said += len(lines)
                if len(lines) == 1:
                    alice.says(f"bob: {lines[0]}")
                else:
                    self.assertTrue(alice.says_at_once(*(f"bob: {line}" for line in lines)))
                self.assertLess(said * len(lines[0]), PRESSED + 2**21)
            self.clock.advance(3 * HOLD)
            self.assertTrue(alice.source.paused)
            self.desk.disk.full = full
            self.desk.worker.release()
            self.house.turn()
            self.assertFalse(alice.source.paused)
            self.assertEqual(len(bob.link.messages()), said)

    def test_line_that_waits_for_the_disk(self) -> None:
        """A client that sends more than the disk takes waits until it has taken that, or fails."""
        self._waits_for_the_disk("x" * 2**20)

    def test_run_that_waits_for_the_disk(self) -> None:
        """A client that sends it in runs waits as well."""
        self._waits_for_the_disk(*["x" * 2**17] * 8)

    def test_turns_gather_while_a_commit_runs(self) -> None:
        """Lines that come during a commit go with the next, however many turns that takes."""
        self.desk.worker.held = True
        for number in range(10):
            self.alice.says(f"bob: {number}")
            self.house.turn()
        before = self.desk.worker.jobs
        self.desk.worker.release()
        self.house.turn()
        self.assertEqual(self._told(self.bob), [f"from alice: {number}" for number in range(10)])
        self.assertLessEqual(self.desk.worker.jobs, before + 3)
        self.assertEqual(len(self.bob.link.writes), 3)

    def _converse(self, clients: int) -> list[Guest]:
        """Some clients that have heard a line each, after a commit of ten milliseconds; later ones
        take no time.
        """
        guests = [self.house.comes(f"guest {number}") for number in range(clients)]
        self.desk.worker.held = True
        for number in range(clients):
            self.alice.says(f"guest {number}: hi")
        self.house.turn()
        self.clock.advance(0.01)
        self.desk.worker.release()
        self.house.turn()
        for guest in guests:
            self.assertEqual(self._told(guest), ["from alice: hi"])
        return guests

    def test_waits_for_company(self) -> None:
        """If many converse, a turn waits a moment for their lines to share a commit; and it is a
        moment even if the disk is slow.
        """
        guests = self._converse(5)
        before = self.desk.worker.jobs
        for guest in guests[1:]:
            guest.says("guest 0: hi")
            self.house.turn()
            guest.says("bob: hi")
            self.house.turn()
        self.assertEqual((self.desk.worker.jobs, self._told(self.bob)), (before, []))
        self.clock.advance(0.0021)
        self.house.turn()
        self.assertEqual(self.desk.worker.jobs, before + 1)
        self.assertEqual(len(self._told(self.bob)), 4)

    def test_waits_no_longer_when_all_are_here(self) -> None:
        """It waits no longer when as many are to get something as the time before."""
        guests = self._converse(5)
        for number, guest in enumerate(guests):
            self.assertEqual(self._told(guests[0]), ["from alice: hi"])
            guest.says(f"guest {4 - number}: hi")
            self.house.turn()
        self.assertEqual(self._told(guests[0]), ["from alice: hi", "from guest 4: hi"])

    def test_waits_for_nobody(self) -> None:
        """A few that converse are not kept waiting."""
        guests = self._converse(4)
        guests[0].says("guest 1: hi")
        self.house.turn()
        self.assertEqual(self._told(guests[1]), ["from alice: hi", "from guest 0: hi"])

    def test_sync_is_answered_when_all_is_safe(self) -> None:
        """Sync is answered behind the notices about earlier lines, when those are in the file."""
        self.bob.loses_connection()
        self.desk.worker.held = True
        self.alice.says("bob, nobody: hi")
        self.alice.session.sync("token")
        self.house.turn()
        self.assertEqual(self._told(self.alice), [])
        self.desk.worker.release()
        self.house.turn()
        self.assertEqual(
            self._told(self.alice), ["! kept bob 1", "! unknown nobody 1", "! synced 1 token"]
        )

    def test_sync_keeps_its_place(self) -> None:
        """The answer stands before what became of lines after it."""
        self.alice.session.sync("token")
        self.alice.says("nobody: hi")
        self.house.turn()
        self.assertEqual(self._told(self.alice), ["! synced 0 token", "! unknown nobody 1"])

    def test_disk_fails(self) -> None:
        """While the disk fails lines still reach who is here; sync is answered when it recovers."""
        self.desk.disk.full = True
        self.alice.says("bob: hi")
        self.alice.session.sync("token")
        self.house.turn()
        self.clock.advance(5)
        self.house.turn()
        self.assertEqual(self._told(self.bob), ["from alice: hi"])
        self.assertEqual(self._told(self.alice), [])
        self.desk.disk.full = False
        self.clock.pump([RETRY, 1, 1])
        self.house.turn()
        self.assertEqual(self._told(self.alice), ["! synced 1 token"])

    def test_kept_is_safe(self) -> None:
        """While the disk fails nothing is said to be kept; when it recovers all is, in order."""
        self.bob.loses_connection()
        self.house.turn()
        self.desk.disk.full = True
        self.alice.says("bob: 1")
        self.alice.session.sync("1")
        self.house.turn()
        self.alice.says("bob: 2")
        self.alice.session.sync("2")
        self.house.turn()
        self.assertEqual(self._told(self.alice), ["! full bob 1"])
        self.desk.disk.full = False
        self.clock.pump([RETRY, 1, 1])
        self.house.turn()
        self.assertEqual(
            self._told(self.alice),
            ["! full bob 1", "! kept bob 1", "! synced 1 1", "! synced 2 2"],
        )

    def test_crash(self) -> None:
        """Lines synced and not arrived are there after a crash; those that arrived are not."""
        self.alice.says("bob: arrives")
        self.house.turn()
        self.clock.advance(1)
        self.house.turn()
        self.bob.link.silence()
        self.alice.says("bob: on its way")
        self.alice.says("bob: too")
        self.alice.session.sync("")
        self.house.turn()
        self.assertEqual(self._told(self.alice), ["! synced 3"])
        self.desk.crash()
        self._start()
        self.assertEqual(
            self._told(self.house.comes("bob")),
            ["! mail 2", "from alice: on its way", "from alice: too"],
        )

    def test_sync_during_a_commit(self) -> None:
        """A commit that was already running when sync came does not answer it."""
        self.desk.worker.held = True
        self.alice.says("bob: 1")
        self.house.turn()
        self.alice.says("bob: 2")
        self.alice.session.sync("")
        self.desk.worker.release()
        self.assertEqual(self._told(self.bob), ["from alice: 1"])
        self.assertEqual(self._told(self.alice), [])
        self.house.turn()
        self.assertEqual(self._told(self.alice), ["! synced 2"])

    def test_takeover(self) -> None:
        """A session replaced in the middle of a commit gets its farewell, but no false promise."""
        self.desk.worker.held = True
        self.alice.says("bob, nobody: hi")
        self.alice.session.sync("token")
        new = self.house.comes("alice")
        self.assertEqual(self._told(self.alice), [])
        self.desk.disk.full = True
        self.desk.worker.release()
        self.house.turn()
        self.assertEqual(
            self._told(self.alice)[-3:], ["! unknown nobody 1", "! replaced", "! bye 1"]
        )
        self.assertEqual(new.link.lines(), ["! welcome alice"])

    def test_stop(self) -> None:
        """A stop lets everybody go with all that is due, and leaves nothing behind."""
        self.desk.worker.held = True
        self.alice.says("bob: hi")
        drained = self.house.broker.stopService()
        self.assertNoResult(drained)
        self.desk.worker.release()
        self.house.turn()
        self.successResultOf(drained)
        self.assertEqual(self._told(self.bob), ["from alice: hi", "! bye 0"])
