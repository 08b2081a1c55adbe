"""The import of the library, which every script pays for."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from achat_twisted import client

_COUNT = """
import sys, types
before = set(sys.modules)
{statement}
print(*sorted(set(sys.modules) - before))
"""


def imports(statement: str) -> set[str]:
    """The names of the modules that a statement imports, in a Python that has just begun."""
    command = [sys.executable, "-c", _COUNT.format(statement=statement)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True)
    return {*printed.stdout.split()}


class ImportTests(SynchronousTestCase):
    """The modules that come with the library."""

    def test_light(self) -> None:
        """To import it takes at most half of the modules that asyncio takes."""
        self.assertLess(
            len(imports("import achat_twisted.client")), len(imports("import asyncio")) / 2
        )

    def test_no_twisted(self) -> None:
        """Neither it nor any module of its own, but one, imports what is not in Python itself."""
        everything = ";".join(
            f"import achat_twisted.client.{name}"
            for name in ("streams", "blocking", "state_file", "tls")
        )
        ours = {name.partition(".")[0] for name in imports(everything)}
        self.assertEqual(ours - {"achat_twisted", *sys.stdlib_module_names}, set())

    def test_what_is_used(self) -> None:
        """SQLite and TLS are imported when they are used."""
        known = imports("import asyncio")
        used = imports("from achat_twisted.client import connect") - known
        self.assertEqual({name for name in used if "sqlite" in name}, set())
        light = imports("from achat_twisted.client import parse_address, Refused, Welcome")
        self.assertEqual({"asyncio", "sqlite3", "ssl"} & light, set())

    def test_names(self) -> None:
        """Each public name is there, and has a docstring; no other name is."""
        for name in client.__all__:
            public: Any = getattr(client, name)
            self.assertTrue(public.__doc__ or name == "Event", name)
        self.assertEqual([*client.__all__], dir(client))
        self.assertRaises(AttributeError, getattr, client, "Nonsense")
