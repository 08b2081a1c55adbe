"""Characters that cannot be seen, against Unicode's own table."""

from __future__ import annotations

import sys
import unicodedata

import regex
from hypothesis import given, strategies as st
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted import wire
from achat_twisted.wire import names

BLANK = {"\u2800", "\U0001d159", "\U00013441", "\U00013442"}

_IGNORABLE = regex.compile(r"\p{Default_Ignorable_Code_Point}")


def table() -> str:
    """Unicode's property as the ranges of a regular expression, from the newest Unicode here."""
    ranges: list[list[int]] = []
    for number in range(sys.maxunicode + 1):
        if not _IGNORABLE.match(chr(number)):
            continue
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return "".join("-".join(map(_escape, dict.fromkeys(ends))) for ends in ranges)


def _escape(number: int) -> str:
    return f"\\u{number:04X}" if number < 0x10000 else f"\\U{number:08X}"


class InvisibleTests(SynchronousTestCase):
    """L{names.first_invisible}."""

    def test_all_that_unicode_ignores(self) -> None:
        """Characters that Unicode lets programs leave undrawn are invisible, blanks too, no others.

        If this fails a newer Unicode has others, and what L{table} prints is the new table.
        """
        wrong = [
            hex(number)
            for number in range(sys.maxunicode + 1)
            if (names.first_invisible(char := chr(number)) is not None)
            != (bool(_IGNORABLE.match(char)) or char in BLANK)
        ]
        self.assertEqual(wrong, [], f"the table is now {table()}")

    def test_blanks_are_what_they_are_called(self) -> None:
        """The few that are listed by hand are blank by their names."""
        for char in BLANK:
            name = unicodedata.name(char, "BLANK, if this Python knew it")
            self.assertTrue("BLANK" in name or "NULL" in name, name)

    @given(st.text(st.characters(categories=["L", "N", "S"], exclude_characters="#"), min_size=1))
    def test_what_is_seen_stays_a_name(self, text: str) -> None:
        """Letters, digits and symbols of any script are a name, unless one cannot be seen."""
        name = unicodedata.normalize("NFC", text[:16])
        if names.first_invisible(name) is None and unicodedata.category(name[0])[0] != "M":
            wire.check_name(name)

    def test_first(self) -> None:
        """The first of them is told, wherever it stands."""
        self.assertEqual(names.first_invisible("a\ufe0fb\u3164"), "\ufe0f")
        self.assertIsNone(names.first_invisible("añ李ह"))
