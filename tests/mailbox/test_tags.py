"""A tag: its refusals, and what they take."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.mailbox.tags import Tag
from achat_twisted.wire.tags import Verdict


def _unknown(first: int, last: int, name: str = "x") -> Verdict:
    return Verdict(first, last, "unknown", name, last - first + 1)


class TagTests(SynchronousTestCase):
    """L{Tag}."""

    def setUp(self) -> None:
        self.tag = Tag("t")

    def _fill(self) -> int:
        """The number of refusals that may wait, beginning far away."""
        number = 1_000_000
        while not self.tag.is_full:
            number += 1
            self.tag.refuse(_unknown(number, number))
        return number - 1_000_000

    def test_confirmed(self) -> None:
        """A refusal goes when its last line is confirmed, whatever stands before it."""
        refusals = [_unknown(1, 5), _unknown(2, 2, "y"), _unknown(3, 3, "z"), _unknown(6, 6, "y")]
        for refusal in refusals:
            self.tag.refuse(refusal)
        for lines, left in ((1, [0, 1, 2, 3]), (2, [0, 2, 3]), (4, [0, 3]), (5, [3]), (9, [])):
            self.tag.confirm(lines)
            self.assertEqual([*self.tag.refusals.values()], [refusals[index] for index in left])

    def test_goes_on(self) -> None:
        """A refusal that goes on with further lines counts once, however long it gets."""
        size = self.tag.size
        for last in range(1, 10_000):
            self.tag.refuse(_unknown(1, last))
        self.assertEqual((len(self.tag.refusals), self.tag.size), (1, size))

    def test_goes_on_when_confirmed(self) -> None:
        """A client that confirms what still goes on has no more room than others."""
        room = self._fill()
        self.tag = Tag("t")
        for number in range(1, 2000, 2):
            self.tag.refuse(_unknown(number, number))
            self.tag.confirm(number)
            self.tag.refuse(_unknown(number, number + 1))
            self.tag.confirm(number + 1)
        self.assertEqual(self._fill(), room)
