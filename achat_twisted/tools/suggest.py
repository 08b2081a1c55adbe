"""Guesses at what was meant by a word that is not known."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches


def suggest(word: str, known: Sequence[str]) -> str:
    """The end of a sentence about a word that is not known: what may have been meant."""
    matches = get_close_matches(word, known, n=1)
    return f"; did you mean {str(matches[0])!r}?" if matches else ""
