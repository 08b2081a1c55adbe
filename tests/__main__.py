"""C{python -m tests}: all tests under trial, in several processes at a time.

Strategy: each process is a trial of its own, with a module or a room. The workers of C{trial
--jobs} would have the checkout in C{PYTHONPATH}, and so would the servers that tests start, which
are to be the installed ones; they know nothing of C{-W error}; and they keep what is logged.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from tests.conftest import AT_ONCE
from tests.scratch import TREE

_TRIAL = (sys.executable, "-W", "error", "-m", "twisted.trial")

_PASSED = re.compile(r"^PASSED \(.+\)$", re.MULTILINE)
"""The last line of a trial in which some tests were run, and none failed."""

_LONG = ("functional", "proof", "soak", "units")
"""The rooms whose tests open sockets."""


def parts() -> list[str]:
    """All tests: first each module of those that open sockets, as they take longest, and then the
    others, a room at a time.
    """
    modules = {path.relative_to(TREE) for path in TREE.glob("tests/**/test_*.py")}
    long = {path for path in modules if path.parts[1] in _LONG}
    rooms = {Path(*path.parts[:2]) for path in modules - long}
    paths = [*sorted(long), *sorted(rooms)]
    return [".".join(path.with_suffix("").parts) for path in paths]


def passes(part: str) -> bool:
    """Run a part; say how long that took, and all that it prints if it fails."""
    began = monotonic()
    with TemporaryDirectory() as folder:
        place = f"--temp-directory={folder}/trial"
        trial = subprocess.run(
            [*_TRIAL, place, part],
            cwd=TREE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
    passed = None if trial.returncode else _PASSED.search(trial.stdout)
    said = passed[0] if passed else f"FAILED\n{trial.stdout}"
    print(f"{monotonic() - began:6.1f} s  {part}: {said}", flush=True)
    return bool(passed)


def main(arguments: Sequence[str]) -> int:
    """@param arguments: the parts to run, as trial would be told; all if there are none.
    @return: the exit code: 1 if a test failed.
    """
    with ThreadPoolExecutor(AT_ONCE) as pool:
        passed = [*pool.map(passes, arguments or parts())]
    failed = passed.count(False)
    print(f"{len(passed) - failed} parts passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
