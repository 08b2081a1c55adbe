"""A tenth of the mutations for each commit, so that ten commits or so try them all."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from tests import scratch
from tests.mutations.mutation import Mutation

_PARTS = 10


def tenth(mutations: Sequence[Mutation]) -> list[Mutation]:
    """Every tenth of these, from one on that the commit chooses."""
    return list(mutations[int(_commit(), 16) % _PARTS :: _PARTS])


def _commit() -> str:
    """The name of the commit in the tree; C{0} where git does not know one."""
    try:
        asked = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=scratch.TREE, capture_output=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "0"
    return asked.stdout.decode()
