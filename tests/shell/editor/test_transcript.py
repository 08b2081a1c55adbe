"""The looks of messages and own lines."""

from __future__ import annotations

from datetime import UTC, date, datetime

from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.client.errors import Refusal
from achat_twisted.shell.editor.colours import STYLES, Fragments, are_wanted, of_name
from achat_twisted.shell.editor.transcript import Transcript, own, words
from achat_twisted.shell.editor.typed import split

NOON = datetime(2026, 11, 30, 12, 5, tzinfo=UTC)

PASTED = [
    ("bob: hi", ["bob: hi"]),
    ("bob: hi\n", ["bob: hi"]),
    ("\n\nbob: hi\r\n", ["bob: hi"]),
    ("bob: one\ntwo\n", ["bob: one", "bob: two"]),
    ("bob: one\r\n\r\nerror: three", ["bob: one", "bob: ", "bob: error: three"]),
    ("bob: one\nbob: two", ["bob: one", "bob: two"]),
    ("bob, eve: one\n/quit", ["bob, eve: one", "bob, eve: /quit"]),
    ("/who\nbob: hi", ["/who", "bob: hi"]),
    ("hello\n\nthere", ["hello", "there"]),
    ("  \n", []),
    ("", []),
]
"""Texts that were typed or pasted, and the lines that they stand for."""


def text(fragments: Fragments) -> str:
    return "".join(part for _, part in fragments)


class TranscriptTests(SynchronousTestCase):
    """Entries."""

    def setUp(self) -> None:
        self.transcript = Transcript(NOON.date())

    def test_message(self) -> None:
        """A message has its time, and its sender in the sender's own colour."""
        entry = self.transcript.message("bob", "hi: there", NOON)
        self.assertEqual(text(entry), "12:05 bob: hi: there\n")
        self.assertIn((of_name("bob"), "bob"), entry)

    def test_taken(self) -> None:
        """A line that was taken in is marked, with the names of those for whom it is kept."""
        taken = self.transcript.taken
        self.assertEqual(text(taken("bob: hi", (), NOON)), "12:05 → bob: hi ✓\n")
        self.assertEqual(
            text(taken("bob,eve: hi", ("eve",), NOON)), "12:05 → bob, eve: hi ✓ kept for eve\n"
        )

    def test_refused(self) -> None:
        """A line that was refused is marked, with the reasons, and who has it all the same."""
        entry = self.transcript.refused("bob, eve: hi", ["eve is not known"], ["bob"], NOON)
        self.assertEqual(text(entry), "12:05 → bob, eve: hi ✗ eve is not known kept for bob\n")
        self.assertIn(("class:refused", " ✗ eve is not known"), entry)

    def test_days(self) -> None:
        """A day is announced when it is another than that of what stands above."""
        for day, announced in ((30, False), (28, True), (28, False), (30, True)):
            noted = text(self.transcript.note("x", NOON.replace(day=day)))
            self.assertEqual(noted.startswith("── "), announced, day)
        entry = self.transcript.note("x", NOON.replace(day=1))
        self.assertEqual(text(entry), "── Sunday, 1 November 2026 ──\n12:05 · x\n")

    def test_words(self) -> None:
        """The server's own words about a line are shown as they are."""
        refusals = [
            Refusal(1, "hi", "", "bad-line", "no recipient; post with NAME: text"),
            Refusal(1, "hi", "eve", "unknown"),
        ]
        self.assertEqual(
            words(refusals),
            [
                "no recipient; post with NAME: text",
                "nobody by the name of eve has ever been there",
            ],
        )

    def test_own(self) -> None:
        """A line without a recipient is shown as it is."""
        self.assertEqual(text(own("hello")), "→ hello")
        self.assertEqual(text(own("bob ,eve:hi")), "→ bob, eve:hi")


class ColourTests(SynchronousTestCase):
    """Colours."""

    def test_names(self) -> None:
        """A name has one colour, and not all have the same."""
        names = [f"name{number}" for number in range(100)]
        self.assertEqual([*map(of_name, names)], [*map(of_name, names)])
        self.assertGreater(len({*map(of_name, names)}), 5)

    def test_wanted(self) -> None:
        """C{NO_COLOR} turns them off, whatever it says, unless it is empty."""
        self.assertEqual(
            [are_wanted(environ) for environ in ({}, {"NO_COLOR": ""}, {"NO_COLOR": "0"})],
            [True, True, False],
        )

    def test_styles(self) -> None:
        """Each class that an entry uses has a style."""
        transcript = Transcript(date(2026, 1, 1))
        entries = [
            *transcript.taken("bob: hi", ["bob"], NOON),
            *transcript.refused("bob: hi", ["no"], [], NOON),
        ]
        used = {style.removeprefix("class:") for style, _ in entries if style.startswith("class:")}
        self.assertEqual(used - {*STYLES}, set())


class TypedTests(SynchronousTestCase):
    """L{split}."""

    def test_lines(self) -> None:
        """A text that is pasted behind a name goes to that name, whatever it looks like."""
        for typed, lines in PASTED:
            self.assertEqual(split(typed), lines, typed)
