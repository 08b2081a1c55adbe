"""The import of a command, for which its user waits."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.client.test_import import imports


class ImportTests(SynchronousTestCase):
    """Modules that take their time."""

    def test_what_is_needed(self) -> None:
        """C{achat chat} imports no Twisted; an editor and a database come when they are used."""
        dear = {"twisted", "zope", "prompt_toolkit", "sqlite3"}
        found = {name.partition(".")[0] for name in imports("import achat_twisted.shell.chat")}
        self.assertEqual(found & dear, set())
        self.assertIn("click", found)
