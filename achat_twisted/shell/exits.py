"""Exit codes of the commands for users: those of C{sysexits.h} where it has one.

For a wrong command line or configuration there is click's own, 2.
"""

from __future__ import annotations

from achat_twisted.client.errors import SessionOver, Unreachable
from achat_twisted.tools.prompt import INTERRUPTED as INTERRUPTED

REFUSED = 1
"""Something was refused, or could not be shown."""

UNREACHED = 75
"""The server was not reached in time, or has not answered for all lines: C{EX_TEMPFAIL}."""

NOT_LET_IN = 77
"""The server does not let us in, or has ended the session for good: C{EX_NOPERM}."""

NONE_CAME = 124
"""Nothing came in time; as C{timeout} has it for a command that takes too long."""

TERMINATED = 143
"""SIGTERM, as shells give it; C{INTERRUPTED} is that of SIGINT."""


def code(error: SessionOver) -> int:
    """The exit code of a chat that has ended for this reason."""
    return UNREACHED if isinstance(error, Unreachable) else NOT_LET_IN
