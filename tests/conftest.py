"""For pytest, and for C{python -m tests}: the number of tests that run at a time."""

from __future__ import annotations

import os

AT_ONCE = (os.cpu_count() or 1) + 1
"""One more than there are cores, as those that open sockets wait for half of their time."""


def pytest_xdist_auto_num_workers() -> int:
    """The meaning of C{--numprocesses=auto}."""
    return AT_ONCE
