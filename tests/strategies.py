"""Hypothesis strategies: names, texts and ways to cut a stream."""

from __future__ import annotations

import unicodedata

from hypothesis import strategies as st

from achat_twisted import wire

_LETTERS = st.characters(exclude_categories=["C", "Z"], include_characters=" ")


def _is_name(text: str) -> bool:
    try:
        return wire.parse_login(text).name == text
    except wire.WireError:
        return False


def names() -> st.SearchStrategy[str]:
    """Names that a client may have."""
    return (
        st.text(_LETTERS, min_size=1, max_size=12)
        .map(lambda text: unicodedata.normalize("NFC", text))
        .filter(_is_name)
    )


def texts() -> st.SearchStrategy[str]:
    """Texts as they come out of a line: trimmed, and without control characters."""
    return st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"])).map(str.strip)


def cuts(stream: bytes) -> st.SearchStrategy[list[bytes]]:
    """Ways to cut a stream into chunks."""
    return st.lists(st.integers(0, len(stream))).map(
        lambda at: [
            stream[start:end]
            for start, end in zip([0, *sorted(at)], [*sorted(at), len(stream)], strict=True)
        ]
    )
