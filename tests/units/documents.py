"""The commands and the files of C{docs/operations.md}, by section."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"

CONFIGURATION = "/etc/achat.toml"
"""The file that a block of TOML is a part of."""

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PATH = re.compile(r"`(/etc/systemd/[\w./-]+)`")


@dataclass(frozen=True)
class Step:
    """One thing that a section tells to do.

    @ivar path: the file that C{text} is to be written to; none if it is a command of root's.
    @ivar output: the command's answer, as the document shows it.
    """

    text: str
    path: str = ""
    output: str = ""


def steps(heading: str) -> list[Step]:
    """The steps of a section, in order; its subsections are others."""
    text = OPERATIONS.read_text()
    (section,) = re.findall(rf"^##+ {heading}\n(.*?)(?=^##)", text, re.MULTILINE | re.DOTALL)
    found: list[Step] = []
    end = 0
    for block in _BLOCK.finditer(section):
        before, end = section[end : block.start()], block.end()
        kind, content = block.groups()
        if kind == "ini":
            found.append(Step(content, path=_PATH.findall(before)[-1]))
        elif kind == "toml":
            found.append(Step(content, path=CONFIGURATION))
        elif content.startswith("# "):
            for command in re.split(r"^# ", content, flags=re.MULTILINE)[1:]:
                words, _, output = command.partition("\n")
                found.append(Step(words, output=output))
    return found


def drop_ins() -> list[tuple[str, str]]:
    """Every drop-in of every section: its path and its text."""
    text = OPERATIONS.read_text()
    return [
        (_PATH.findall(text[: block.start()])[-1], block[2])
        for block in _BLOCK.finditer(text)
        if block[1] == "ini"
    ]
