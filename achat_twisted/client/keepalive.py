"""Keepalive: a silent server is asked if it is there, and given up if it does not answer."""

from __future__ import annotations

from collections import deque

PING_AFTER = 45.0
"""The seconds of silence after which the server is asked."""

DEAF_AFTER = 45.0
"""The seconds after that question within which something must come."""

_OURS, _USERS = True, False
"""The kinds of pings, as their answers are all alike."""


class Keepalive:
    """The silence of one connection, and the questions that end it.

    @ivar rate: the lines a second at which the server reads, if it has said so; else 0.
    """

    def __init__(self, now: float) -> None:
        self.rate = 0
        self._heard = now
        self._asked: float | None = None
        self._pings: deque[bool] = deque()

    def heard(self, now: float) -> None:
        """Note that something has come."""
        self._heard, self._asked = now, None

    def deadline(self, ahead: int) -> float:
        """The moment at which to ask, or to give up.

        @param ahead: the lines that the server has to work through before it sees the question.
        """
        if self._asked is None:
            return self._heard + PING_AFTER
        return self._asked + DEAF_AFTER + (ahead / self.rate if self.rate else 0.0)

    def ask(self, now: float) -> bool:
        """Note that a question is asked; false if there is one already."""
        if self._asked is not None:
            return False
        self._asked = now
        self._pings.append(_OURS)
        return True

    def pinged(self) -> None:
        """Note that the program has asked."""
        self._pings.append(_USERS)

    def answered(self) -> bool:
        """Note an answer; true if the question was not the program's."""
        return bool(self._pings) and self._pings.popleft() is _OURS
