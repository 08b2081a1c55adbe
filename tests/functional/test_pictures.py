"""The pictures in the documents, made anew."""

from __future__ import annotations

import sys
from pathlib import Path
from xml.etree import ElementTree

from tests.functional.processes import FunctionalTestCase
from tests.scratch import TREE

PICTURES = TREE / "docs" / "pictures"


def words(picture: Path) -> list[str]:
    """All text of a picture, in order, but for its style."""
    elements = ElementTree.parse(picture).iter()
    return [element.text or "" for element in elements if element.tag.endswith("}text")]


class RestartTests(FunctionalTestCase):
    """The README's picture of a restart."""

    async def test_says_what_a_session_says(self) -> None:
        """A session of now is told in the words that the picture shows, and drawn the same way."""
        fresh = self.folder() / "restart.svg"
        make = ("-m", "docs.pictures.restart", "--out", str(fresh))
        process = self.run_process(sys.executable, *make, folder=TREE)
        self.assertEqual(await process.ended, 0, process.output.whole)
        shown = PICTURES / "restart.svg"
        self.assertEqual(words(fresh), words(shown))
        self.assertIn("from ci: build 17 is live", words(shown))
        self.assertEqual(fresh.read_text(), shown.read_text())

    def test_stands_alone(self) -> None:
        """Nothing in it is loaded from elsewhere, as no page that shows it would allow that."""
        svg = (PICTURES / "restart.svg").read_text()
        self.assertEqual(svg.count("http"), 1)  # the name of SVG itself
        self.assertNotIn("<script", svg)
        self.assertIn("(docs/pictures/restart.svg)", (TREE / "README.md").read_text())
