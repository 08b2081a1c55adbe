"""A session as a picture: a terminal for each who chats, time going down, the server across.

Strategy: one SVG file without a script, a font or anything else from elsewhere. It brings its own
dark ground, as terminals do, and so looks the same on a light page and on a dark one.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Literal
from xml.etree import ElementTree

Kind = Literal["command", "typed", "message", "notice"]

SERVER = "server"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a session.

    @ivar where: whose terminal it stands in, or L{SERVER}.
    """

    where: str
    kind: Kind
    text: str


_STYLE = """
text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
       fill: #c9d1d9 }
.ground { fill: #0d1117; stroke: #3d444d }
.terminal { fill: #161b22 }
.name { fill: #f0f6fc; font-weight: bold }
.mark { fill: #58a6ff }
.typed, .command { fill: #f0f6fc }
.message { fill: #7ee787 }
.notice { fill: #9198a1 }
.strip { fill: #2b2411 }
.edge { stroke: #9e7a1e }
.away { fill: #e3b341; fill-opacity: 0.07 }
.server .name { fill: #e3b341 }
.server .notice { fill: #d9c691 }
"""

_MARKS: dict[Kind, str] = {"command": "$", "typed": "▸"}
"""The mark before a line that somebody has typed."""

_WIDTH, _MARGIN, _GAP = 880, 10, 10
"""Of the picture, its edge, and between the terminals, in pixels."""

_INSIDE = 14
"""From a terminal's edge to its text."""

_LETTER = 8
"""The width of a letter, for the widest of the fonts."""

_LINE = 21
"""From one line to the next."""

_AIR = 12
"""Above and below a strip and all lines."""

_STRIP_TEXT = 100
"""The place at which a server's lines begin, behind its name."""


def draw(title: str, session: Iterable[Line]) -> str:
    """The SVG document.

    @param title: for those who hear the picture instead of seeing it.
    """
    lines = list(session)
    people = list(dict.fromkeys(line.where for line in lines if line.where != SERVER))
    width = (_WIDTH - 2 * _MARGIN - (len(people) - 1) * _GAP) // len(people)
    left = {name: _MARGIN + at * (width + _GAP) for at, name in enumerate(people)}
    back = ElementTree.Element("g")
    front = ElementTree.Element("g")
    top = _MARGIN + _AIR
    for name in people:
        _text(front, left[name] + _INSIDE, top + _LINE - 6, name, "name")
    top += _LINE + _AIR // 2
    stopped = 0
    for where, some in groupby(lines, lambda line: line.where):
        if where == SERVER:
            said = list(some)
            top += _AIR
            if stopped:
                _rect(back, 1, stopped, _WIDTH - 2, top - stopped, "away")
            top = _strip(front, top, said)
            stopped = 0 if said[0].kind == "command" else top
            top += _AIR
        else:
            for line in some:
                top = _line(front, left[where] + _INSIDE, top, width - 2 * _INSIDE, line)
    top += _AIR
    svg = ElementTree.Element(
        "svg",
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {_WIDTH} {top + _MARGIN}",
        role="img",
    )
    ElementTree.SubElement(svg, "title").text = title
    ElementTree.SubElement(svg, "style").text = _STYLE
    _rect(svg, 0.5, 0.5, _WIDTH - 1, top + _MARGIN - 1, "ground", 8)
    for name in people:
        _rect(svg, left[name], _MARGIN, width, top - _MARGIN, "terminal", 6)
    svg.extend([back, front])
    ElementTree.indent(svg)
    return ElementTree.tostring(svg, encoding="unicode") + "\n"


def _line(parent: ElementTree.Element, left: int, top: int, width: int, line: Line) -> int:
    """A line of a terminal, on as many rows as it takes; where the next one begins."""
    mark = _MARKS.get(line.kind, "")
    if mark:
        _text(parent, left, top + _LINE - 6, mark, "mark")
    indent = 2 * _LETTER if mark else 0
    for row in textwrap.wrap(line.text, (width - indent) // _LETTER):
        _text(parent, left + indent, top + _LINE - 6, row, line.kind)
        top += _LINE
    return top


def _strip(parent: ElementTree.Element, top: int, lines: Iterable[Line]) -> int:
    """All that the server says at a time, from edge to edge; where it ends."""
    strip = ElementTree.SubElement(parent, "g", {"class": "server"})
    ground = _rect(strip, 1, top, _WIDTH - 2, 0, "strip")
    below = top + _AIR // 2
    _text(strip, _MARGIN + _INSIDE, below + _LINE - 6, SERVER, "name")
    for line in lines:
        below = _line(strip, _STRIP_TEXT, below, _WIDTH - _STRIP_TEXT - _MARGIN, line)
    below += _AIR // 2
    ground.set("height", str(below - top))
    for edge in top, below:
        place = {"x1": "1", "x2": str(_WIDTH - 1), "y1": f"{edge}", "y2": f"{edge}"}
        ElementTree.SubElement(strip, "line", {**place, "class": "edge"})
    return below


def _rect(
    parent: ElementTree.Element,
    x: float,
    y: float,
    width: float,
    height: float,
    kind: str,
    radius: int = 0,
) -> ElementTree.Element:
    place = {"x": x, "y": y, "width": width, "height": height, **({"rx": radius} if radius else {})}
    words = {key: str(value) for key, value in place.items()}
    return ElementTree.SubElement(parent, "rect", {**words, "class": kind})


def _text(parent: ElementTree.Element, x: int, y: int, text: str, kind: str) -> None:
    element = ElementTree.SubElement(parent, "text", {"x": str(x), "y": str(y), "class": kind})
    element.text = text
