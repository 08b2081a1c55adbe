"""Copies of the tree with changes in them, to be run instead of the tree itself."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

TREE = Path(__file__).parents[1]
"""The tree that everything is copied from."""

_NOT_COPIED = shutil.ignore_patterns(
    ".git",
    *(line.strip("/") for line in (TREE / ".gitignore").read_text().splitlines()),
)
"""The rest is the tree: tests read documents, units and settings as well as code."""


class Misfit(Exception):
    """An edit that does not fit its file any more."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A text in one file, and its replacement."""

    file: str
    text: str
    replacement: str

    def changed(self, tree: Path) -> str:
        """The file's new contents.

        @raise Misfit: if the text does not stand in it exactly once.
        """
        source = (tree / self.file).read_text()
        if (times := source.count(self.text)) != 1:
            raise Misfit(f"stands {times} times in {self.file}, not once:\n{self.text}")
        return source.replace(self.text, self.replacement)


@contextmanager
def copy(*edits: Edit) -> Iterator[Path]:
    """A copy of the tree with these edits, which is gone at the end.

    @raise Misfit: if one of them does not fit.
    """
    with TemporaryDirectory(prefix="achat-") as folder:
        tree = Path(folder)
        shutil.copytree(TREE, tree, ignore=_NOT_COPIED, dirs_exist_ok=True)
        for edit in edits:
            (tree / edit.file).write_text(edit.changed(tree))
        yield tree


def environment(tree: Path) -> dict[str, str]:
    """In which a process, and those that it starts, import from C{tree}."""
    return {**os.environ, "PYTHONPATH": str(tree)}
