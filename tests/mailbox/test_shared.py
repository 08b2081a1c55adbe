"""Shared rows: the copies that they keep, as their cursors tell, whatever happens."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings, strategies as st
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.mailbox.shared import FORGOTTEN, SharedRow, Sizes

NAMES = ("alice", "bob", "carol")
DEVICES = ("phone", "laptop")


class Twin:
    """A row, and beside it the same in the plainest words, in which nothing is counted ahead.

    @ivar lines: the sizes of all lines that have not fallen off.
    @ivar cursors: by name and device.
    @ivar accepted: the copies of all lines, and so on.
    """

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.row = SharedRow("#r")
        self.first = 1
        self.lines: list[int] = []
        self.cursors: dict[str, dict[str, int]] = {}
        self.accepted = self.delivered = self.expired = 0

    @property
    def end(self) -> int:
        return self.first + len(self.lines)

    def front(self, name: str) -> int:
        return max(self.first, *self.cursors[name].values())

    def comes(self) -> None:
        """A name joins, or gets one more device."""
        name, device = self.rng.choice(NAMES), self.rng.choice(DEVICES)
        if name not in self.cursors:
            self.cursors[name] = {"": self.end}
            self.row.place(name, "", self.end)
        elif device not in self.cursors[name]:
            position = self.rng.randint(1, self.front(name))
            self.cursors[name][device] = position
            self.row.place(name, device, position)

    def says(self) -> None:
        self.lines.append(self.rng.randrange(1, 50))
        assert self.row.append(self.lines[-1]) == self.end - 1
        self.accepted += len(self.cursors)

    def gets(self) -> None:
        """A reader gets some lines; or none, if there are none for it."""
        if self.cursors:
            name = self.rng.choice([*self.cursors])
            device = self.rng.choice([*self.cursors[name]])
            position = self.rng.randint(1, self.end)
            before = self.front(name)
            had, there = self.row.advance(name, device, position), self.cursors[name]
            there[device] = max(there[device], position)
            assert had == self.front(name) - before
            self.delivered += had

    def falls(self) -> None:
        """Some of the oldest lines fall off."""
        before = self.rng.randint(self.first, self.end)
        missed = sum(max(0, before - self.front(name)) for name in self.cursors)
        assert self.row.drop(before) == missed
        self.expired += missed
        del self.lines[: before - self.first]
        self.first = before

    def goes(self) -> None:
        """A name leaves, or forgets a device, and has what that has got."""
        if not self.cursors:
            return
        name = self.rng.choice([*self.cursors])
        devices = [device for device in self.cursors[name] if device not in ("", FORGOTTEN)]
        if not devices or self.rng.random() < 0.5:
            self.expired += self.row.leave(name)
            del self.cursors[name]
            return
        front = self.front(name)
        gone = self.rng.choice(devices)
        self.row.remove(name, gone)
        position = self.cursors[name].pop(gone)
        if position > max(self.cursors[name].values(), default=0):
            self.cursors[name][FORGOTTEN] = position
        assert self.front(name) == self.row.front(name) == front

    def compare(self) -> None:
        row = self.row
        assert row.kept == sum(self.end - self.front(name) for name in self.cursors)
        assert row.kept == self.accepted - self.delivered - self.expired
        assert (row.first, row.end, row.size) == (self.first, self.end, sum(self.lines))
        assert {name: {**row.cursors(name)} for name in row} == self.cursors
        readers = [
            position
            for each in self.cursors.values()
            for device, position in each.items()
            if device != FORGOTTEN or len(each) == 1
        ]
        last = min(readers, default=self.end)
        assert row.last == max(self.first, last)
        limit = self.rng.randrange(200)
        fitting = row.fitting(limit) - self.first
        assert sum(self.lines[fitting:]) <= limit
        assert not fitting or sum(self.lines[fitting - 1 :]) > limit


class SharedRowTests(SynchronousTestCase):
    """L{SharedRow} and L{Sizes}."""

    @settings(max_examples=150, deadline=None, database=None)
    @given(st.integers(0, 2**32))
    def test_kept(self, seed: int) -> None:
        """A row always keeps as many copies as its foremost cursors have before them."""
        twin = Twin(Random(seed))
        acts = (twin.comes, twin.comes, twin.says, twin.says, twin.gets, twin.gets, twin.falls)
        for _ in range(60):
            twin.rng.choice((*acts, twin.goes))()
            twin.compare()

    def test_many_lines_fall(self) -> None:
        """Sizes take no more room than the lines that are left, however many have gone."""
        sizes = Sizes(1)
        for position in range(1, 50_000):
            sizes.append(position % 7)
            sizes.drop(max(1, position - 10))
        self.assertEqual(sizes.since(49_998), 49_998 % 7 + 49_999 % 7)
        self.assertLess(len(sizes._sums), 3000)  # noqa: SLF001
