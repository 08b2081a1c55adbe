"""Man pages and completions, which are made from the commands."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.cli import COMMANDS
from achat_twisted.server.options import Options
from docs import shared


class SharedTests(SynchronousTestCase):
    """The files in C{share/}."""

    def test_up_to_date(self) -> None:
        """They say what the commands say; if not, C{python -m docs.shared} writes them anew."""
        there = {
            path.relative_to(shared.SHARE): path.read_text()
            for path in shared.SHARE.rglob("*")
            if path.is_file()
        }
        self.assertEqual(there, shared.files())

    def test_pages(self) -> None:
        """There is a page for each command, and one for the server with each of its options."""
        pages = {path.stem: text for path, text in shared.files().items() if path.suffix == ".1"}
        names = {f"achat-{word}" for word in COMMANDS}
        self.assertEqual({*pages}, {"achat", "twistd-achat", *names})
        for word in Options().longOpt:
            self.assertIn(f"--{word}", pages["twistd-achat"].replace("\\", ""))

    def test_roff(self) -> None:
        """No line of text is taken for a request, and nothing in it for an escape."""
        for page in shared.files().values():
            if page.startswith(".TH"):
                for line in page.splitlines():
                    self.assertNotRegex(line, r"^'|^\.(?!TH|SH|SS|TP|PP|B |nf|fi)")
                    self.assertNotRegex(line, r"\\(?![-e&])")
