"""Text that a terminal would obey, or take for somebody else's line, and its fate."""

from __future__ import annotations

import sys
import unicodedata
from datetime import UTC, datetime

from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted import wire
from achat_twisted.limits.admission import Admission
from achat_twisted.limits.limits import Limits
from achat_twisted.reader.factory import ChatFactory
from achat_twisted.reader.terms import Terms
from achat_twisted.shell.editor.colours import Fragments
from achat_twisted.shell.editor.transcript import Transcript
from achat_twisted.shell.escapes import harmless
from tests.attacks.ears import obeyed
from tests.fakes import FakeLink
from tests.house import House

CHARACTERS = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]
"""All characters that UTF-8 has."""

NO_CHARACTERS = [chr(code) for code in range(0xDC80, 0xDD00)]
"""Halves of pairs, which Python makes of bytes that are not UTF-8."""

SEPARATORS = ["\r", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029", "\r\r", "\0"]
"""All that some client may take for a line end, except for the line end."""

ESCAPES = {
    "a window title": "\x1b]0;owned\x07",
    "colours": "\x1b[31m",
    "colours by C1": "\x9b31m",
    "a bell": "\a",
    "a word that is rubbed out": "no\b\byes",
    "a line that is overwritten": "no\ryes",
    "another character set": "\x0e",
    "a delete": "\x7f",
    "a device control string": "\x90q\x9c",
}

NOT_UTF8 = {
    "a line end of two bytes": b"\xc0\x8a",
    "an escape of two bytes": b"\xc0\x9b",
    "a zero of two bytes": b"\xc0\x80",
    "half of a pair": b"\xed\xa0\x80",
    "beyond the last character": b"\xf4\x90\x80\x80",
    "C1 as in Latin-1": b"\x9b31m",
    "a character that is cut": b"\xe2\x80",
    "UTF-16": "hi".encode("utf-16"),
}


class CharacterTests(SynchronousTestCase):
    """One character at a time, all of them."""

    def test_in_lines(self) -> None:
        """No line has a character that a terminal obeys; any other may stand in a text."""
        for char in CHARACTERS:
            raw = f"bob: a{char}b".encode()
            try:
                text = wire.decode_line(raw, wire.MAX_LINE)
            except wire.BadLine:
                self.assertTrue(obeyed(char), hex(ord(char)))
            else:
                self.assertFalse(obeyed(text), hex(ord(char)))

    def test_in_blocks(self) -> None:
        """A block of lines may have nothing that a single line may not have."""
        for char in filter(obeyed, CHARACTERS):
            if char != "\n":
                block = f"bob: hi\nbob: a{char}b\n".encode()
                self.assertIsNone(wire.decode_block(block, wire.MAX_LINE), hex(ord(char)))

    def test_in_names(self) -> None:
        """No name has a character that cannot be seen, or that reverses the text after it."""
        for char in CHARACTERS:
            try:
                name = wire.parse_login(f"a{char}b").name
            except wire.Refused:
                continue
            self.assertFalse(unicodedata.category(char).startswith("C"), (char, name))

    def test_in_a_pipe(self) -> None:
        """C{achat chat} passes on no such character in a pipe, even if a server sends it."""
        for char in filter(obeyed, CHARACTERS):
            self.assertFalse(obeyed(harmless(f"from bob: a{char}b")), hex(ord(char)))
        self.assertFalse(any(obeyed(harmless(char)) for char in NO_CHARACTERS))

    def test_on_the_terminal(self) -> None:
        """It shows none on a terminal, from whomever it is, and whatever it is part of."""
        for char in filter(obeyed, CHARACTERS):
            text = f"a{char}b"
            for entry in _entries(text):
                shown = "".join(part for _, part in entry)
                self.assertFalse(obeyed(shown[:-1]), (shown, hex(ord(char))))
                self.assertEqual(shown[-1], "\n")


class ForgeryTests(SynchronousTestCase):
    """Somebody who wants to speak as somebody else, or as the server."""

    def setUp(self) -> None:
        self.house = House()
        self.links: list[FakeLink] = []
        clock = Clock()
        self.factory = ChatFactory(
            self.house.broker,
            clock,
            Terms(),
            Admission(clock, Limits()),
            make_link=lambda _transport, _clock: self._link(),
        )
        self.bob = self._says(b"bob\n")

    def _link(self) -> FakeLink:
        self.links.append(FakeLink("somebody"))
        return self.links[-1]

    def _says(self, data: bytes) -> FakeLink:
        reader = self.factory.buildProtocol(None)
        assert reader is not None
        reader.makeConnection(StringTransport())
        reader.dataReceived(data)
        self.house.turn()
        return self.links[-1]

    def _bob_hears(self) -> list[str]:
        """All that Bob's client takes for lines, if it takes whatever it can for a line end."""
        return self.bob.received.decode().splitlines()[1:]

    def test_texts(self) -> None:
        """A text that would end its line, and begin another one, reaches nobody."""
        for separator in SEPARATORS:
            for forged in ("from carol: x", "! bye 0", "! kept bob 1"):
                mallory = self._says(f"mallory\nbob: hi{separator}{forged}\n/quit\n".encode())
                self.assertIn("! bad-line control characters", mallory.lines())
        self.assertEqual(self._bob_hears(), [])

    def test_names(self) -> None:
        """A name that would do so is refused."""
        for separator in [*SEPARATORS, "\n"]:
            for forged in ("! bye 0", "from carol: x", "/who"):
                self._says(f"a{separator}{forged}\nbob: hi\n".encode())
        for name in ("! bye 0", "from carol: x\u202e", "\u202ebob", "b\u200bob", "b\u00adob", " "):
            refused = self._says(f"{name}\nbob: hi\n".encode())
            if not name.startswith("from"):
                self.assertTrue(refused.lines()[0].startswith("! bad-name "), name)
        for line in self._bob_hears():
            self.assertRegex(line, "^from (a|from carol): hi$")

    def test_texts_that_look_like_lines(self) -> None:
        """A text may look like the server's: its sender's name stands before it."""
        self._says(b"mallory\nbob: from carol: x\nbob: ! bye 0\nbob:from carol: y\n")
        self.assertEqual(
            self._bob_hears(),
            ["from mallory: from carol: x", "from mallory: ! bye 0", "from mallory: from carol: y"],
        )

    def test_escapes(self) -> None:
        """Control sequences reach nobody, in whatever way they are written."""
        for what, escape in ESCAPES.items():
            for line in (f"bob: {escape}", f"{escape}: hi", f"/{escape}", f"bob, {escape}: hi"):
                mallory = self._says(f"mallory\n{line}\n/quit\n".encode())
                self.assertEqual(mallory.lines()[1], "! bad-line control characters", what)
                self.assertFalse(obeyed("".join(mallory.lines())))
        for what, raw in NOT_UTF8.items():
            mallory = self._says(b"mallory\nbob: %s\n/quit\n" % raw)
            self.assertTrue(mallory.lines()[1].startswith("! bad-line "), what)
        self.assertEqual(self._bob_hears(), [])

    def test_direction(self) -> None:
        """A text may turn the direction of writing, as some languages must: to its own end."""
        self._says("mallory\nbob: \u202eolleh\nbob: hi\n".encode())
        self.assertEqual(self._bob_hears(), ["from mallory: \u202eolleh", "from mallory: hi"])


def _entries(text: str) -> list[Fragments]:
    """All entries that hold a text, as the terminal shows it."""
    when = datetime(2026, 11, 30, tzinfo=UTC)
    transcript = Transcript(when.date())
    return [
        transcript.message(text, text, when),
        transcript.taken(f"{text}, bob: {text}", [text], when),
        transcript.taken(text, [], when),
        transcript.refused(f"bob: {text}", [text], [text], when),
        transcript.note(text, when),
    ]
