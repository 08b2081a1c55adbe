"""C{achat bench}: how servers are spoken to, without one."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.bench.dialects import (
    Achat,
    Dialect,
    InRoom,
    Nats,
    Resuming,
    Tutorial,
    probe,
    recognize,
)
from achat_twisted.bench.failure import Failed, show
from achat_twisted.wire import MAX_LINE

INFO = b'INFO {"server_id":"X","max_payload":1048576}\r\n'

ANSWERS: list[tuple[Dialect, bytes, bytes]] = [
    (Achat(), b"ann\n", b"! welcome ann\n"),
    (
        Resuming(),
        b"/resume bench\nann\n",
        b"! welcome ann\n! resumed 0 1 c8d1\n",
    ),
    (InRoom(), b"ann\n/join #bench-\n", b"! welcome ann\n! joined #bench- 1 c0ff\n"),
    (Tutorial(), b"ann\nann: in\n", b"from ann: in\n"),
    (
        Nats(),
        b'CONNECT {"verbose":false,"pedantic":false}\r\nSUB ann 1\r\nPING\r\n',
        INFO + b"PONG\r\n",
    ),
]
"""The login of each dialect, and the answer to it."""

WRONG: list[tuple[Dialect, bytes, str]] = [
    (Achat(), b"! name-taken ann\n", "'! name-taken ann' where '! welcome ann' was due"),
    (Achat(), b"! welcome ann\n! mail 3\n", "where '! welcome ann' was due"),
    (Resuming(), b"! bad-name it begins with ! or /\n", "where '! welcome ann' was due"),
    (Resuming(), b"! welcome ann\n! resumed 7 1 c8d1\n", "answered with '! welcome ann'"),
    (Resuming(), b"! welcome ann\n! resumed 0 1 c8d1\n! mail 3\n", "answered with"),
    (InRoom(), b"! welcome ann\n! bad-line there is no room\n", "answered with '! welcome ann'"),
    (InRoom(), b"! welcome ann\n! joined #bench- 1 c0ff\n! missed #bench- 3\n", "answered with"),
    (Tutorial(), b"from bob: in\n", "'from bob: in' where 'from ann: in' was due"),
    (Nats(), b"-ERR 'Authorization Violation'\r\n", "-ERR 'Authorization Violation'"),
    (Nats(), INFO + b"-ERR 'no'\r\n", "\"-ERR 'no'\" where 'PONG' was due"),
]

FIRST_WORDS = [
    (b"! welcome ann\nfrom ann: in\n", "achat"),
    (b"from ann: in\n", "a-chat"),
    (INFO, "NATS"),
]

POSTS: list[tuple[Dialect, bytes, bytes, bytes]] = [
    (Achat(), b"bob: hi\n", b"bob, cy: hi\n", b"from ann: hi\n"),
    (Tutorial(), b"bob: hi\n", b"bob, cy: hi\n", b"from ann: hi\n"),
    (Nats(), b"PUB bob 2\r\nhi\r\n", b"PUB all 2\r\nhi\r\n", b"MSG bob 1 2\r\nhi\r\n"),
]
"""A line for Bob, one for two in a group, and what Bob hears of the first."""


class LoginTests(SynchronousTestCase):
    """Coming in."""

    def test_logins(self) -> None:
        """Each dialect says its login, and knows when it is in, however the answer is cut."""
        for dialect, login, answer in ANSWERS:
            self.assertEqual(dialect.login("ann"), login)
            for size in range(len(answer)):
                self.assertFalse(dialect.is_in("ann", answer[:size]), answer[:size])
            self.assertTrue(dialect.is_in("ann", answer))

    def test_refusals(self) -> None:
        """A wrong answer is told in words."""
        for dialect, heard, why in WRONG:
            error = self.assertRaises(Failed, dialect.is_in, "ann", heard)
            self.assertIn(why, str(error))

    def test_groups(self) -> None:
        """In a dialect with groups, a client listens to its group."""
        self.assertIn(b"SUB all 1\r\n", Nats().login("ann", "all"))
        self.assertEqual(Achat().login("ann", "all"), b"ann\n")
        self.assertEqual(InRoom().login("ann", "all"), b"ann\n/join #bench-all\n")


class RecognizeTests(SynchronousTestCase):
    """L{recognize}."""

    def test_first_words_tell(self) -> None:
        """A server is recognized by its first words, and not before they are there."""
        for words, name in FIRST_WORDS:
            found = [recognize("ann", words[:size]) for size in range(len(words) + 1)]
            names = [dialect.name for dialect in found if dialect]
            self.assertIsNone(found[0])
            self.assertEqual(set(names), {name})
            self.assertIsNotNone(found[-1])

    def test_probe_is_understood(self) -> None:
        """A server that speaks either wire of lines answers the probe."""
        self.assertEqual(probe("ann"), b"ann\nann: in\n")

    def test_others(self) -> None:
        """Another server's words are told, and what would be right."""
        for words in (b"HTTP/1.1 400 Bad Request\r\n\r\n", b"! busy\n", b"220 mail ESMTP\r\n"):
            error = self.assertRaises(Failed, recognize, "ann", words)
            self.assertIn(f"answered with {show(words)}; achat says", str(error))


class PostTests(SynchronousTestCase):
    """Lines."""

    def test_posts(self) -> None:
        """A line for one, a line for all, and what comes of it."""
        for dialect, one, both, heard in POSTS:
            self.assertEqual(dialect.post("bob", "hi"), one)
            self.assertEqual(dialect.post_all(["bob", "cy"], "all", "hi"), both)
            self.assertEqual(dialect.delivery("ann", "bob", "hi"), heard)
            self.assertEqual(dialect.count(3 * heard + heard[:-1], "hi"), 3)

    def test_long_lists(self) -> None:
        """More names than a line has room for are spread over lines, each name once."""
        names = [f"name{number:04}" for number in range(3000)]
        lines = Achat().post_all(names, "", "hi").decode().splitlines()
        self.assertLessEqual(max(map(len, lines)), MAX_LINE)
        self.assertEqual(len(lines), 4)
        heard = [name for line in lines for name in line.removesuffix(": hi").split(", ")]
        self.assertEqual(heard, names)

    def test_taken_in(self) -> None:
        """achat alone says at the end how many lines it has taken in."""
        heard = b"from ann: ! bye 3\n! kept bob 2\n! bye 17\n"
        self.assertEqual(Achat().taken_in(heard), 17)
        self.assertIsNone(Achat().taken_in(heard + b"from"))
        self.assertIsNone(Achat().taken_in(b"from ann: ! bye 3\n"))
        self.assertIsNone(Tutorial().taken_in(heard))
        self.assertIsNone(Nats().taken_in(heard))

    def test_tags(self) -> None:
        """achat alone has tags, and its clients say then what they have taken in."""
        tagged = Achat().with_tags()
        self.assertEqual(tagged.confirmation(300), b"/got 300\n")
        self.assertEqual(tagged.confirms_each, 100)
        other: Dialect
        for other in Tutorial(), Nats():
            error = self.assertRaises(Failed, other.with_tags)
            self.assertEqual(str(error), f"it speaks {other.name}, which knows no tags")
        for other in Achat(), Tutorial(), Nats():
            self.assertEqual((other.confirms_each, other.confirmation(300)), (0, b""))

    def test_rooms(self) -> None:
        """achat alone has rooms: its clients join one, and say what is for all of them there."""
        room = Achat().with_rooms()
        self.assertEqual(room.post_all(["bob", "cy"], "all", "hi"), b"#bench-all: hi\n")
        self.assertEqual(room.delivery("ann", "all", "hi"), b"from ann #bench-all: hi\n")
        other: Dialect
        for other in Tutorial(), Nats():
            error = self.assertRaises(Failed, other.with_rooms)
            self.assertEqual(str(error), f"it speaks {other.name}, which knows no rooms")

    def test_show(self) -> None:
        """A long line is cut, and what is no text is shown all the same."""
        self.assertEqual(show(b"\xff!\r\nmore"), r"'\\xff!'")
        self.assertEqual(show(100 * b"x"), repr(60 * "x" + "…"))
