"""Kinds of values on command lines."""

from __future__ import annotations

from click import BadParameter
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.tools.parameters import duration


class DurationTests(SynchronousTestCase):
    """L{duration}."""

    def test_times(self) -> None:
        """A time is a number of seconds, or has a suffix; a default is taken as it is."""
        for given, seconds in (
            ("90", 90.0),
            ("1.5m", 90.0),
            ("1h", 3600.0),
            (60, 60.0),
            ("0", 0.0),
        ):
            self.assertEqual(duration(3600)(given), seconds)

    def test_no_times(self) -> None:
        """Anything else, and anything longer, is refused in one sentence."""
        for given in ("soon", "-1", "61m", "3601", "nan", ""):
            error = self.assertRaises(BadParameter, duration(3600), given)
            self.assertEqual(
                str(error), f"{given!r} is neither seconds from 0 to 3600, nor a time such as 5m"
            )
