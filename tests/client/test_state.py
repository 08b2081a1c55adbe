"""The state, in memory and in a file: the same, but for what a crash leaves."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.client.errors import Refusal, StateError
from achat_twisted.client.state import (
    ALL,
    MemoryState,
    Reached,
    State,
    Transactional,
    claim,
)
from achat_twisted.client.state_file import StateFile


def _refusal(place: int, recipient: str = "bob") -> Refusal:
    return Refusal(place, f"bob: {place}", recipient, "unknown")


class MemoryTests(SynchronousTestCase):
    """The things that every state does."""

    def make(self) -> State:
        return MemoryState()

    def setUp(self) -> None:
        self.state = self.make()

    def test_tags(self) -> None:
        """A new state has a tag of its own."""
        other = MemoryState()
        self.assertNotEqual(self.state.numbers.tag, other.numbers.tag)
        self.assertRegex(other.numbers.tag, r"\A[0-9a-f]{16}\Z")

    def test_lines(self) -> None:
        """Lines have places from 1 on, and are there until they are settled."""
        self.assertEqual([self.state.add(f"bob: {number}") for number in (1, 2, 3)], [1, 2, 3])
        self.assertEqual([*self.state.lines(1, 1)], ["bob: 2"])
        self.assertEqual([*self.state.lines(1, 9)], ["bob: 2", "bob: 3"])
        self.assertEqual(self.state.line(3), "bob: 3")
        self.state.settle(2)
        self.assertEqual((self.state.numbers.settled, self.state.last), (2, 3))
        self.assertEqual([*self.state.lines(2, 9)], ["bob: 3"])
        self.state.settle(3)
        self.assertEqual(self.state.add("bob: 4"), 4)

    def test_refusals(self) -> None:
        """Refusals are kept until they are told, and handed out when their line is settled."""
        for _ in range(3):
            self.state.add("bob: hi")
        for refusal in (_refusal(2, "eve"), _refusal(2), _refusal(2), _refusal(3)):
            self.state.refuse(refusal)
        self.assertEqual(self.state.refusals(), [])
        self.state.settle(2)
        self.assertEqual(self.state.refusals(), [_refusal(2), _refusal(2, "eve")])
        self.state.told(2)
        self.state.settle(3)
        self.assertEqual(self.state.refusals(), [_refusal(3)])

    def test_done(self) -> None:
        """Messages that are marked stay so until they are forgotten."""
        for number in (3, 5, 9):
            self.state.mark_done(number)
        self.state.forget_done(5)
        self.assertEqual([n for n in range(10) if self.state.is_done(n)], [9])

    def test_owner(self) -> None:
        """A state belongs to the first login that uses it, and no other one may."""
        claim(self.state, "/resume ann")
        claim(self.state, "/resume ann")
        error = self.assertRaises(StateError, claim, self.state, "/send ann")
        self.assertEqual(
            str(error),
            "that state is of the name ann; use another one for a client that only sends",
        )
        other = self.make()
        claim(other, "/device ann")
        error = self.assertRaises(StateError, claim, other, "/resume ann")
        self.assertEqual(
            str(error), "that state is of a device, of the name ann; use another one for this login"
        )

    def test_rooms(self) -> None:
        """Each room has a place of its own and marks of its own, until it is left."""
        self.state.reach("#a", Reached("e1", 3))
        self.state.reach("#b", Reached("e2", 7))
        self.state.reach("#a", Reached("e1", 4))
        for room in ("", "#a", "#b"):
            self.state.mark_done(9, room)
        self.assertEqual(self.state.rooms, {"#a": Reached("e1", 4), "#b": Reached("e2", 7)})
        self.state.forget_done(9, "#a")
        self.assertEqual([self.state.is_done(9, each) for each in ("", "#a", "#b")], [1, 0, 1])
        self.state.leave("#b")
        self.assertEqual(self.state.rooms, {"#a": Reached("e1", 4)})
        self.assertEqual([self.state.is_done(9, each) for each in ("", "#a", "#b")], [1, 0, 0])

    def test_forgotten(self) -> None:
        """All marks of a row may be forgotten at once."""
        self.state.mark_done(5)
        self.state.forget_done(ALL)
        self.assertFalse(self.state.is_done(5))


class FileTests(MemoryTests):
    """The same in a file, and what is left of it."""

    def make(self) -> StateFile:
        folder = TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name, "state")
        return self._opened()

    def _opened(self) -> StateFile:
        state = StateFile(self.path)
        self.addCleanup(state.close)
        return state

    def again(self) -> StateFile:
        """The file, as the next program finds it after this one was killed."""
        assert isinstance(self.state, StateFile)
        self.state._let_go()  # noqa: SLF001 - as the end of the process does
        self.state = self._opened()
        return self.state

    def test_kept(self) -> None:
        """All that was saved is there after a crash, and nothing else is."""
        state, numbers = self.state, self.state.numbers
        numbers.owner, numbers.era, numbers.base, numbers.taken, numbers.got = (
            "/resume a",
            "e",
            1,
            2,
            7,
        )
        for number in range(4):
            state.add(f"bob: {number}")
        state.settle(1)
        state.refuse(_refusal(1))
        state.mark_done(9)
        state.mark_done(4, "#a")
        state.reach("#a", Reached("r", 2))
        state.save()
        state.add("bob: not saved")
        state.refuse(_refusal(2))
        state.mark_done(10)
        state.mark_done(5, "#a")
        state.reach("#a", Reached("r", 3))
        state.leave("#a")
        numbers.got = 8
        after = self.again()
        numbers.got = 7
        self.assertEqual(after.numbers, numbers)
        self.assertEqual(after.last, 4)
        self.assertEqual(after.lines(1, 9), ["bob: 1", "bob: 2", "bob: 3"])
        self.assertEqual(after.refusals(), [_refusal(1)])
        self.assertEqual([n for n in range(12) if after.is_done(n)], [9])
        self.assertEqual([n for n in range(12) if after.is_done(n, "#a")], [4])
        self.assertEqual(after.rooms, {"#a": Reached("r", 2)})

    def test_places(self) -> None:
        """A place is never given twice, even if all lines are settled."""
        self.state.add("bob: 1")
        self.state.settle(1)
        self.state.save()
        self.assertEqual(self.again().add("bob: 2"), 2)

    def test_rolled_back(self) -> None:
        """Changes that are rolled back have not happened, for the object as for the file."""
        state: Transactional = self.make()
        state.add("bob: 1")
        state.mark_done(3)
        state.reach("#a", Reached("r", 2))
        state.begin()
        state.add("bob: 2")
        state.mark_done(5)
        state.reach("#a", Reached("r", 3))
        state.reach("#b", Reached("r", 1))
        state.numbers.got = 2
        state.database.execute("CREATE TABLE job (text)")
        state.roll_back()
        self.assertEqual((state.last, state.numbers.got), (1, 0))
        self.assertEqual([n for n in range(9) if state.is_done(n)], [3])
        self.assertEqual(state.rooms, {"#a": Reached("r", 2)})
        self.assertEqual(state.add("bob: 2 again"), 2)
        self.assertRaises(sqlite3.OperationalError, state.database.execute, "SELECT * FROM job")
        state.close()

    def test_synced(self) -> None:
        """Each commit is on the disk when it is done, in one write-ahead log."""
        assert isinstance(self.state, StateFile)
        for pragma, value in (("synchronous", 2), ("journal_mode", "wal")):
            (is_,) = self.state.database.execute(f"PRAGMA {pragma}").fetchone()
            self.assertEqual(is_, value)

    def test_one_program(self) -> None:
        """A file is for one program at a time."""
        error = self.assertRaises(StateError, StateFile, self.path)
        self.assertEqual(str(error), f"another program uses the state in {self.path}")
        self.state.close()
        StateFile(self.path).close()

    def test_rights(self) -> None:
        """A new file is for its owner's eyes only, with all that SQLite puts beside it."""
        self.state.add("bob: hi")
        for path in self.path.parent.iterdir():
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600, path)

    def test_not_there(self) -> None:
        """A file that cannot be opened is named, with the reason."""
        error = self.assertRaises(StateError, StateFile, "/nowhere/state")
        self.assertEqual(
            str(error), "cannot open the state in /nowhere/state: No such file or directory"
        )

    def test_no_state(self) -> None:
        """A file of another kind, or of a later version, is left as it is."""
        other = self.path.with_name("other")
        other.write_bytes(b"this is no database" * 100)
        error = self.assertRaises(StateError, StateFile, other)
        self.assertIn("file is not a database", str(error))
        self.assertEqual(other.read_bytes(), b"this is no database" * 100)
        self.state.close()
        with closing(sqlite3.connect(self.path)) as database, database:
            database.execute("UPDATE achat_state SET version = 2")
        for _ in range(2):
            error = self.assertRaises(StateError, StateFile, self.path)
            self.assertIn("of another achat: version 2", str(error))
