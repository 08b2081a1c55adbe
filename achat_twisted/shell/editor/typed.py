"""Texts that were typed, or pasted, made into lines."""

from __future__ import annotations


def split(text: str) -> list[str]:
    """The lines that a text stands for, which may have come by a paste.

    Line ends and blank lines around it do not count. If the first of several lines says whom it is
    for, all are for them: what is pasted behind C{bob: } goes to bob, whatever it looks like.

    >>> split("bob: one\\nerror: two")
    ['bob: one', 'bob: error: two']
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").strip("\n").split("\n")
    first, *others = lines
    head, colon, _ = first.partition(":")
    if first.startswith("/") or not colon:
        return [line for line in lines if line.strip()]
    head = f"{head}:"
    return [first, *(line if line.startswith(head) else f"{head} {line}" for line in others)]
