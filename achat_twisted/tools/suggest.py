"""Guesses at what an unknown word was meant to be."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches


def suggest(word: str, known: Sequence[str]) -> str:
    """The end of a sentence about an unknown word: what may have been meant, if anything."""
    matches = get_close_matches(word, known, n=1)
    return f"; did you mean {str(matches[0])!r}?" if matches else ""
