"""The state in a file, of SQLite: it outlives the program, whichever way that ends.

Strategy: what changes in a turn of the loop is one transaction, which L{StateFile.save} commits and
syncs before the bytes that rest on it are written. The file is in WAL mode, so that is one sync.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import astuple, replace
from functools import wraps
from typing import TypeVar, cast

from achat_twisted.client.errors import Refusal, StateError, StateInUse
from achat_twisted.client.state import ALL, Numbers, Reached

_VERSION = 1

_NONE = -1
"""The descriptor of a file that is closed."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS achat_state (
    version INTEGER NOT NULL, owner TEXT NOT NULL, tag TEXT NOT NULL, era TEXT NOT NULL,
    base INTEGER NOT NULL, taken INTEGER NOT NULL, settled INTEGER NOT NULL, got INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS achat_line (place INTEGER PRIMARY KEY, line TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS achat_refusal (
    place INTEGER NOT NULL, line TEXT NOT NULL, recipient TEXT NOT NULL, word TEXT NOT NULL,
    detail TEXT NOT NULL, PRIMARY KEY (place, recipient));
CREATE TABLE IF NOT EXISTS achat_done (
    room TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (room, number));
CREATE TABLE IF NOT EXISTS achat_room (
    room TEXT PRIMARY KEY NOT NULL, era TEXT NOT NULL, number INTEGER NOT NULL);
"""

_F = TypeVar("_F", bound=Callable[..., object])


def _explained(method: _F) -> _F:
    """Turns what SQLite says into one sentence."""

    @wraps(method)
    def explained(self: StateFile, *arguments: object) -> object:
        try:
            return method(self, *arguments)
        except sqlite3.Error as error:
            raise StateError(f"the state in {self.path} cannot be used: {error}") from error

    return cast(_F, explained)


class StateFile:
    """A state in a file, for one program at a time.

    @ivar path: where it is.
    @ivar database: the connection to it. Its tables that begin with C{achat_} are not yours.
    """

    is_lasting = True

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Open the file, or make it, for its owner's eyes only.

        @raise StateError: if that cannot be done.
        @raise StateInUse: if another program has it open.
        """
        self.path = os.fspath(path)
        self._lock = self._claim()
        try:
            self._open()
        except BaseException:
            self._let_go()
            raise

    def _claim(self) -> int:
        """Hold a lock on the file; it goes with the process, however that ends."""
        try:
            lock = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StateError(f"cannot open the state in {self.path}: {error.strerror}") from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            raise StateInUse(f"another program uses the state in {self.path}") from None
        return lock

    @_explained
    def _open(self) -> None:
        self.database = sqlite3.connect(self.path, isolation_level=None)
        execute = self.database.execute
        execute("PRAGMA journal_mode=WAL")
        execute("PRAGMA synchronous=FULL")
        self.begin_if_needed()
        for statement in filter(str.strip, _SCHEMA.split(";")):
            execute(statement)
        row = execute("SELECT * FROM achat_state").fetchone()
        if row is None:
            self.numbers = Numbers()
            execute("INSERT INTO achat_state VALUES (?,?,?,?,?,?,?,?)", self._row())
        else:
            version, *numbers = row
            if version != _VERSION:
                raise StateError(f"the state in {self.path} is of another achat: version {version}")
            self.numbers = Numbers(*numbers)
        self._saved = replace(self.numbers)
        (last,) = execute("SELECT max(place) FROM achat_line").fetchone()
        self.last = max(last or 0, self.numbers.settled)
        self._done: set[tuple[str, int]] = {*execute("SELECT room, number FROM achat_done")}
        rooms = execute("SELECT room, era, number FROM achat_room")
        self.rooms = {room: Reached(era, number) for room, era, number in rooms}
        execute("COMMIT")

    def begin_if_needed(self) -> None:
        """Begin a transaction, if none is open."""
        if not self.database.in_transaction:
            self.database.execute("BEGIN IMMEDIATE")

    def _row(self) -> tuple[object, ...]:
        return (_VERSION, *astuple(self.numbers))

    def _write(self, statement: str, *arguments: object) -> None:
        self.begin_if_needed()
        self.database.execute(statement, arguments)

    # Lines

    @_explained
    def add(self, line: str) -> int:
        self._write("INSERT INTO achat_line VALUES (?, ?)", self.last + 1, line)
        self.last += 1
        return self.last

    @_explained
    def lines(self, after: int, most: int) -> list[str]:
        query = "SELECT line FROM achat_line WHERE place > ? ORDER BY place LIMIT ?"
        return [line for (line,) in self.database.execute(query, (after, most))]

    @_explained
    def line(self, place: int) -> str:
        query = "SELECT line FROM achat_line WHERE place = ?"
        (line,) = self.database.execute(query, (place,)).fetchone()
        return str(line)

    @_explained
    def settle(self, place: int) -> None:
        self._write("DELETE FROM achat_line WHERE place <= ?", place)
        self.numbers.settled = place

    @_explained
    def refuse(self, refusal: Refusal) -> None:
        self._write("INSERT OR IGNORE INTO achat_refusal VALUES (?,?,?,?,?)", *astuple(refusal))

    @_explained
    def told(self, place: int) -> None:
        self._write("DELETE FROM achat_refusal WHERE place = ?", place)

    @_explained
    def refusals(self) -> list[Refusal]:
        query = "SELECT * FROM achat_refusal WHERE place <= ? ORDER BY place, recipient"
        return [Refusal(*row) for row in self.database.execute(query, (self.numbers.settled,))]

    # Messages

    def is_done(self, number: int, room: str = "") -> bool:
        return (room, number) in self._done

    @_explained
    def mark_done(self, number: int, room: str = "") -> None:
        self._write("INSERT INTO achat_done VALUES (?, ?)", room, number)
        self._done.add((room, number))

    @_explained
    def forget_done(self, number: int, room: str = "") -> None:
        if self._done:
            self._write("DELETE FROM achat_done WHERE room = ? AND number <= ?", room, number)
            self._done = {each for each in self._done if each[0] != room or each[1] > number}

    # Rooms

    @_explained
    def reach(self, room: str, reached: Reached) -> None:
        self._write("INSERT OR REPLACE INTO achat_room VALUES (?, ?, ?)", room, *reached)
        self.rooms[room] = reached

    @_explained
    def leave(self, room: str) -> None:
        self._write("DELETE FROM achat_room WHERE room = ?", room)
        self.rooms.pop(room, None)
        self.forget_done(ALL, room)

    # Transactions

    @_explained
    def begin(self) -> None:
        self.save()
        self._kept = replace(self.numbers), self.last, self._done.copy(), self.rooms.copy()
        self.begin_if_needed()

    @_explained
    def save(self) -> None:
        if self.numbers != self._saved:
            columns = "version=?, owner=?, tag=?, era=?, base=?, taken=?, settled=?, got=?"
            self._write(f"UPDATE achat_state SET {columns}", *self._row())
        if self.database.in_transaction:
            self.database.execute("COMMIT")
        self._saved = replace(self.numbers)

    @_explained
    def roll_back(self) -> None:
        if self.database.in_transaction:
            self.database.execute("ROLLBACK")
        numbers, self.last, self._done, self.rooms = self._kept
        self.numbers = numbers

    def close(self) -> None:
        """Save it, and let others have the file; to close it again does nothing.

        @raise StateError: if it cannot be saved.
        """
        if self._lock == _NONE:
            return
        try:
            self.save()
        finally:
            self._let_go()

    def _let_go(self) -> None:
        with suppress(AttributeError, sqlite3.Error):
            self.database.close()
        os.close(self._lock)  # last, as SQLite's own locks would go with any descriptor of the file
        self._lock = _NONE
