"""A batch gathers runs of copies for a commit, each place once, whatever comes between."""

from __future__ import annotations

from hypothesis import given, strategies as st
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.mailbox.batch import Batch, Span
from tests.disk import batch_of
from tests.test_cost import calls

Runs = list[tuple[int, int, int]]
"""Of each run: for whom, from which position on, and how many."""

RUNS = st.lists(st.tuples(st.integers(1, 2), st.integers(-4, 12), st.integers(1, 6)), max_size=8)

ARRIVED = st.dictionaries(st.integers(1, 2), st.integers(-5, 20))


def _run(name: int, first: int, copies: int, since: float = 0.0) -> Span:
    """A run whose lines say where they stand, and since when."""
    lines = b"".join(b"%d %d\n" % (n, since) for n in range(first, first + copies))
    return Span(name, first, since, lines, copies)


def _by_place(batch: Batch) -> dict[tuple[int, int], bytes]:
    """Each line of a batch, and where it stands."""
    lines = [line for span in batch for line in span.split()]
    return dict(zip(batch.places(), lines, strict=True))


class BatchTests(SynchronousTestCase):
    """L{Batch}."""

    @given(RUNS, ARRIVED)
    def test_each_place_once(self, runs: Runs, arrived: dict[int, int]) -> None:
        """The first line that comes for a place has it, and what has arrived goes, no more."""
        batch = Batch(arrived=arrived)
        due: dict[tuple[int, int], bytes] = {}
        for since, (name, first, copies) in enumerate(runs):
            batch.add(_run(name, first, copies, since))
            for position in range(first, first + copies):
                due.setdefault((name, position), b"%d %d\n" % (position, since))
        for _ in range(2):
            self.assertEqual(_by_place(batch), due)
            self.assertEqual((batch.copies(), batch.size), (len(due), sum(map(len, due.values()))))
            self.assertEqual(bool(batch), bool(due or arrived))
            self.assertTrue(
                all(spans == sorted(spans) for spans in batch.spans.values()), batch.spans
            )
            batch.drop_arrived()
            due = {at: due[at] for at in due if at[0] not in arrived or at[1] >= arrived[at[0]]}

    @given(RUNS, st.integers(-5, 20), st.integers(0, 40))
    def test_page(self, runs: Runs, first: int, size: int) -> None:
        """A page has the lines from a place on, about so much, and ends at a gap."""
        batch = batch_of(*(_run(*run) for run in runs))
        lines = _by_place(batch)
        due: list[bytes] = []
        while sum(map(len, due)) < size and (1, first + len(due)) in lines:
            due.append(lines[1, first + len(due)])
        self.assertEqual(batch.page(1, first, size), due)

    def test_absorb(self) -> None:
        """Copies that come later stand behind, and take no place from earlier ones."""
        batch = batch_of(_run(1, 0, 3))
        batch.absorb(batch_of(_run(1, 2, 2, since=9), _run(2, 0, 1)))
        self.assertEqual(batch.page(1, 0, 99), [b"0 0\n", b"1 0\n", b"2 0\n", b"3 9\n"])
        self.assertEqual(batch.page(2, 0, 99), [b"0 0\n"])

    def test_struck_records(self) -> None:
        """A record that is struck out before it could be written goes, and so does its id; one that
        is in the file already is still to be struck out there.
        """
        batch = Batch(struck=[1])
        batch.record((2, 1, 0, 1, 0.0, b"2\n"))
        later = Batch(struck=[2])
        later.record((3, 1, 1, 1, 0.0, b"3\n"))
        batch.absorb(later)
        self.assertEqual(batch.size, 4)
        batch.drop_arrived()
        self.assertEqual(batch.records, [(3, 1, 1, 1, 0.0, b"3\n")])
        self.assertEqual((batch.struck, batch.size), ([1], 2))
        batch.forget_records()
        self.assertEqual((bool(batch), batch.size), (False, 0))

    def test_records_that_arrive_make_room(self) -> None:
        """A record that is struck out before it could be written is not held for ever either."""
        batch = Batch()
        for id_ in range(1000):
            batch.record((id_, 1, id_, 1, 0.0, b"x" * 2**16 + b"\n"))
            batch.struck.append(id_)
        self.assertLess(batch.size, 2**24)

    def test_what_arrives_makes_room(self) -> None:
        """Nothing that arrives before it could be written is held for ever."""
        batch = Batch()
        line = b"x" * 2**16 + b"\n"
        for position in range(1000):
            batch.add(Span(1, position, 0.0, line, 1))
            batch.arrived[1] = position
        self.assertLess(batch.size, 2**24)

    def test_cost_of_a_failed_commit(self) -> None:
        """To try a commit again costs the same however much has waited for it, by itself."""

        def cost(waiting: int) -> int:
            batch = batch_of(*(_run(1, 1000 * n, 1000) for n in range(waiting)))
            batch.arrived[1] = 500
            later = batch_of(_run(1, 1000 * waiting, 1000))

            def take_back() -> None:
                batch.absorb(later)
                batch.drop_arrived()

            return calls(take_back)

        self.assertEqual(cost(2), cost(200))
