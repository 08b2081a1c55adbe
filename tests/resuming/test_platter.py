"""Power cuts that leave as little as they can."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.mailbox.batch import Batch
from achat_twisted.mailbox.tags import Tag
from tests.disk import FakeDisk, scratch_file
from tests.resuming.platter import Platter, PlatterDatabase

if TYPE_CHECKING:
    from _typeshed import SupportsLenAndGetItem


class Unlucky(Random):
    """Chance that leaves the oldest of everything."""

    def choice(self, seq: SupportsLenAndGetItem[Any]) -> Any:
        return seq[0]


class PowerCutTests(SynchronousTestCase):
    """A file that goes back to its last sync."""

    def setUp(self) -> None:
        self.path = scratch_file(self)
        self.platter = Platter(self.path, Unlucky(), is_watched=True)

    def open(self, *, durable: bool = False) -> PlatterDatabase:
        database = PlatterDatabase(self.path, FakeDisk(), self.platter, durable=durable)
        self.addCleanup(database.close)
        return database

    def saved(self, *, durable: bool) -> PlatterDatabase:
        """A file that holds a tag, open."""
        database = self.open(durable=durable)
        batch = Batch(names={1: "bob"})
        batch.tags.save(1, Tag("t"))
        batch.seal()
        database.commit(batch)
        return database

    def left(self, database: PlatterDatabase) -> int:
        """The number of tags that are left when the power fails now."""
        database.close()
        self.platter.fail()
        return len(self.open().tags())

    def test_synced(self) -> None:
        """A commit is there if each commit waits for the disk."""
        self.assertEqual(self.left(self.saved(durable=True)), 1)

    def test_not_synced(self) -> None:
        """A commit may be gone if nobody has waited for the disk."""
        database = self.open()
        database.sync()
        database.close()
        self.assertEqual(self.left(self.saved(durable=False)), 0)

    def test_tags_do_not_come_back(self) -> None:
        """A file without --durable holds no tags from the start on, whatever the power does."""
        database = self.saved(durable=False)
        database.sync()
        database.vouch_no_more()
        self.assertEqual(self.left(database), 0)
