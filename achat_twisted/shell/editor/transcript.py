"""The transcript: how messages, own lines and notes look, each with its time, below its day."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from achat_twisted.client.errors import Refusal
from achat_twisted.shell.editor.colours import Fragments, of_name
from achat_twisted.shell.escapes import harmless

TAKEN, REFUSED, WAITS = "✓", "✗", "…"
"""The marks of own lines."""


class Transcript:
    """Makes entries of what has happened; a day is announced when it is another than before."""

    def __init__(self, today: date) -> None:
        self._day = today

    def message(self, sender: str, text: str, when: datetime) -> Fragments:
        """A message of somebody's."""
        name = harmless(sender)
        return self._entry(when, (of_name(sender), name), ("", f": {harmless(text)}"))

    def taken(self, line: str, kept: Iterable[str], when: datetime) -> Fragments:
        """An own line that was taken in.

        @param kept: the recipients for whom it waits.
        """
        entry = self._entry(when, *own(line), ("class:taken", f" {TAKEN}"))
        return _closed(entry, ("class:kept", _kept(kept)))

    def refused(
        self, line: str, why: Iterable[str], kept: Iterable[str], when: datetime
    ) -> Fragments:
        """An own line that was refused, for some of its recipients or for all.

        @param why: the reasons, each as the rest of a sentence.
        """
        reasons = "; ".join(why)
        entry = self._entry(when, *own(line), ("class:refused", f" {REFUSED} {harmless(reasons)}"))
        return _closed(entry, ("class:kept", _kept(kept)))

    def note(self, text: str, when: datetime) -> Fragments:
        """Something that nobody has said."""
        return self._entry(when, ("class:note", f"· {harmless(text)}"))

    def _entry(self, when: datetime, *fragments: tuple[str, str]) -> Fragments:
        entry: Fragments = []
        if when.date() != self._day:
            self._day = when.date()
            entry.append(("class:day", f"── {when:%A}, {when.day} {when:%B %Y} ──\n"))
        return [*entry, ("class:time", f"{when:%H:%M} "), *fragments, ("", "\n")]


def own(line: str) -> Fragments:
    """A line of the user's own: an arrow, its recipients in their colours, and its text."""
    head, colon, text = line.partition(":")
    fragments: Fragments = [("class:note", "→ ")]
    if not colon:
        return [*fragments, ("", harmless(line))]
    for number, name in enumerate(head.split(",")):
        comma = [("", ", ")] if number else []
        fragments += [*comma, (of_name(name.strip()), harmless(name.strip()))]
    return [*fragments, ("", f":{harmless(text)}")]


def words(refusals: Iterable[Refusal]) -> list[str]:
    """The reasons for a refusal, the server's own words of a line among them."""
    return [one.detail if one.word == "bad-line" and one.detail else one.why for one in refusals]


def _kept(names: Iterable[str]) -> str:
    listed = ", ".join(map(harmless, names))
    return f" kept for {listed}" if listed else ""


def _closed(entry: Fragments, *more: tuple[str, str]) -> Fragments:
    """The entry with more before its line end."""
    return [*entry[:-1], *(each for each in more if each[1]), entry[-1]]
