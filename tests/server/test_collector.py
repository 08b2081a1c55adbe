"""The garbage collector, and what it is spared."""

from __future__ import annotations

import gc

from twisted.internet.testing import MemoryReactor
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.server.collector import spare_what_stays


class CollectorTests(SynchronousTestCase):
    """L{spare_what_stays}."""

    def setUp(self) -> None:
        gc.unfreeze()
        self.addCleanup(gc.unfreeze)
        self.reactor = MemoryReactor()

    def _begin(self) -> None:
        for call, args, kwargs in self.reactor.whenRunningHooks:
            call(*args, **kwargs)

    def test_spared(self) -> None:
        """When the reactor runs, all that is there is left out of later collections."""
        spare_what_stays(self.reactor)
        self.assertEqual(gc.get_freeze_count(), 0)
        here = len(gc.get_objects())
        self._begin()
        self.assertGreater(gc.get_freeze_count(), here // 2)

    def test_garbage(self) -> None:
        """Garbage that is there by then is collected, and does not stay for good."""
        spare_what_stays(self.reactor)
        cycle: list[object] = []
        cycle.append(cycle)
        number = id(cycle)
        del cycle
        self._begin()
        gc.unfreeze()
        self.assertNotIn(number, map(id, gc.get_objects()))
