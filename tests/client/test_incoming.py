"""Messages and lines of rooms, as far as no vector can tell of them."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.client.incoming import Incoming, IncomingInRoom
from achat_twisted.client.state import Reached
from achat_twisted.client.state_file import StateFile


class IncomingTests(SynchronousTestCase):
    """The messages of a name."""

    def setUp(self) -> None:
        folder = TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.state = StateFile(Path(folder.name, "state"))
        self.addCleanup(self.state.close)
        self.incoming = self.make()
        self.incoming.begin(1)
        for number in (1, 2, 3):
            self.assertEqual(self.incoming.take(number), number)

    def make(self) -> Incoming:
        self.state.numbers.era = "e1"
        return Incoming(self.state)

    def test_rolled_back(self) -> None:
        """Work that is taken back has not happened, and may be done again in any order."""
        self.incoming.done(1, "e1")
        self.state.begin()
        self.incoming.done(2, "e1")
        self.assertEqual(self.incoming.confirmed, 2)
        self.state.roll_back()
        self.incoming.done(3, "e1")
        self.assertEqual(self.incoming.confirmed, 1)
        self.incoming.done(2, "e1")
        self.assertEqual(self.incoming.confirmed, 3)

    def test_other_era(self) -> None:
        """In another era all begins anew, what was done out of order as well."""
        self.incoming.done(3, "e1")
        self.begin_era()
        self.assertEqual([self.incoming.take(number) for number in (1, 2, 3)], [1, 2, 3])

    def begin_era(self) -> None:
        self.incoming.begin_era(1)


class InRoomTests(IncomingTests):
    """The same for the lines of a room."""

    def make(self) -> Incoming:
        self.state.reach("#ops", Reached("e1", 0))
        return IncomingInRoom(self.state, "#ops")
