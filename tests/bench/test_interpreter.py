"""C{achat bench}: which Python a server runs on, and how that was built."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.bench.interpreter import Interpreter, ask, of_process, optimizations

BOTH = {"PGO_PROF_GEN_FLAG": "-fprofile-generate", "PGO_PROF_USE_FLAG": "-fprofile-use"}
"""The words that each C{configure} writes down, made use of or not."""

RECORDS: list[tuple[dict[str, str], tuple[bool | None, bool | None]]] = [
    ({"CONFIG_ARGS": "'--prefix=/usr' 'CFLAGS=-g -O2'"}, (False, False)),
    ({"CONFIG_ARGS": "'--enable-optimizations' '--with-lto'"}, (True, True)),
    ({"CONFIG_ARGS": "'--enable-optimizations' '--with-lto=thin'"}, (True, True)),
    ({"CONFIG_ARGS": "'--with-lto=no' '--without-lto'"}, (False, False)),
    ({"CONFIG_ARGS": "'-q'", "PY_CFLAGS_NODIST": "-fprofile-use -flto=4"}, (True, True)),
    ({"CONFIG_ARGS": ""}, (None, None)),
    ({"CONFIG_ARGS": "'--prefix=/usr'", "PGO_PROF_USE_FLAG": ""}, (None, None)),
    ({"CONFIG_ARGS": "'--with-lto'", "PGO_PROF_USE_FLAG": ""}, (None, True)),
]
"""The values that C{sysconfig} may have, with PGO and LTO or not; the last but one is Debian's."""


class InterpreterTests(SynchronousTestCase):
    """L{Interpreter}."""

    def test_optimizations(self) -> None:
        """All that is recorded is told; what a distribution took out is unknown, not absent."""
        blank = {"PY_CFLAGS": "", "PY_CFLAGS_NODIST": "", **BOTH}
        for record, expected in RECORDS:
            self.assertEqual(optimizations({**blank, **record}), expected, record)

    def test_words(self) -> None:
        """It is named in words."""
        self.assertEqual(
            str(Interpreter("CPython", "3.99.1", "GCC 99", pgo=None, lto=False, debug=True)),
            "CPython 3.99.1, GCC 99, PGO not recorded, no LTO, debug",
        )

    def test_own(self) -> None:
        """This Python answers, by its name and as a process."""
        found = ask(sys.executable)
        assert found is not None
        self.assertEqual(found.version, platform.python_version())
        self.assertEqual(found.compiler, platform.python_compiler())
        self.assertEqual(of_process(os.getpid()), found)

    def test_others(self) -> None:
        """A program that is no Python is not asked, whatever its name."""
        folder = Path(self.enterContext(TemporaryDirectory()))
        told = folder / "told"
        for name in "server", "python3":
            script = folder / name
            script.write_text(f"#!/bin/sh\necho asked >> {told}\n")
            script.chmod(0o755)
            self.assertIsNone(ask(str(script)))
        self.assertEqual(told.read_text(), "asked\n")
        self.assertIsNone(ask(str(folder / "python3.99")))
        self.assertIsNone(ask(shutil.which("false") or ""))
        self.assertIsNone(of_process(4194305))
