"""The broker: routing, and the invariants of the design, a test for each, by name."""

from __future__ import annotations

from itertools import pairwise

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted import wire
from achat_twisted.broker.feed import FETCH, FeedState
from achat_twisted.broker.takeover import Duplicate
from achat_twisted.limits.limits import Limits
from achat_twisted.limits.pacing import HOLD
from achat_twisted.mailbox.accounts import MailLimits
from achat_twisted.mailbox.interfaces import IMailbox
from achat_twisted.mailbox.memory import MemoryMailbox
from achat_twisted.tools.backoff import FIRST
from tests.fakes import Bug, CountingMailbox, SlowMailbox
from tests.house import House, steps
from tests.logged import Logged


def _has_mail(mailbox: IMailbox, name: str, *lines: str) -> None:
    """Let there be somebody who is away, and has mail."""
    mailbox.enroll(name)
    mailbox.hand_back(name, [f"{line}\n".encode() for line in lines])


class RoutingTests(SynchronousTestCase):
    """The way of a line."""

    def test_message_reaches_each_name(self) -> None:
        """Each name listed gets one copy, and a name listed twice gets two."""
        house = House()
        alice, bob, carol = (house.comes(name) for name in ("alice", "bob", "carol"))
        alice.says("bob, carol, bob: hi")
        house.turn()
        self.assertEqual(bob.link.messages(), ["from alice: hi", "from alice: hi"])
        self.assertEqual(carol.link.messages(), ["from alice: hi"])
        self.assertEqual(house.broker.balance().accepted, 3)

    def test_run(self) -> None:
        """Several lines posted at once reach each name, in order, and count each."""
        house = House()
        alice, bob, carol = (house.comes(name) for name in ("alice", "bob", "carol"))
        self.assertTrue(alice.says_at_once("bob, carol: 1", "bob, carol: 2"))
        house.turn()
        for guest in (bob, carol):
            self.assertEqual(guest.link.messages(), ["from alice: 1", "from alice: 2"])
        self.assertEqual(house.broker.balance().accepted, 4)

    def test_several(self) -> None:
        """Lines for different names can go together as well."""
        house = House()
        alice, bob, carol = (house.comes(name) for name in ("alice", "bob", "carol"))
        self.assertTrue(alice.says_at_once("bob: 1", "carol: 2", "bob: 3"))
        house.turn()
        self.assertEqual(bob.link.messages(), ["from alice: 1", "from alice: 3"])
        self.assertEqual(carol.link.messages(), ["from alice: 2"])
        self.assertEqual(house.broker.balance().accepted, 3)

    def test_no_run(self) -> None:
        """Nothing is done with lines for somebody who is away, or has no room for all."""
        house = House(outbox_limit=1000)
        alice, bob = house.comes("alice"), house.comes("bob")
        self.assertFalse(alice.says_at_once("bob, carol: 1", "bob, carol: 2"))
        self.assertFalse(alice.says_at_once("bob: 1", "carol: 2"))
        self.assertFalse(alice.says_at_once(*(f"bob: {'x' * 50}" for _ in range(10))))
        house.turn()
        self.assertEqual(bob.link.messages(), [])
        self.assertEqual(house.broker.balance().accepted, 0)

    def test_no_run_past_mail(self) -> None:
        """Nor with lines for somebody who still gets mail."""
        mailbox = SlowMailbox(Clock())
        _has_mail(mailbox, "bob", "from carol: hi")
        house = House(mailbox)
        alice = house.comes("alice")
        mailbox.deliver()
        house.comes("bob")
        self.assertFalse(alice.says_at_once("bob: 1", "bob: 2"))
        mailbox.deliver()
        house.turn()
        self.assertTrue(alice.says_at_once("bob: 1", "bob: 2"))

    def test_one_write_for_a_peer_and_turn(self) -> None:
        """Lines from several senders to a peer in one turn go out in a single write."""
        house = House()
        alice, bob, carol = (house.comes(name) for name in ("alice", "bob", "carol"))
        bob.link.writes.clear()
        alice.says("bob: 1")
        carol.says("bob: 2")
        alice.says("bob: 3")
        house.turn()
        self.assertEqual(bob.link.writes, [b"from alice: 1\nfrom carol: 2\nfrom alice: 3\n"])

    def test_welcome_comes_first(self) -> None:
        """The first thing that a client hears is its welcome."""
        self.assertEqual(House().comes("alice").link.lines(), ["! welcome alice"])

    def test_unknown_name_is_refused(self) -> None:
        """Copies for a name that nobody has ever had are refused, summed up for the turn."""
        house = House()
        alice = house.comes("alice")
        alice.says("nobody, nobody: hi")
        alice.says("nobody: hi")
        house.turn()
        self.assertEqual(alice.link.lines()[1:], ["! unknown nobody 3"])
        self.assertEqual(house.broker.balance().refused["unknown"], 3)

    def test_mail_for_who_is_away(self) -> None:
        """A name that is away finds its mail when it returns, counted and in order."""
        house = House()
        alice, bob = house.comes("alice"), house.comes("bob")
        bob.loses_connection()
        alice.says("bob: 1")
        alice.says("bob: 2")
        house.turn()
        self.assertEqual(alice.link.lines()[1:], ["! kept bob 2"])
        self.assertEqual(
            house.comes("bob").link.lines(),
            ["! welcome bob", "! mail 2", "from alice: 1", "from alice: 2"],
        )

    def test_expected_name_is_kept(self) -> None:
        """A copy for a name that is expected waits for it, though it was never here."""
        house = House(expects=lambda name: name == "bob")
        alice = house.comes("alice")
        alice.says("bob, carol: hi")
        house.turn()
        self.assertEqual(alice.link.lines()[1:], ["! kept bob 1", "! unknown carol 1"])
        bob = house.comes("bob")
        self.assertEqual(bob.link.lines(), ["! welcome bob", "! mail 1", "from alice: hi"])

    def test_full_mailbox_refuses(self) -> None:
        """When the mailbox is full the sender is told for each copy that is refused."""
        house = House(MemoryMailbox(Clock(), MailLimits(per_name=100)))
        alice, bob = house.comes("alice"), house.comes("bob")
        bob.loses_connection()
        for number in range(3):
            alice.says(f"bob: {number}")
        house.turn()
        self.assertEqual(alice.link.lines()[1:], ["! kept bob 1", "! full bob 2"])

    def test_second_login_is_rejected(self) -> None:
        """A name that is here cannot be had a second time, unless takeover is allowed."""
        house = House()
        house.comes("alice")
        error = self.assertRaises(wire.Refused, house.comes, "alice")
        self.assertEqual(error.notice, wire.Notice("name-taken", "alice"))

    def test_name_of_who_is_leaving_can_be_had(self) -> None:
        """A session that has said goodbye holds its name no more, though its lines still flow."""
        house = House()
        bob = house.comes("bob", blocked=True)
        bob.session.drain()
        again = house.comes("bob")
        self.assertEqual(again.link.lines(), ["! welcome bob"])

    def test_takeover(self) -> None:
        """With takeover the new connection gets what the old one has not got, in order."""
        house = House(duplicate=Duplicate.TAKEOVER)
        alice, old = house.comes("alice"), house.comes("bob")
        old.link.block()
        for number in (1, 2, 3):
            alice.says(f"bob: {number}")
            house.turn()
        new = house.comes("bob")
        alice.says("bob: 4")
        house.turn()
        self.assertEqual(new.link.lines(), ["! welcome bob"])
        old.link.unblock()
        house.turn()
        self.assertEqual(old.link.messages(), ["from alice: 1"])
        self.assertEqual(new.link.messages(), [f"from alice: {number}" for number in (2, 3, 4)])
        self.assertTrue(old.source.stopped)

    def test_two_who_fight_for_a_name(self) -> None:
        """A name that has just been taken over cannot be taken over again at once."""
        house = House(duplicate=Duplicate.TAKEOVER)
        house.comes("bob")
        house.comes("bob")
        error = self.assertRaises(wire.Refused, house.comes, "bob")
        self.assertEqual(error.notice, wire.Notice("name-taken", "bob"))
        house.clock.advance(FIRST)
        self.assertEqual(house.comes("bob").link.lines(), ["! welcome bob"])

    def test_replaced_is_told_so(self) -> None:
        """The old connection is told that it was replaced, and how many lines were taken in."""
        house = House(duplicate=Duplicate.TAKEOVER)
        old = house.comes("bob")
        old.says("bob: me")
        house.turn()
        house.comes("bob")
        self.assertEqual(old.link.lines()[2:], ["! replaced", "! bye 1"])

    def test_replaced_is_told_all(self) -> None:
        """The fate of its copies is told to the old connection before its bye, too."""
        house = House(duplicate=Duplicate.TAKEOVER)
        old = house.comes("bob")
        old.says("nobody: hi")
        house.comes("bob")
        self.assertEqual(old.link.lines()[1:], ["! unknown nobody 1", "! replaced", "! bye 1"])

    def test_plain(self) -> None:
        """If notices are rendered as nothing, nothing is written for them."""
        house = House(render=wire.say_nothing)
        alice = house.comes("alice")
        alice.says("nobody: hi")
        alice.says("alice: hi")
        house.turn()
        self.assertEqual(alice.link.writes, [b"from alice: hi\n"])

    def test_names(self) -> None:
        """The names that are here are listed in order, without those who are leaving."""
        house = House()
        for name in ("carol", "alice", "bob"):
            house.comes(name)
        house.comes("dave", blocked=True).session.drain()
        self.assertEqual(house.names(), ["alice", "bob", "carol"])


class InvariantTests(SynchronousTestCase):
    """The invariants of C{docs/architecture.md}, by their numbers."""

    def test_2_only_the_writers_end_removes_a_peer(self) -> None:
        """A session that takes in no more is still there until its writer has ended."""
        mailbox = CountingMailbox(Clock())
        house = House(mailbox)
        bob = house.comes("bob", blocked=True)
        bob.session.drain()
        house.turn()
        self.assertEqual(mailbox.hand_backs, [])
        bob.link.unblock()
        self.assertEqual(mailbox.hand_backs, ["bob"])

    def test_2_removed_once_and_only_this_session(self) -> None:
        """The seeds' race: the end of an old session does not remove the one that came after."""
        mailbox = CountingMailbox(Clock())
        house = House(mailbox)
        alice, old = house.comes("alice"), house.comes("bob", blocked=True)
        old.session.drain()
        new = house.comes("bob")
        old.link.lose()
        house.turn()
        self.assertEqual(mailbox.hand_backs, ["bob"])
        alice.says("bob: hi")
        house.turn()
        self.assertEqual(new.link.messages(), ["from alice: hi"])
        self.assertEqual(house.names(), ["alice", "bob"])

    def test_2_back_before_the_old_writer_has_ended(self) -> None:
        """A name that comes again while its broken session has lines gets them first, and stays."""
        mailbox = CountingMailbox(Clock())
        house = House(mailbox)
        alice, old = house.comes("alice"), house.comes("bob")
        old.link.silence()
        for number in range(3):
            alice.says(f"bob: {number}")
            house.turn()
        old.session.drain()
        new = house.comes("bob")
        alice.says("bob: 3")
        house.turn()
        self.assertEqual((mailbox.hand_backs, new.link.messages()), ([], []))
        old.loses_connection(acknowledged=len("from alice: 0\nfrom al"))
        alice.says("bob: 4")
        house.turn()
        self.assertEqual(mailbox.hand_backs, ["bob"])
        self.assertEqual(new.link.messages(), [f"from alice: {number}" for number in range(1, 5)])
        self.assertEqual(house.names(), ["alice", "bob"])

    def test_3_posting_cannot_fail(self) -> None:
        """Between the break and the removal of a peer a post goes nowhere but to its mailbox."""
        house = House()
        alice, bob = house.comes("alice"), house.comes("bob", blocked=True)
        bob.session.drain()
        alice.says("bob: late")
        house.turn()
        bob.link.lose()
        self.assertEqual(house.comes("bob").link.messages(), ["from alice: late"])

    def test_3_left_lines_come_before_newer_ones(self) -> None:
        """Lines that a broken connection leaves are delivered ahead of later ones."""
        house = House()
        alice, bob = house.comes("alice"), house.comes("bob", blocked=True)
        for number in range(3):
            alice.says(f"bob: {number}")
            house.turn()
        bob.loses_connection()
        alice.says("bob: 3")
        house.turn()
        self.assertEqual(
            house.comes("bob").link.messages(), [f"from alice: {number}" for number in range(4)]
        )

    def test_4_order_through_spill(self) -> None:
        """Lines come in order through a full outbox, the mailbox, and back."""
        house = House(outbox_limit=1000)
        alice, bob = house.comes("alice"), house.comes("bob", blocked=True)
        for number in range(200):
            alice.says(f"bob: {number}")
            house.turn()
        self.assertIs(bob.session.feed.state, FeedState.BEHIND)
        self.assertGreater(house.mailbox.count("bob"), 0)
        bob.link.unblock()
        house.turn()
        self.assertEqual(bob.link.messages(), [f"from alice: {number}" for number in range(200)])
        self.assertIs(bob.session.feed.state, FeedState.LIVE)

    def test_4_no_overtaking_while_mail_is_fetched(self) -> None:
        """A line posted while the mailbox is being read comes after those in it."""
        mailbox = SlowMailbox(Clock())
        _has_mail(mailbox, "bob", "from alice: 1")
        house = House(mailbox)
        alice = house.comes("alice")
        bob = house.comes("bob")
        alice.says("bob: 2")
        house.turn()
        self.assertEqual(bob.link.messages(), [])
        for _ in range(3):
            mailbox.deliver()
            house.turn()
        alice.says("bob: 3")
        mailbox.deliver()
        house.turn()
        self.assertEqual(bob.link.messages(), ["from alice: 1", "from alice: 2", "from alice: 3"])

    def test_4_connection_breaks_while_mail_is_fetched(self) -> None:
        """Mail on its way from the mailbox to a connection that breaks is not lost."""
        mailbox = SlowMailbox(Clock())
        _has_mail(mailbox, "bob", "from alice: 1")
        house = House(mailbox)
        house.comes("bob").loses_connection()
        self.assertEqual(house.names(), [])
        mailbox.deliver()
        again = house.comes("bob")
        mailbox.deliver()
        house.turn()
        self.assertEqual(again.link.messages(), ["from alice: 1"])

    def test_5_the_ledger_balances(self) -> None:
        """Delivered, kept, refused and in flight add up to what was accepted."""
        house = House()
        alice = house.comes("alice")
        bob, carol = house.comes("bob", blocked=True), house.comes("carol")
        carol.loses_connection()
        alice.says("alice, bob, carol, nobody: hi")
        house.turn()
        house.clock.advance(1)
        balance = house.broker.balance()
        self.assertEqual(
            (balance.delivered, balance.in_flight, balance.kept, balance.refused.total()),
            (1, 1, 1, 1),
        )
        self.assertEqual((balance.accepted, balance.missing), (4, 0))
        bob.loses_connection()
        self.assertEqual((house.broker.balance().kept, house.broker.balance().missing), (2, 0))

    def test_6_no_copy_without_an_answer(self) -> None:
        """A copy that is not delivered is answered, even if its sender is slow to read."""
        house = House(outbox_limit=1000)
        alice = house.comes("alice", blocked=True)
        house.comes("bob").loses_connection()
        for _ in range(500):
            alice.says("bob: hi")
            house.turn()
        alice.link.unblock()
        house.turn()
        kept = [int(line.split()[-1]) for line in alice.link.lines() if line.startswith("! kept")]
        self.assertEqual(sum(kept), 500)

    def test_7_end_of_input_discards_no_output(self) -> None:
        """A client that has said goodbye still gets all that is queued, then its bye."""
        house = House(outbox_limit=1000)
        alice, bob = house.comes("alice"), house.comes("bob", blocked=True)
        for number in range(100):
            alice.says(f"bob: {number}")
            house.turn()
        bob.session.drain()
        bob.link.unblock()
        house.turn()
        self.assertEqual(bob.link.messages(), [f"from alice: {number}" for number in range(100)])
        self.assertEqual(bob.link.lines()[-1], "! bye 0")

    def test_7_goodbye_ends_in_a_flood(self) -> None:
        """A session that says goodbye gets all that was there by then, and nothing holds it up."""
        mailbox = SlowMailbox(Clock())
        _has_mail(mailbox, "bob", *(f"from alice: {number}" for number in range(100)))
        house = House(mailbox, outbox_limit=1000)
        alice = house.comes("alice")
        mailbox.deliver()
        bob = house.comes("bob")
        bob.session.drain()
        for number in range(100, 1100):
            alice.says(f"bob: {number}")
            if number % 50 == 0:
                mailbox.deliver()
                house.turn()
        got = [int(line.split()[2]) for line in bob.link.messages()]
        self.assertEqual(got[:100], list(range(100)))
        self.assertEqual(bob.link.lines()[-1], "! bye 0")
        self.assertEqual(mailbox.count("bob"), 1100 - len(got))

    def test_8_the_ledger_survives_a_bug(self) -> None:
        """A bug in the end of a session may repeat a line, but counts none twice."""
        house = House()
        alice, bob = house.comes("alice"), house.comes("bob")
        alice.says("bob: 1")
        house.turn()
        alice.says("bob: 2")
        bob.link.bugs.add("finish")
        bob.session.drain()
        house.turn()
        house.clock.advance(2)
        self.assertEqual(len(self.flushLoggedErrors(Bug)), 1)
        self.assertEqual((house.broker.balance().kept, house.broker.balance().missing), (2, 0))

    def test_8_a_reader_that_cannot_go_on(self) -> None:
        """A bug in one reader that goes on costs its connection, and holds no other one up."""

        def stumble() -> None:
            raise Bug

        house = House(outbox_limit=1000)
        bob = house.comes("bob", blocked=True)
        senders = [house.comes("alice"), house.comes("carol")]
        for sender in senders:
            for _ in range(20):
                sender.says("bob: fill the outbox with a line")
        senders[0].source.on_resume = stumble
        bob.link.unblock()
        house.turn()
        self.assertEqual(len(self.flushLoggedErrors(Bug)), 1)
        self.assertEqual([sender.link.aborted for sender in senders], [True, False])
        self.assertFalse(senders[1].source.paused)

    def test_8_mail_that_cannot_be_read(self) -> None:
        """Mail that cannot be read costs its name the connection, is logged, and stays there."""
        mailbox = SlowMailbox(Clock())
        _has_mail(mailbox, "bob", "from alice: hi")
        house = House(mailbox)
        bob = house.comes("bob")
        mailbox.fail(OSError("no such disk"))
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)
        self.assertTrue(bob.link.aborted)
        again = house.comes("bob")
        mailbox.deliver()
        house.turn()
        self.assertEqual(again.link.messages(), ["from alice: hi"])

    def test_8_a_bug_costs_one_connection(self) -> None:
        """If a peer cannot be served for a bug of ours, that is logged, and the others are."""
        house = House()
        alice, bob, carol = (house.comes(name) for name in ("alice", "bob", "carol"))
        bob.link.bugs.add("write")
        alice.says("bob, carol: hi")
        house.turn()
        self.assertEqual(len(self.flushLoggedErrors(Bug)), 1)
        self.assertTrue(bob.link.aborted)
        self.assertEqual(carol.link.messages(), ["from alice: hi"])
        self.assertEqual(house.comes("bob").link.messages(), ["from alice: hi"])

    def test_8_a_bug_at_the_turns_end_costs_one_connection(self) -> None:
        """A bug in what one session has to be told keeps no line from the others."""

        def render(notice: wire.Notice) -> bytes:
            return b"" if notice.word == "welcome" else bytes(1 // len(notice.detail[9:]))

        house = House(render=render)
        alice, bob = house.comes("alice"), house.comes("bob")
        alice.says("nobody, bob: hi")
        house.turn()
        self.assertTrue(self.flushLoggedErrors(ZeroDivisionError))
        self.assertTrue(alice.link.aborted)
        self.assertEqual(bob.link.messages(), ["from alice: hi"])

    def test_9_mail_that_does_not_come(self) -> None:
        """A session that has waited too long for its mail is closed, and the mail stays there."""
        mailbox = SlowMailbox(Clock())
        _has_mail(mailbox, "bob", "from alice: hi")
        house = House(mailbox)
        bob = house.comes("bob")
        with Logged() as logged:
            house.clock.advance(FETCH)
        why = f"it did not come within {FETCH:g} seconds"
        self.assertIn(f"the mail of bob cannot be read: {why}", logged.texts)
        self.assertTrue(bob.link.aborted)
        self.assertEqual((mailbox.count("bob"), house.names()), (1, []))

    def test_9_a_hold_has_a_deadline(self) -> None:
        """A recipient that does not read holds up a sender once, for a stated time."""
        house = House(outbox_limit=1000)
        alice, bob = house.comes("alice"), house.comes("bob", blocked=True)
        while not alice.source.paused:
            alice.says("bob: a line for somebody who does not read")
            house.turn()
        house.clock.advance(HOLD)
        self.assertFalse(alice.source.paused)
        for _ in range(100):
            alice.says("bob: more of it")
            house.turn()
        self.assertFalse(alice.source.paused)
        self.assertEqual(house.broker.balance().missing, 0)
        bob.link.unblock()


class PacingTests(SynchronousTestCase):
    """The pace of fast senders and slow readers."""

    def test_sender_is_paced_to_a_healthy_recipient(self) -> None:
        """A sender faster than a recipient that reads is slowed down: nothing kept or refused."""
        house = House(outbox_limit=1000)
        alice, bob = house.comes("alice"), house.comes("bob")
        largest = said = 0
        while said < 500:
            bob.link.block()
            while not alice.source.paused:
                alice.says(f"bob: {said}")
                said += 1
                house.turn()
            largest = max(largest, bob.session.outbox.size)
            bob.link.unblock()
            house.turn()
        self.assertLess(largest, 1000)
        self.assertEqual(alice.link.lines(), ["! welcome alice"])
        self.assertEqual(len(bob.link.messages()), said)

    def test_many_who_do_not_read(self) -> None:
        """Those who do not read hold no more than all may together; the rest is their mail."""
        house = House(limits=Limits(outbox_total=100_000), outbox_limit=100_000)
        alice = house.comes("alice")
        stuck = [house.comes(f"stuck {number}", blocked=True) for number in range(10)]
        for number in range(2000):
            alice.says(f"{','.join(guest.session.name for guest in stuck)}: {number:050}")
            house.clock.advance(0.01)
        self.assertLess(house.broker.pool.highest, 110_000)
        self.assertLess(max(guest.session.outbox.size for guest in stuck), 12_000)
        bob = house.comes("bob")
        alice.says("bob: hi")
        house.turn()
        self.assertEqual(bob.link.messages(), ["from alice: hi"])
        stuck.pop().loses_connection()
        for guest in stuck:
            guest.link.unblock()
        house.clock.pump([0.1] * 100)
        self.assertEqual({len(guest.link.messages()) for guest in stuck}, {2000})
        self.assertEqual(house.broker.pool.size, 0)

    def test_client_that_does_not_read_its_answers(self) -> None:
        """A client that reads no answers is not read until it does: memory is bounded."""
        house = House()
        alice = house.comes("alice", blocked=True)
        asked = 0
        while not alice.source.paused:
            alice.session.tell(wire.pong())
            asked += 1
        house.turn()
        self.assertFalse(alice.session.last_call())
        self.assertLess(alice.session.outbox.size, 17_000)
        alice.link.unblock()
        house.turn()
        self.assertFalse(alice.source.paused)
        self.assertEqual(len(alice.link.lines()), 1 + asked)

    def test_client_that_reads_some_of_its_answers(self) -> None:
        """A client that was not read for its answers is read again before it has got them all."""
        house = House()
        alice = house.comes("alice", blocked=True)
        while not alice.source.paused:
            alice.session.tell(wire.pong())
            house.turn()
        while alice.session.outbox.size > 8192:
            self.assertTrue(alice.source.paused)
            alice.link.read_once()
            house.turn()
        self.assertFalse(alice.source.paused)
        self.assertGreater(alice.session.outbox.size, 0)
        self.assertEqual(alice.session.outbox.low_mark, alice.session.outbox.limit // 4)

    def test_mail_of_a_lost_connection(self) -> None:
        """A session whose connection is lost takes no mail any more; it waits for the next one."""
        house = House(outbox_limit=1000)
        alice = house.comes("alice")
        house.comes("bob").loses_connection()
        for number in range(50):
            alice.says(f"bob: {number:050}")
        bob = house.comes("bob", blocked=True)
        bob.session.connection_lost()
        kept = house.mailbox.count("bob")
        for _ in range(10):
            bob.link.read_once()
            house.turn()
        self.assertEqual(house.mailbox.count("bob"), kept)

    def test_session_that_is_over(self) -> None:
        """Nothing is done for a session that has ended in the middle of a turn."""
        house = House()
        alice = house.comes("alice")
        alice.session.tally("unknown", "bob")
        alice.loses_connection()
        house.turn()
        self.assertEqual(house.broker.pool.size, 0)
        house.clock.advance(1)
        alice.session.cut()
        self.assertEqual(house.clock.getDelayedCalls(), [])

    def test_crowd_that_leaves(self) -> None:
        """However many go with much that they have not got, others have their turn between."""
        house = House()
        bob = house.comes("bob")
        crowd = [house.comes(f"guest {number}", blocked=True) for number in range(3)]
        for guest in crowd:
            while guest.session.outbox.size < 2**19:
                bob.says(f"{guest.session.name}: {'x' * 1000}")
            guest.source.on_resume = guest.loses_connection
            guest.session.connection_lost()
            guest.session.rest()
        gone = house.each_turn(lambda: 4 - len(house.broker.sessions))
        self.assertEqual((gone[-1], max(steps(gone))), (3, 1))

    def test_many_who_go_on(self) -> None:
        """However many are to go on with what they have sent, others have their turn between."""
        house = House()
        crowd = [house.comes(f"guest {number}") for number in range(100)]
        for guest in crowd:
            guest.session.rest()
        waiting = house.each_turn(lambda: sum(not guest.source.paused for guest in crowd))
        self.assertEqual((waiting[-1], max(steps(waiting))), (100, 32))

    def test_acknowledgements_of_many(self) -> None:
        """However many have something unacknowledged, they are asked some at a time."""
        house = House()
        crowd = [house.comes(f"guest {number}") for number in range(1200)]
        for guest in crowd:
            guest.link.silence()
            guest.session.tell(wire.pong())
        house.turn()
        for guest in crowd:
            guest.link.acknowledge(100)
        house.clock.advance(0.24)
        self.assertTrue(all(guest.session.watched for guest in crowd))
        house.clock.callLater(0.02, lambda: None)
        house.clock.rightNow += 0.02
        asked = house.each_turn(lambda: sum(not guest.session.watched for guest in crowd))
        self.assertEqual(asked, [0, 500, 1000, 1200])

    def test_room_for_many(self) -> None:
        """When there is room again for many who are behind, they are fed some at a time."""
        house = House(limits=Limits(outbox_total=100_000), outbox_limit=100_000)
        alice = house.comes("alice")
        stuck = [house.comes(f"stuck {number}", blocked=True) for number in range(40)]
        for number in range(100):
            alice.says(f"{','.join(guest.session.name for guest in stuck)}: {number:050}")
            house.clock.advance(0.01)
        kept = house.mailbox.copies()
        for guest in stuck[10:]:
            guest.loses_connection()
        handed_back = house.mailbox.copies()
        self.assertGreater(handed_back, kept)
        alice.says("alice: that is the end of a turn")
        fed = house.each_turn(
            lambda: sum(not house.mailbox.count(guest.session.name) for guest in stuck[:10])
        )
        self.assertEqual(fed[-1], 10)
        self.assertLessEqual(max(steps(fed)), 2)

    def test_many_tallies_at_once(self) -> None:
        """A client that posts to very many absent names is read on when told of them."""
        house = House()
        alice = house.comes("alice")
        for number in range(1100):
            alice.says(f"nobody {number}: hi")
        self.assertTrue(alice.source.paused)
        house.turn()
        self.assertFalse(alice.source.paused)
        self.assertEqual(len(alice.link.lines()), 1 + 1100)

    def test_many_tallies_that_nobody_is_told(self) -> None:
        """Nor is who gets no notices held for longer, though an empty outbox cannot become low."""
        house = House(render=wire.say_nothing)
        alice = house.comes("alice")
        for number in range(1100):
            alice.says(f"nobody {number}: hi")
        self.assertTrue(alice.source.paused)
        alice.session.sync("")
        house.turn()
        self.assertFalse(alice.source.paused)

    def test_recovers_from_a_hiccup(self) -> None:
        """A recipient that has stalled once, and then reads again, catches up with any flood."""
        house = House(outbox_limit=1000)
        bob = house.comes("bob")
        senders = [house.comes(f"sender {number}") for number in range(30)]

        def flood() -> None:
            for sender in senders:
                for _ in range(5):
                    if not sender.source.paused:
                        sender.says("bob: a line in a flood of lines")
            house.turn()

        bob.link.block()
        for _ in range(20):
            flood()
            house.clock.advance(HOLD)
        self.assertIs(bob.session.feed.state, FeedState.BEHIND)
        for _ in range(1000):
            flood()
            bob.link.read_once()
            house.turn()
            if bob.session.feed.state is FeedState.LIVE:
                break
        self.assertIs(bob.session.feed.state, FeedState.LIVE)

    def test_clients_do_not_stack_up(self) -> None:
        """However many clients wait for one another, one that goes on does so on its own."""
        house = House(outbox_limit=1000)
        alice = house.comes("alice")
        guests = [house.comes(f"guest {number}") for number in range(400)]
        for before, guest in pairwise(guests):
            for _ in range(20):
                alice.says(f"{before.session.name}: fill the outbox with a line")
            guest.says(f"{before.session.name}: hold me")
            self.assertTrue(guest.source.paused)
            guest.source.on_resume = guest.session.drain
        house.turn()
        self.assertEqual(house.names(), ["alice", "guest 0"])
        self.successResultOf(house.broker.stopService())
        self.assertEqual(house.broker.balance().in_flight, 0)

    def test_endless_unknown_names(self) -> None:
        """Refusals that wait for a slow reader are bounded in number, too."""
        house = House(outbox_limit=1000)
        alice = house.comes("alice", blocked=True)
        number = 0
        while not alice.source.paused:
            alice.says(f"nobody {number}: hi")
            house.turn()
            number += 1
        self.assertLess(number, 2000)
        alice.link.unblock()
        house.turn()
        self.assertFalse(alice.source.paused)
        unknown = [line for line in alice.link.lines() if line.startswith("! unknown")]
        self.assertEqual(len(unknown), number)


class DrainTests(SynchronousTestCase):
    """The broker's part of a stop."""

    def test_flushes_what_is_queued(self) -> None:
        """Lines of the turn in which the stop comes are delivered, and the bye stands behind."""
        house = House()
        alice, bob = house.comes("alice"), house.comes("bob")
        alice.says("bob: last words")
        self.successResultOf(house.broker.stopService())
        self.assertEqual(bob.link.lines()[1:], ["from alice: last words", "! bye 0"])
        self.assertEqual(alice.link.lines()[1:], ["! bye 1"])
        self.assertEqual(house.broker.balance().in_flight, 0)

    def test_waits_for_writers(self) -> None:
        """The drain is over when the last writer has ended, and leaves no timer behind."""
        house = House()
        alice, bob = house.comes("alice"), house.comes("bob", blocked=True)
        alice.says("bob: hi")
        drained = house.broker.stopService()
        self.assertNoResult(drained)
        bob.link.unblock()
        self.successResultOf(drained)
        self.assertEqual(house.clock.getDelayedCalls(), [])

    def test_waits_for_a_session_that_has_not_begun(self) -> None:
        """A session that waits for an older one of its name ends right behind that."""
        house = House(duplicate=Duplicate.TAKEOVER)
        older = house.comes("bob", blocked=True)
        newer = house.comes("bob")
        drained = house.broker.stopService()
        self.assertNoResult(drained)
        older.link.unblock()
        house.turn()
        self.successResultOf(drained)
        self.assertEqual(newer.link.lines()[-1], "! bye 0")

    def test_spilled_lines_are_flushed(self) -> None:
        """Lines spilled into the mailbox of a name that reads go out before the bye."""
        house = House(outbox_limit=1000)
        alice, bob = house.comes("alice"), house.comes("bob", blocked=True)
        for number in range(100):
            alice.says(f"bob: {number}")
            house.turn()
        drained = house.broker.stopService()
        bob.link.unblock()
        house.turn()
        self.successResultOf(drained)
        self.assertEqual(len(bob.link.messages()), 100)
        self.assertEqual(house.broker.balance().kept, 0)

    def test_what_is_cut_off_is_kept(self) -> None:
        """Lines that a connection leaves, broken during the stop, are in the mailbox after it."""
        house = House()
        alice, bob = house.comes("alice"), house.comes("bob", blocked=True)
        alice.says("bob: hi")
        drained = house.broker.stopService()
        bob.link.abort()
        self.successResultOf(drained)
        balance = house.broker.balance()
        self.assertEqual((balance.kept, balance.in_flight, balance.missing), (1, 0, 0))

    def test_ends_by_force(self) -> None:
        """A session that a bug keeps from ending is ended by force, and its lines are kept."""
        house = House()
        bob = house.comes("bob", blocked=True)
        bob.says("bob: hi")
        drained = house.broker.stopService()
        self.assertNoResult(drained)
        with Logged() as logged:
            house.broker.forget()
        self.successResultOf(drained)
        self.assertIn("bob does not end: ended by force", logged.texts)
        self.assertEqual((house.broker.balance().kept, house.broker.balance().missing), (1, 0))

    def test_ends_by_force_once(self) -> None:
        """A session ended by force that then ends by itself, or gets mail late, loses nothing."""
        mailbox = SlowMailbox(Clock())
        _has_mail(mailbox, "bob", "from alice: hi")
        house = House(mailbox, duplicate=Duplicate.TAKEOVER)
        old = house.comes("bob", blocked=True)
        new = house.comes("bob", blocked=True)
        drained = house.broker.stopService()
        house.broker.forget()
        self.successResultOf(drained)
        mailbox.deliver()
        old.loses_connection()
        new.loses_connection()
        self.assertEqual((mailbox.count("bob"), house.names()), (1, []))

    def test_nobody_joins_a_stopping_broker(self) -> None:
        """A client that comes while the broker drains is told that it is busy."""
        house = House()
        house.broker.stopService()
        error = self.assertRaises(wire.Refused, house.comes, "late")
        self.assertEqual(error.notice, wire.Notice("busy"))
