"""Errors that tell an operator what is wrong."""

from __future__ import annotations


class CannotStart(SystemExit, Exception):
    """The reason, in one sentence, why the server cannot start; it ends the process.

    As it is also an ordinary exception, twistd tidies up first, and tells the terminal if it runs
    as a daemon.
    """


class Unavailable(Exception):
    """Something that cannot be done just now, and is nobody's bug; its text is for the log."""


class NoThread(Unavailable):
    """The system allows no more threads: the work was not begun, and may be given again."""

    def __init__(self) -> None:
        super().__init__("no thread can be started, as the system allows no more just now")


class Unusable(Exception):
    """A checker or a file that cannot be used, for the reason given."""
