"""The limits that the options ask for, at the start and later."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.limits.limits import Limits
from achat_twisted.server.options import Options
from achat_twisted.server.reload import Put


class LimitsTests(SynchronousTestCase):
    """L{Limits}."""

    def test_defaults(self) -> None:
        """The options' defaults are those of the limits."""
        options = Options({})
        options.parseOptions([])
        self.assertEqual(Limits.of(options), Limits())

    def test_reload(self) -> None:
        """New options count when they are put in place, and not before."""
        limits = Limits()
        options = Options({})
        options.parseOptions(["--rate", "1", "--limit-local", "--outbox-total", "7"])
        put_in_place = Put(Limits.of, limits.become).reload(options)
        self.assertEqual(limits, Limits())
        put_in_place()
        self.assertEqual(limits, Limits(rate=1, limit_local=True, outbox_total=7))
