"""The window: what is sent to a client with a tag, and not got."""

from __future__ import annotations

import tracemalloc
from gc import get_referents
from sys import getsizeof

from twisted.trial.unittest import SynchronousTestCase

from achat_twisted import wire
from achat_twisted.broker.tagged import TaggedSession
from achat_twisted.broker.window import WindowWriter
from achat_twisted.wire.tags import Opening
from tests.house import House


class WindowTests(SynchronousTestCase):
    """The messages that are kept until they are got."""

    def setUp(self) -> None:
        self.house = House()
        self.alice = self.house.comes("alice")
        self.worker = self.house.comes("worker", opening=Opening("t"))

    def _send(self, count: int, text: str = "") -> None:
        for number in range(1, count + 1):
            self.alice.says(f"worker: {text or number}")
            self.house.turn()

    def _window(self) -> WindowWriter:
        assert isinstance(self.worker.session, TaggedSession)
        return self.worker.session.window

    def test_short_messages(self) -> None:
        """Messages that come one by one take hardly more than their bytes."""
        self._send(100)
        self._send(3000)
        held = get_referents(self._window())
        (tail,) = (each for each in held if isinstance(each, bytearray))
        self.assertLess(getsizeof(tail), 1.5 * self._window().tail_size)

    def test_page(self) -> None:
        """To confirm one message of many that were sent together does not touch the others."""
        self.alice.says_at_once(*["worker: " + "x" * 500] * 1000)
        self.house.turn()
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        self.worker.session.got("1")
        _, peak = tracemalloc.get_traced_memory()
        self.assertLess(peak, 100_000)

    def test_what_is_left(self) -> None:
        """The rest comes back in order, however many are got at a time."""
        for got in (1, 3, 4, 7, 11, 40, 79):
            self.setUp()
            self._send(30)
            self.alice.says_at_once(*(f"worker: {number}" for number in range(31, 81)))
            self.house.turn()
            for each in range(1, got, 5):
                self.worker.session.got(str(each))
            self.worker.session.got(str(got))
            self.worker.loses_connection()
            again = self.house.comes("worker", opening=Opening("t"))
            numbers = [int(line.split()[-1]) for line in again.link.messages()]
            self.assertEqual(numbers, list(range(got + 1, 81)))
            again.session.got("80")
            self.assertEqual(self.house.mailbox.first("worker"), 81)
            self.assertEqual(again.session.writer.tail_size, 0)

    def test_notices_between(self) -> None:
        """Notices are sent, and not kept, however many batches of them and of messages wait."""
        self.worker.link.block()
        for _ in range(3):
            self._send(1)
            self.worker.session.tell(wire.pong())
            self.house.turn()
        self._send(1)
        self.worker.link.unblock()
        self.house.turn()
        self.assertEqual(self.worker.link.lines().count("! pong"), 3)
        window = self._window()
        self.assertEqual((window.sent, window.tail_size), (4, 4 * len("from alice: 1\n")))

    def test_oldest(self) -> None:
        """The age is that of the oldest message that is not got, to a second."""
        self.assertIsNone(self._window().oldest)
        for _ in range(3):
            self._send(2)
            self.house.clock.pump([0.25] * 20)
        for got, oldest in (("0", 0), ("1", 0), ("2", 5), ("5", 10), ("6", None)):
            self.worker.session.got(got)
            found = self._window().oldest
            self.assertEqual(None if found is None else int(found), oldest)

    def test_age_of_many(self) -> None:
        """The age is known of messages, too, that come in a row behind one that is long unread."""
        self._send(1)
        self.house.clock.pump([0.25] * 240)
        for _ in range(3):
            self._send(1)
            self.house.clock.advance(1)
        self.house.clock.pump([0.25] * 40)
        for got, oldest in (("1", 60), ("2", 61), ("3", 62)):
            self.worker.session.got(got)
            found = self._window().oldest
            assert found is not None
            self.assertApproximates(found, oldest, 60 / 30 + 1)
