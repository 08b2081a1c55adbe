"""Errors that say to an operator what is wrong."""

from __future__ import annotations


class CannotStart(SystemExit, Exception):
    """Why the server cannot start, in one sentence, with which the process ends.

    As it is also an ordinary exception, twistd tidies up before that; and if it runs as a daemon,
    it tells the terminal.
    """


class Unavailable(Exception):
    """Something cannot be done just now, which is nobody's bug; its text is for the log."""


class NoThread(Unavailable):
    """The system lets no thread be started: the work was not begun, and may be given again."""

    def __init__(self) -> None:
        super().__init__("no thread can be started, as the system allows no more just now")


class Unusable(Exception):
    """A checker cannot do its work, for the reason given."""
