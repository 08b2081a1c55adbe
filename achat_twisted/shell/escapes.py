"""Escapes: control characters are shown as text, wherever they come from."""

from __future__ import annotations

from collections.abc import Mapping

_ESCAPES = {
    code: f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
    for code in [*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029]
    if code != ord("\t")
}
"""The escapes for control characters; the tab may stay, as on the wire."""

_ESCAPES |= {code: f"\\x{code - 0xDC00:02x}" for code in range(0xDC80, 0xDD00)}
"""Those for bytes that are not UTF-8, which Python keeps as halves of pairs (PEP 383)."""

_JSON_ESCAPES = {code: f"\\u{code:04x}" for code in _ESCAPES}
"""The same as JSON has them (RFC 8259, 7), which itself asks for those below the space alone."""


def harmless(text: str) -> str:
    """The text with nothing in it that a terminal would obey."""
    return text.translate(_ESCAPES)


def to_json(described: Mapping[str, object]) -> str:
    """An object of JSON in one line, with nothing in it that a terminal would obey."""
    import json  # which takes its time, and is for those who ask for it

    return json.dumps(described, ensure_ascii=False).translate(_JSON_ESCAPES)
