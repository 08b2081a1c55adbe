"""A chart of summaries: a panel for each workload's first two measures, a bar for each server.

Strategy: each panel has a scale of its own, from zero, as their units differ. It is one SVG file
without a script, a font or anything else from elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from xml.etree import ElementTree

from achat_twisted.bench.summary import Summary, by_workload
from achat_twisted.bench.workload import Measure

_STYLE = """
text { font: 12px sans-serif; fill: #757d87 }
.title { font-size: 14px; font-weight: bold }
.measure { font-style: italic }
rect { fill: #8f98a3 }
.first { fill: #2f81f7 }
"""
"""Colours that stand out from white and from black alike.

A style for dark mode would not do: a page that shows this as a picture may be dark on its own.
"""

_LETTER, _BARS, _VALUES = 7, 200, 90
"""The widths of a name's letter, at most, of the longest bar, and of a figure; in pixels."""

_LINE = 20
_PANELS = 2


def chart(summaries: Iterable[Summary]) -> str:
    """The SVG document; the first server's bars stand out."""
    groups = list(by_workload(summaries))
    names = _LETTER * (2 + max(len(summary.server) for group in groups for summary in group))
    svg = ElementTree.Element("svg", xmlns="http://www.w3.org/2000/svg")
    ElementTree.SubElement(svg, "style").text = _STYLE
    panel, top = names + _BARS + _VALUES, _LINE
    for group in groups:
        load = group[0].load
        _text(svg, 0, top, f"{group[0].workload.name}: {load.peers:,} connections", "title")
        for number, measure in enumerate(group[0].workload.measures[:_PANELS]):
            _panel(svg, number * panel, top + _LINE, names, measure, group)
        top += (len(group) + 3) * _LINE
    svg.set("viewBox", f"-10 0 {_PANELS * panel + 20} {top}")
    ElementTree.indent(svg)
    return ElementTree.tostring(svg, encoding="unicode") + "\n"


def _panel(
    svg: ElementTree.Element,
    left: int,
    top: int,
    names: int,
    measure: Measure,
    group: Sequence[Summary],
) -> None:
    """@param names: the width of the names."""
    _text(svg, left, top, f"{measure.heading} ({measure.better} is better)", "measure")
    values = [summary.figures.get(measure.key) for summary in group]
    most = max((value for value in values if value is not None), default=0.0)
    for number, (summary, value) in enumerate(zip(group, values, strict=True)):
        line = top + (number + 1) * _LINE
        width = _BARS * (value or 0.0) / (most or 1.0)
        _text(svg, left, line, summary.server)
        bar = {"x": left + names, "y": line - 11, "width": round(width, 1), "height": 14}
        rect = ElementTree.SubElement(svg, "rect", {key: str(bar[key]) for key in bar})
        rect.set("class", "other" if number else "first")
        _text(svg, left + names + round(width) + 6, line, measure.show(value))


def _text(svg: ElementTree.Element, x: int, y: int, text: str, kind: str = "") -> None:
    element = ElementTree.SubElement(svg, "text", x=str(x), y=str(y))
    element.text = text
    if kind:
        element.set("class", kind)
