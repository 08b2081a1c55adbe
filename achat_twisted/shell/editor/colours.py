"""Colours: each name has one, the same in every chat, and each kind of word has a style.

They are the terminal's own sixteen, which its user has made fit to read; with C{NO_COLOR} in the
environment there are none (no-color.org), and only bold and faint are left.
"""

from __future__ import annotations

from collections.abc import Mapping
from zlib import crc32

Fragments = list[tuple[str, str]]
"""Texts, each behind its style, as prompt_toolkit takes them."""

_OF_NAMES = (
    *("ansired", "ansigreen", "ansiyellow", "ansimagenta", "ansicyan", "ansibrightred"),
    *("ansibrightgreen", "ansibrightblue", "ansibrightmagenta", "ansibrightcyan"),
)

STYLES = {
    "day": "dim",
    "time": "dim",
    "note": "dim",
    "waits": "dim",
    "taken": "ansigreen",
    "kept": "ansiyellow",
    "refused": "ansired bold",
    "prompt": "bold",
    "status": "reverse",
    "status.away": "reverse bold",
    "status.chosen": "bold underline",
}
"""The styles of all that is no name, by their classes."""


def of_name(name: str) -> str:
    """The style of a name."""
    return f"bold {_OF_NAMES[crc32(name.encode(errors='replace')) % len(_OF_NAMES)]}"


def are_wanted(environ: Mapping[str, str]) -> bool:
    """True unless the user wants no colours."""
    return not environ.get("NO_COLOR")
