"""Escapes: control characters are shown as text, wherever they come from."""

from __future__ import annotations

_ESCAPES = {
    code: f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
    for code in [*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029]
    if code != ord("\t")
}
"""The escapes for control characters; the tab may stay, as on the wire."""

_ESCAPES |= {code: f"\\x{code - 0xDC00:02x}" for code in range(0xDC80, 0xDD00)}
"""Those for bytes that are not UTF-8, which Python keeps as halves of pairs (PEP 383)."""


def harmless(text: str) -> str:
    """The text with nothing in it that a terminal would obey."""
    return text.translate(_ESCAPES)
