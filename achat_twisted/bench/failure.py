"""The failure of a server under load."""

from __future__ import annotations


class Failed(Exception):
    """A server cannot be measured, for the reason given: one sentence for the person who asked."""


def show(heard: bytes) -> str:
    """The first line of what a server has said, cut to what fits into a sentence."""
    line = heard.partition(b"\n")[0].rstrip(b"\r").decode(errors="backslashreplace")
    return repr(line if len(line) <= 60 else f"{line[:60]}…")
