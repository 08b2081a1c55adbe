"""Documents are right about options, links and files."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.server.options import Options

ROOT = Path(__file__).parents[1]

DOCUMENTS = (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("benchmarks/*.md"))

_FENCED = re.compile(r"^( *)```.*?^\1```$", re.MULTILINE | re.DOTALL)

_QUOTED = re.compile("`[^`\n]*`")

_SAYS_MORE = {
    "",
    "see below",
    "reject; with `--auth` takeover",
    "`open` on loopback without `--auth`, else `operator`",
}
"""The words in place of a default that varies, or that does not exist."""


_NO_BEGINNING = re.compile(r"(Who|Whom|Whose|Whoever|What|Whatever|How|Whether|So|Which|Where)\b")


def docstrings(module: Path) -> Iterator[tuple[int, str]]:
    """The docstrings in a module, those of attributes included, with their line numbers."""
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            text = node.value.value
            if isinstance(text, str):
                yield node.lineno, text


def prose(document: Path) -> str:
    """A document without what is quoted in it."""
    return _QUOTED.sub("", _FENCED.sub("", document.read_text()))


def anchors(document: Path) -> set[str]:
    """The anchors in a document, as its readers' programs name headings."""
    headings = re.findall(r"^#+ (.*)$", _FENCED.sub("", document.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


class OptionTests(SynchronousTestCase):
    """The table of options in C{docs/operations.md}."""

    def setUp(self) -> None:
        text = (ROOT / "docs" / "operations.md").read_text()
        section = text.partition("\n## Options\n")[2].partition("\n## ")[0]
        rows = re.findall(r"^\| (`--.*?`) \|(.*?)\|", section, re.MULTILINE)
        self.table = [
            (re.findall(r"`(--?[\w-]+)`", names), default.strip()) for names, default in rows
        ]

    def test_names(self) -> None:
        """It has every option once, with its letter, and no other."""
        options = Options()
        silent = {"help", "version", "help-auth", "help-auth-type"}
        names = {f"--{name.rstrip('=')}" for name in options.longOpt} - {f"--{n}" for n in silent}
        letters = {f"-{letter}" for letter in options.shortOpt.replace(":", "")} - {"-h"}
        found = [name for names, _ in self.table for name in names]
        self.assertEqual(sorted(found), sorted(names | letters))

    def test_defaults(self) -> None:
        """Its defaults are the ones that hold."""
        settings = Options(environ={}).settings()
        for names, default in self.table:
            setting = settings.get(names[0].removeprefix("--"))
            if setting is not None and isinstance(setting.value, int | str) and setting.value:
                self.assertEqual(default, str(setting.value))
            else:
                self.assertIn(default, _SAYS_MORE)


class LinkTests(SynchronousTestCase):
    """Links from a document to another, or to a file."""

    def test_lead_somewhere(self) -> None:
        """Each of them leads to a file, and to a heading that is there."""
        for document in DOCUMENTS:
            for link in re.findall(r"\]\(([^)\s]+)\)", prose(document)):
                if "://" in link:
                    continue
                path, _, anchor = link.partition("#")
                target = document.parent / path if path else document
                self.assertTrue(target.exists(), f"{document.name}: {link}")
                if anchor:
                    self.assertIn(anchor, anchors(target), f"{document.name}: {link}")

    def test_files(self) -> None:
        """Modules, tests and folders that are named are there."""
        for document in DOCUMENTS:
            for name in re.findall(
                r"`((?:achat_twisted|tests|deploy|docs|examples)/[\w./-]+)`", document.read_text()
            ):
                self.assertTrue((ROOT / name).exists(), f"{document.name}: {name}")

    def test_headings(self) -> None:
        """No document has a heading twice, so that a link to it is unequivocal."""
        for document in DOCUMENTS:
            text = _FENCED.sub("", document.read_text())
            headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
            self.assertEqual(len(headings), len(set(headings)), document.name)


class DocstringTests(SynchronousTestCase):
    """Docstrings, which begin as an English sentence or phrase may."""

    def test_beginnings(self) -> None:
        """None begins with a bare who, what, how, whether, so, which or where."""
        found = [
            f"{module.relative_to(ROOT)}:{line}: {text.strip().splitlines()[0]}"
            for folder in ("achat_twisted", "benchmarks", "docs", "examples", "tests")
            for module in sorted((ROOT / folder).rglob("*.py"))
            for line, text in docstrings(module)
            if _NO_BEGINNING.match(text.strip())
        ]
        self.assertEqual(found, [])


class FragmentTests(SynchronousTestCase):
    """The parts of the changelog to come."""

    def test_beginnings(self) -> None:
        """None of them is a list, as each becomes an item of one."""
        fragments = (ROOT / "changelog.d").glob("*.md")
        lists = [path.name for path in fragments if path.read_text().startswith(("- ", "* "))]
        self.assertEqual(lists, [])
