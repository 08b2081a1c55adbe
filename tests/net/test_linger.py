"""Lingering: a close destroys nothing, and waits for nobody for ever."""

from __future__ import annotations

from typing import Any, cast

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.net.linger import QUIET, STALL_TIMEOUT, Linger


class Transport:
    """A half-closed transport, and what happened to it."""

    def __init__(self, unacknowledged: int) -> None:
        self.unacknowledged = unacknowledged
        self.input_seen = 0
        self.input_over = False
        self.fate = "open"

    def outstanding(self) -> int:
        return self.unacknowledged

    def loseConnection(self) -> None:
        self.fate = "closed"

    def abortConnection(self) -> None:
        self.fate = "aborted"


class LingerTests(SynchronousTestCase):
    """L{Linger}."""

    def _linger(self, unacknowledged: int) -> None:
        self.clock = Clock()
        self.transport = Transport(unacknowledged)
        self.linger = Linger(cast(Any, self.transport), self.clock)

    def _wait(self, seconds: float) -> None:
        self.clock.pump([0.01] * round(seconds / 0.01))

    def test_closes_at_end_of_file(self) -> None:
        """When the peer has everything and has closed, the connection is closed without delay."""
        self._linger(0)
        self.transport.input_over = True
        self.clock.advance(0)
        self.assertEqual(self.transport.fate, "closed")

    def test_waits_for_acknowledgement(self) -> None:
        """A peer that has closed is still waited for until it has acknowledged everything."""
        self._linger(5)
        self.transport.input_over = True
        self._wait(QUIET * 2)
        self.assertEqual(self.transport.fate, "open")
        self.assertNoResult(self.linger.flushed)
        self.transport.unacknowledged = 0
        self._wait(QUIET)
        self.successResultOf(self.linger.flushed)
        self.assertEqual(self.transport.fate, "closed")

    def test_flushed_before_closed(self) -> None:
        """The arrival of everything is noticed at once, not only at the close."""
        self._linger(0)
        self.clock.advance(0)
        self.successResultOf(self.linger.flushed)
        self.assertEqual(self.transport.fate, "open")

    def test_idle_peer_is_closed_when_quiet(self) -> None:
        """A peer that has everything and says nothing costs a second, not more."""
        self._linger(0)
        self._wait(QUIET * 2.5)
        self.assertEqual(self.transport.fate, "closed")

    def test_talking_peer_is_listened_to(self) -> None:
        """While input comes, closing would reset the connection: so it is not closed."""
        self._linger(0)
        for _ in range(5):
            self.transport.input_seen += 1
            self._wait(QUIET / 2)
        self.assertEqual(self.transport.fate, "open")

    def test_endless_talker_is_aborted(self) -> None:
        """A peer that talks for ever is not listened to for ever."""
        self._linger(0)
        for _ in range(round(STALL_TIMEOUT * 4)):
            self.transport.input_seen += 1
            self._wait(0.5)
        self.assertEqual(self.transport.fate, "aborted")

    def test_dead_peer_is_aborted(self) -> None:
        """A peer that acknowledges nothing is given up when the time is up."""
        self._linger(5)
        self._wait(STALL_TIMEOUT - QUIET)
        self.assertEqual(self.transport.fate, "open")
        self._wait(QUIET * 2)
        self.assertEqual(self.transport.fate, "aborted")

    def test_slow_peer_is_waited_for(self) -> None:
        """A peer that acknowledges a little now and then is waited for as long as it takes."""
        self._linger(10)
        for _ in range(9):
            self._wait(STALL_TIMEOUT * 0.8)
            self.transport.unacknowledged -= 1
        self.assertEqual(self.transport.fate, "open")

    def test_connection_lost(self) -> None:
        """When the connection is gone, nobody looks any more, and those who wait are told."""
        self._linger(5)
        self.linger.connection_lost()
        self.successResultOf(self.linger.flushed)
        self.assertEqual(self.clock.getDelayedCalls(), [])
