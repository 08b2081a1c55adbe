"""The mailbox's file: whose it is, and that a commit is all or nothing."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.mailbox.batch import Batch, Copy
from achat_twisted.mailbox.database import SCHEMA, Database, Schema, Unusable

NEXT = Schema(SCHEMA.script, ["CREATE TABLE later (number INTEGER) STRICT;"])
"""The layout that a version to come might have."""


class DatabaseTests(SynchronousTestCase):
    """L{Database}."""

    def setUp(self) -> None:
        self.path = Path(self.mktemp())

    def open(self, schema: Schema = SCHEMA) -> Database:
        database = Database(self.path, durable=False, schema=schema)
        self.addCleanup(database.close)
        return database

    def lay_down(self) -> None:
        """Let there be a file with one line for bob, that nobody uses."""
        database = self.open()
        database.commit(Batch(names={1: "bob"}, copies=[Copy(1, 0, 0.0, b"hi\n")]))
        database.close()

    def refused(self) -> str:
        """Why the file cannot be opened; it stays as it is."""
        before = self.path.read_bytes()
        error = self.assertRaises(Unusable, self.open)
        self.assertEqual(self.path.read_bytes(), before)
        return str(error).removeprefix(f"the mailbox {self.path} cannot be used: ")

    def test_all_or_nothing(self) -> None:
        """If one change of a commit cannot be made, none is, and the next commit can be."""
        database = self.open()
        copies = [Copy(1, 0, 0.0, b"hi\n")]
        self.assertRaises(OverflowError, database.commit, Batch(copies=copies, arrived={1: 2**64}))
        self.assertEqual(database.page(1, 0, 100), (0, []))
        database.commit(Batch(copies=copies))
        self.assertEqual(database.page(1, 0, 100), (0, [b"hi\n"]))

    def test_two_servers(self) -> None:
        """A file that a server uses cannot be opened by another one."""
        self.open()
        self.assertEqual(self.refused(), "another server uses it")

    def test_file_of_a_newer_version(self) -> None:
        """A file of a version that is not known yet is left alone."""
        self.open(NEXT).close()
        self.assertIn("it has version 2, and this achat knows versions up to 1", self.refused())

    def test_file_of_somebody_else(self) -> None:
        """A database that is no mailbox is left alone."""
        with closing(sqlite3.connect(self.path)) as sql:
            sql.execute("CREATE TABLE somebody_elses (number INTEGER)")
        self.assertEqual(self.refused(), "it is a database, but not a mailbox of achat")

    def test_file_of_an_older_version(self) -> None:
        """An older file is brought to this version with all that is in it, and a copy is left."""
        self.lay_down()
        self.assertEqual(self.open(NEXT).page(1, 0, 100), (0, [b"hi\n"]))
        self.path = self.path.with_name(f"{self.path.name}.version-1")
        self.assertEqual(self.open().page(1, 0, 100), (0, [b"hi\n"]))
