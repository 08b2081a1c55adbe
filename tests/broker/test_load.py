"""The load: what all sessions hold, together."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.broker.feed import FeedState
from achat_twisted.broker.load import Load
from tests.house import House


class LoadTests(SynchronousTestCase):
    """C{Broker.load}, and what is looked at once a second."""

    def setUp(self) -> None:
        self.house = House(outbox_limit=1000)

    def _load(self) -> Load:
        return self.house.broker.load()

    def test_nobody(self) -> None:
        """Without sessions all is nothing."""
        nothing = Load(
            dict.fromkeys(FeedState, 0),
            tagged=0,
            queued=0,
            fullest=0,
            unacknowledged=0,
            age=0.0,
            unconfirmed=0,
            unconfirmed_age=0.0,
        )
        self.assertEqual(self._load(), nothing)

    def test_sessions(self) -> None:
        """Sessions are counted by how they are fed."""
        alice = self.house.comes("alice")
        self.house.comes("bob", blocked=True)
        for _ in range(20):
            alice.says("bob: " + "x" * 100)
        self.house.turn()
        self.assertEqual(
            self._load().sessions,
            {**dict.fromkeys(FeedState, 0), FeedState.BEHIND: 1, FeedState.LIVE: 1},
        )

    def test_outboxes(self) -> None:
        """The bytes queued are told for all together, and for the session that has most."""
        alice = self.house.comes("alice")
        stuck = [self.house.comes(name, blocked=True) for name in ("bob", "carol")]
        before = self._load()
        alice.says("bob: hi")
        alice.says("carol: hello")
        self.house.turn()
        load = self._load()
        self.assertEqual(
            load.queued - before.queued, len("from alice: hi\n" + "from alice: hello\n")
        )
        self.assertEqual(load.fullest, stuck[1].session.outbox.size)
        self.assertEqual(
            load.unacknowledged,
            sum(guest.session.writer.tail_size for guest in (alice, *stuck)),
        )

    def test_high_water(self) -> None:
        """The most that was queued is remembered when it is gone."""
        alice = self.house.comes("alice")
        bob = self.house.comes("bob", blocked=True)
        alice.says("bob: " + "x" * 100)
        self.house.turn()
        most = bob.session.outbox.size
        self.house.clock.advance(1)
        bob.link.unblock()
        self.house.turn()
        self.assertEqual((self._load().queued, self.house.broker.pool.highest), (0, most))

    def test_age(self) -> None:
        """The age is that of the oldest line that has not arrived, to a second."""
        alice, bob, carol = (self.house.comes(name) for name in ("alice", "bob", "carol"))
        for peer in (bob, carol):
            peer.link.silence()
        alice.says("bob: early")
        self.house.turn()
        self._wait(10)
        alice.says("bob, carol: late")
        self.house.turn()
        self._wait(20)
        self.assertTrue(29 <= self._load().age <= 30, self._load())
        bob.link.unblock()
        self._wait(1)
        self.assertTrue(20 <= self._load().age <= 21, self._load())
        carol.link.unblock()
        self._wait(1)
        self.assertEqual(self._load().age, 0)

    def test_age_of_who_is_always_written_to(self) -> None:
        """A peer that acknowledges all in time does not grow old by getting ever more."""
        alice, bob = self.house.comes("alice"), self.house.comes("bob")
        bob.link.silence()
        for _ in range(60):
            alice.says("bob: and again")
            self.house.turn()
            self._wait(1)
            self.assertLessEqual(self._load().age, 2)
            bob.link.acknowledge(bob.link.outstanding())
            alice.says("bob: and again")
            self.house.turn()

    def _wait(self, seconds: int) -> None:
        for _ in range(seconds):
            self.house.clock.advance(1)
            self.house.turn()
