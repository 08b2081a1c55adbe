"""The names that are offered, and how they are completed."""

from __future__ import annotations

from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.shell.editor import people
from achat_twisted.shell.editor.completion import LineCompleter
from achat_twisted.shell.editor.people import People


class PeopleTests(SynchronousTestCase):
    """L{People}."""

    def setUp(self) -> None:
        self.people = People("ann")

    def test_order(self) -> None:
        """Those met last come first, then those who are here; nobody comes twice."""
        self.people.are_here(["ann", "bob", "Bill", "carol"])
        self.people.met("ben")
        self.people.met("bob")
        self.assertEqual(self.people.beginning(""), ["bob", "ben", "Bill", "carol"])
        self.assertEqual(self.people.beginning("b"), ["bob", "ben", "Bill"])
        self.assertEqual(self.people.beginning("BI"), ["Bill"])

    def test_here(self) -> None:
        """The user is not among those who are here, and is not missing."""
        self.people.are_here(["ann", "bob"])
        self.assertEqual(self.people.here, ["bob"])
        self.assertEqual(
            [self.people.is_missing(name) for name in ("ann", "bob", "eve")], [False, False, True]
        )

    def test_most(self) -> None:
        """Not everybody who has ever written is remembered."""
        self.patch(people, "_MOST", 2)
        for name in ("bob", "eve", "bob", "dan"):
            self.people.met(name)
        self.assertEqual(self.people.beginning(""), ["dan", "bob"])


class CompletionTests(SynchronousTestCase):
    """L{LineCompleter}."""

    def setUp(self) -> None:
        people = People("ann")
        people.are_here(["ann", "bob", "bobby", "carol"])
        self.completer = LineCompleter(people, ["/who", "/quit", "/help"])

    def completed(self, before: str) -> list[str]:
        """The whole lines that there are to choose from."""
        document = Document(before)
        return [
            before[: len(before) + found.start_position] + found.text
            for found in self.completer.get_completions(document, CompleteEvent())
        ]

    def test_names(self) -> None:
        """A name at the beginning, or behind a comma, is completed, and none twice."""
        self.assertEqual(self.completed("bo"), ["bob: ", "bobby: "])
        self.assertEqual(self.completed(""), ["bob: ", "bobby: ", "carol: "])
        self.assertEqual(self.completed("bob, b"), ["bob, bobby: "])
        self.assertEqual(self.completed("bob,ca"), ["bob,carol: "])

    def test_texts(self) -> None:
        """A text is not completed."""
        self.assertEqual(self.completed("bob: b"), [])

    def test_commands(self) -> None:
        """A command is completed, and what stands behind one is not."""
        self.assertEqual(self.completed("/"), ["/help", "/quit", "/who"])
        self.assertEqual(self.completed("/w"), ["/who"])
        self.assertEqual(self.completed("/who b"), [])
