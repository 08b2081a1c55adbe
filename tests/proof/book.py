"""A sender's book: the lines it has posted, and those it may have to post again."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from random import Random

_PADDING = 200
"""Bytes by which a line may be longer than it must be."""

_SEVERAL = 0.02
"""The chance that a line has several recipients."""

_SYNC = 0.01
"""The chance that a sync comes next."""


class Book:
    """Endless lines for several recipients, kept until the server says that they count.

    A line says for each of its recipients the number that it has in the stream to that one:
    C{bob, carol: bob=17 carol=4 xxxx}.

    @ivar posted: how many lines there are for each recipient; these are their next numbers.
    @ivar posted_again: how many lines were given out more than once.
    @ivar told: how many copies were kept, unknown or full, as the server said.
    @ivar closed: whether no new lines are made, as at first.
    """

    def __init__(self, recipients: Sequence[str], random: Random) -> None:
        self.posted = Counter(dict.fromkeys(recipients, 0))
        self.posted_again = 0
        self.told: Counter[str] = Counter()
        self.closed = True
        self._recipients = recipients
        self._random = random
        self._again: deque[str] = deque()
        self._unsettled: deque[str] = deque()
        self._settled = 0

    def next_line(self) -> str | None:
        """The next line to send: an old one, a new one or a C{/sync}; None if there is nothing."""
        if self._random.random() < _SYNC:
            return self.command("/sync")
        if self._again:
            self.posted_again += 1
            line = self._again.popleft()
        elif self.closed:
            return None
        else:
            line = self._new_line()
        self._unsettled.append(line)
        return line

    def command(self, line: str) -> str:
        """A command that is sent now; it counts, but it will not be sent again."""
        self._unsettled.append(line)
        return line

    def settle(self, count: int) -> None:
        """Marks so many lines of this connection as taken in."""
        while self._settled < count:
            self._unsettled.popleft()
            self._settled += 1

    def reopen(self) -> None:
        """The connection has ended: uncounted lines are to be sent again, ahead of all else."""
        self._again.extendleft(
            line for line in reversed(self._unsettled) if not line.startswith("/")
        )
        self._unsettled.clear()
        self._settled = 0

    def _new_line(self) -> str:
        count = 1
        if self._random.random() < _SEVERAL:
            count = self._random.randint(1, len(self._recipients))
        recipients = self._random.sample(self._recipients, count)
        numbers = " ".join(f"{name}={self.posted[name]}" for name in recipients)
        self.posted.update(recipients)
        return f"{', '.join(recipients)}: {numbers} {'x' * self._random.randrange(_PADDING)}"
