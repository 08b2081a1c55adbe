"""A mutation, and what tests say to it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

from tests import scratch

LIMIT = 20.0
"""Seconds that the tests of a mutation may take; what takes longer hangs."""

_FAILED = re.compile(r"^ {4,}(test_\w+) \.\.\. +\[(?:FAIL|ERROR)\]$", re.MULTILINE)
"""A test that failed, as trial prints it; a module that cannot be imported stands further left."""


class Unfit(Exception):
    """Tests that could not be run; with what they printed."""


@dataclass(frozen=True, slots=True)
class Mutation:
    """A change that breaks a promise.

    @ivar name: what it does wrong.
    @ivar tests: modules, cases or methods that should notice it, with blanks between.
    """

    name: str
    file: str
    text: str
    replacement: str
    tests: str

    @property
    def edit(self) -> scratch.Edit:
        return scratch.Edit(self.file, self.text, self.replacement)


def try_out(mutation: Mutation) -> list[str]:
    """Make a mutation, and run its tests.

    @return: what noticed it.
    """
    with scratch.copy(mutation.edit) as tree:
        return run(tree, mutation.tests.split(), LIMIT)


def run(tree: Path, tests: Sequence[str], limit: float) -> list[str]:
    """Run tests as they stand in C{tree}.

    @return: the names of those that failed, and whether they hang.
    @raise Unfit: if that cannot be said.
    """
    with TemporaryFile("w+") as output:
        trial = subprocess.Popen(
            [sys.executable, "-m", "twisted.trial", *tests],
            cwd=tree,
            env=scratch.environment(tree),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        hangs: list[str] = []
        try:
            trial.wait(limit)
        except subprocess.TimeoutExpired:
            hangs = ["it hangs"]
        finally:
            if trial.poll() is None:
                os.killpg(trial.pid, signal.SIGKILL)  # with the servers that the tests started
                trial.wait()
        output.seek(0)
        printed = output.read()
    noticed = [*dict.fromkeys(_FAILED.findall(printed)), *hangs]
    if trial.returncode and not noticed:
        raise Unfit(printed)
    return noticed
