"""Sizes and times with a suffix."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.tools.quantities import BYTES, DAYS, SECONDS, Quantity

READ: list[tuple[Quantity, str, float]] = [
    (BYTES, "4096", 4096),
    (BYTES, "1_000", 1000),
    (BYTES, "4K", 4096),
    (BYTES, "4k", 4096),
    (BYTES, "1.5M", 3 * 2**19),
    (BYTES, "16 MiB", 2**24),
    (BYTES, "1G", 2**30),
    (BYTES, "2T", 2**41),
    (BYTES, "1P", 2**50),
    (SECONDS, "2.5", 2.5),
    (SECONDS, "1e1", 10.0),
    (SECONDS, "90s", 90.0),
    (SECONDS, "1.5m", 90.0),
    (SECONDS, "1h", 3600.0),
    (SECONDS, "1d", 86_400.0),
    (DAYS, "30", 30.0),
    (DAYS, "30d", 30.0),
    (DAYS, "12h", 0.5),
    (DAYS, "1.5h", 0.0625),
]

NOT_READ = [
    *((BYTES, text) for text in ("", "K", "4 KB", "1.0001K", "4s", "-4K", "0.5", "4KK", "٤K")),
    *((BYTES, text) for text in ("9" * 5000, "9" * 5000 + "K")),
    *((SECONDS, text) for text in ("", "h", "1M", "1 hour", "5min", "-5m", "1h30m", "2w")),
]

SHOWN: list[tuple[Quantity, float, float | str]] = [
    (BYTES, 0, 0),
    (BYTES, 100, 100),
    (BYTES, 8192, "8K"),
    (BYTES, 2**20 + 1024, "1025K"),
    (BYTES, 2**30, "1G"),
    (SECONDS, 0.0, 0),
    (SECONDS, 0.1, 0.1),
    (SECONDS, 10.0, "10s"),
    (SECONDS, 90.0, "90s"),
    (SECONDS, 3600.0, "1h"),
    (DAYS, 30.0, "30d"),
    (DAYS, 0.5, "12h"),
    (DAYS, 14.0, "14d"),
    (DAYS, 0.001, 0.001),
]


class QuantityTests(SynchronousTestCase):
    """L{Quantity}."""

    def test_read(self) -> None:
        """A number may have a suffix, and needs none; sizes are taken however they are written."""
        for quantity, text, number in READ:
            self.assertEqual(quantity.parse(text), number, text)

    def test_whole(self) -> None:
        """Bytes are whole numbers."""
        self.assertIsInstance(BYTES.parse("1.5K"), int)

    def test_not_read(self) -> None:
        """Anything else is no number: no sum of two, no suffix of another kind, none that could
        mean 1000 or 1024.
        """
        for quantity, text in NOT_READ:
            self.assertRaises(ValueError, quantity.parse, text)

    def test_shown(self) -> None:
        """A number is shown with the largest suffix that leaves it whole, or bare, if none does."""
        for quantity, number, text in SHOWN:
            self.assertEqual(quantity.show(number), text)

    def test_shown_as_read(self) -> None:
        """A number that was shown is read as the same number."""
        for quantity, number, text in SHOWN:
            self.assertEqual(quantity.parse(str(text)), number)
