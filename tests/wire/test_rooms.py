"""Rooms on the wire: their names, what is said in them, and the commands about them."""

from __future__ import annotations

from hypothesis import given, settings, strategies as st
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted import wire
from achat_twisted.wire import rooms
from achat_twisted.wire.rooms import Look
from achat_twisted.wire.tags import parse_verdict, stamped

NAMES = ["#ops", "#1", "#é", "#a.b-c_d", "#" + 63 * "x"]

NO_NAMES = [
    ("ops", "a room's name begins with #, as in #ops"),
    ("", "a room's name begins with #, as in #ops"),
    ("#", "a room's name begins with #, as in #ops"),
    ("#" + 64 * "x", "the room's name is longer than 64 bytes"),
    ("#two words", "a room's name holds no spaces"),
    ("#a\u00a0b", "a room's name holds no spaces"),
    ("##ops", "no room can have that name: "),
    ("#a,b", "no room can have that name: "),
    ("#a:b", "no room can have that name: "),
    ("#!ops", "no room can have that name: "),
    ("#/ops", "no room can have that name: "),
]

LOOKS = [
    ("#ops", Look("#ops", 20, None)),
    ("#ops 5", Look("#ops", 5, None)),
    ("#ops before 7", Look("#ops", 20, 7)),
    ("#ops 500 before 7", Look("#ops", 500, 7)),
]

NO_LOOKS = ["", "#ops 0", "#ops 501", "#ops before", "#ops 5 7", "#ops five", "#ops 1 before x"]

GOTS = [("#ops 41", ("#ops", 41)), ("#ops 0", ("#ops", 0)), ("41", None), ("41 7", None)]

NO_GOTS = ["#ops", "#ops x", "#ops 1 2", "#ops -1", f"#ops {2**64}", "#"]

_NAME = st.from_regex(r"[A-Za-z0-9é _.-]{1,20}", fullmatch=True).filter(
    lambda name: name == name.strip() and name[0] not in "!/"
)
_ROOM = st.from_regex(r"#[A-Za-z0-9é_.-]{1,20}", fullmatch=True)
_TEXT = st.text("ab:# ,1é", max_size=20)


class RoomWireTests(SynchronousTestCase):
    """L{achat_twisted.wire.rooms}."""

    def test_names(self) -> None:
        """A room's name is a C{#} and what could be a name, without spaces."""
        for name in NAMES:
            self.assertEqual(rooms.check_room(name), name)
        for name, why in NO_NAMES:
            error = self.assertRaises(wire.BadLine, rooms.check_room, name)
            self.assertTrue(error.notice.detail.startswith(why), (name, error.notice))

    def test_no_name_is_a_room(self) -> None:
        """Nobody can log in with the name of a room."""
        for name in NAMES:
            self.assertRaises(wire.Refused, wire.check_name, name)

    def test_looks(self) -> None:
        """C{/log} takes a room, a number of lines, and the number before which they stand."""
        for argument, look in LOOKS:
            self.assertEqual(rooms.parse_look(argument), look)
        for argument in NO_LOOKS:
            self.assertRaises(wire.BadLine, rooms.parse_look, argument)

    def test_gots(self) -> None:
        """C{/got} is about a room if it names one."""
        for argument, got in GOTS:
            self.assertEqual(rooms.parse_room_got(argument), got)
        for argument in NO_GOTS:
            self.assertRaises(wire.BadLine, rooms.parse_room_got, argument)

    @settings(deadline=None, database=None)
    @given(_NAME, _ROOM, st.lists(_TEXT, min_size=1, max_size=4), st.integers(1, 2**62))
    def test_lines(self, name: str, room: str, texts: list[str], first: int) -> None:
        """A line said in a room comes out as it went in, with its room, and its number if any."""
        lines = b"".join(rooms.render_room_post(name, room, text) for text in texts)
        count = len(texts)
        self.assertEqual(rooms.rooms_heard(lines), {room: count})
        for numbered in (lines, rooms.numbered(lines, first)):
            for with_stamps in (numbered, stamped(numbered, 1e9)):
                self.assertEqual(rooms.rooms_heard(with_stamps), {room: count})
                heard = with_stamps.decode().splitlines()
                said = [wire.parse_server_line(line) for line in heard]
                expected = range(first, first + count) if numbered is not lines else [None] * count
                for each, text, number in zip(said, texts, expected, strict=True):
                    assert isinstance(each, wire.Message)
                    self.assertEqual((each.sender, each.room, each.text), (name, room, text))
                    self.assertEqual(each.number, number)
                    self.assertEqual(each.stamp, "20010909T014640Z" * (with_stamps != numbered))

    @settings(deadline=None, database=None)
    @given(_NAME, _TEXT)
    def test_messages(self, name: str, text: str) -> None:
        """No message to a name is taken for one in a room, whatever its text."""
        message = wire.render_post(name, text)
        for each in (message, stamped(message, 1e9)):
            self.assertFalse(rooms.is_said_in_room(each))
            self.assertEqual(rooms.rooms_heard(each), {})

    @settings(deadline=None, database=None)
    @given(_NAME, _ROOM, _TEXT, st.integers(1, 2**62))
    def test_logged(self, name: str, room: str, text: str, number: int) -> None:
        """A line that is shown again is a notice with all that it had, and no verdict."""
        notice = rooms.logged(room, number, 1e9, rooms.render_room_post(name, room, text))
        self.assertEqual(notice.word, "log")
        self.assertEqual(notice.detail, f"{room} {number} 20010909T014640Z {name}: {text}")
        self.assertIsNone(parse_verdict(notice))

    def test_refusals(self) -> None:
        """A client with a tag takes what is refused in a room for a verdict."""
        for word in ("not-in", "closed", "unknown", "full"):
            verdict = parse_verdict(wire.Notice(word, "#ops 2 3-4"))
            assert verdict is not None
            self.assertEqual((verdict.subject, verdict.copies, verdict.first), ("#ops", 2, 3))
