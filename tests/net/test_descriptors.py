"""Descriptors: when they are short nobody is let in, until there are more again."""

from __future__ import annotations

import os
import resource
from typing import Any, cast

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.net.descriptors import AGAIN, Descriptors, have_many
from tests.logged import Logged


class Port:
    """A port that accepts, or does not."""

    connected = True
    accepts = True

    def stopReading(self) -> None:
        self.accepts = False

    def startReading(self) -> None:
        self.accepts = True


class FakeDescriptors(Descriptors):
    """Those of a process whose lowest free one is known."""

    free = 10

    def lowest_free(self) -> int:
        return self.free


class DescriptorsTests(SynchronousTestCase):
    """L{Descriptors}."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.descriptors = FakeDescriptors(self.clock, 400)
        self.ports = [Port(), Port()]
        for port in self.ports:
            self.descriptors.watch(cast(Any, port))

    def accepting(self) -> list[bool]:
        return [port.accepts for port in self.ports]

    def test_enough(self) -> None:
        """While there are enough, everybody is let in."""
        self.descriptors.taken(299)
        self.assertEqual(self.accepting(), [True, True])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_short(self) -> None:
        """When they are short nobody is let in, and as soon as there are enough all are."""
        self.descriptors.free = 301
        self.descriptors.taken(300)
        self.descriptors.taken(301)
        self.assertEqual(self.accepting(), [False, False])
        self.clock.pump([AGAIN] * 10)
        self.assertEqual(self.accepting(), [False, False])
        self.descriptors.free = 299
        self.clock.advance(AGAIN)
        self.assertEqual(self.accepting(), [True, True])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_closed_port(self) -> None:
        """A port that is closed meanwhile stays so."""
        self.descriptors.taken(300)
        self.ports[0].connected = False
        self.clock.advance(AGAIN)
        self.assertEqual(self.accepting(), [False, True])

    def test_log(self) -> None:
        """The operator is told once, with a remedy."""
        descriptors = Descriptors(self.clock, 400)
        with Logged() as logged:
            descriptors.taken(300)
            descriptors.taken(301)
        (warning,) = logged.texts
        self.assertIn("LimitNOFILE", warning)

    def test_lowest_free(self) -> None:
        """The kernel gives out the lowest number that is free."""
        descriptors = Descriptors(self.clock, 400)
        free = descriptors.lowest_free()
        fd = os.open(os.devnull, os.O_RDONLY)
        self.addCleanup(os.close, fd)
        self.assertEqual(fd, free)
        self.assertGreater(descriptors.lowest_free(), free)

    def test_have_many(self) -> None:
        """A process gets as many as it wants, if it may, and keeps what it has."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        resource.setrlimit(resource.RLIMIT_NOFILE, (200, hard))
        self.assertEqual(have_many(300), 300)
        self.assertEqual(have_many(250), 300)
        self.assertEqual(have_many(2**40), hard)
