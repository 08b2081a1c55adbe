"""The book gives out again what does not count, and nothing else."""

from __future__ import annotations

from random import Random

from twisted.trial.unittest import SynchronousTestCase

from tests.proof.book import Book


class BookTests(SynchronousTestCase):
    """A book, and a server's notices."""

    def setUp(self) -> None:
        self.book = Book(["bob", "carol"], Random(1))
        self.book.closed = False

    def _lines(self, count: int) -> list[str]:
        lines = [self.book.next_line() for _ in range(count)]
        return [line for line in lines if line is not None]

    def test_numbers(self) -> None:
        """To each recipient the numbers rise one by one, also in lines for both."""
        lines = [line for line in self._lines(1000) if line != "/sync"]
        for name in ("bob", "carol"):
            numbers = [
                word for line in lines for word in line.split() if word.startswith(f"{name}=")
            ]
            self.assertEqual(numbers, [f"{name}={n}" for n in range(self.book.posted[name])])
        self.assertTrue(any("bob=" in line and "carol=" in line for line in lines))

    def test_bye(self) -> None:
        """After a bye the lines that do not count come again, in order, ahead of new ones."""
        lines = self._lines(1000)
        self.book.settle(400)
        self.book.reopen()
        self.book.closed = True
        self.assertEqual(
            [line for line in self._lines(1000) if line != "/sync"],
            [line for line in lines[400:] if line != "/sync"],
        )

    def test_no_bye(self) -> None:
        """Without a bye what comes again is all that the last answered sync does not cover."""
        lines = self._lines(1000)
        count = lines.index("/sync") + 1
        self.book.settle(count)
        lines += self._lines(1000)
        self.book.reopen()
        self.book.closed = True
        self.assertEqual(
            [line for line in self._lines(2000) if line != "/sync"],
            [line for line in lines[count:] if line != "/sync"],
        )

    def test_cut_off_again(self) -> None:
        """Lines that are still to come again keep their place behind those that have."""
        first = [line for line in self._lines(100) if line != "/sync"]
        self.book.reopen()
        self._lines(10)
        self.book.reopen()
        self.book.closed = True
        self.assertEqual([line for line in self._lines(200) if line != "/sync"], first)

    def test_commands(self) -> None:
        """A command counts as a line, and never comes again."""
        self.book.closed = True
        self.book.command("/quit")
        self.book.reopen()
        self.assertLessEqual(set(self._lines(1000)), {"/sync"})
