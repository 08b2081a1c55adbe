"""Postings: lines that wait for room, and lines that wait for their fate."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from achat_twisted.client.conversation import Conversation
from achat_twisted.client.driving import Driver, Future, Signal
from achat_twisted.client.errors import ChatError, Refused
from achat_twisted.client.events import Settled
from achat_twisted.client.messages import Posted, Posting


class Batch:
    """Lines that are to be posted in a row.

    @ivar waiting: those for which there was no room yet.
    @ivar postings: those that are posted.
    @ivar changed: happens when all are, or will never be.
    """

    def __init__(self, lines: Iterable[str], changed: Future) -> None:
        self.waiting = deque(lines)
        self.postings: list[Posting] = []
        self.changed = changed


class Postings:
    """The lines of one chat, in the order in which they were given."""

    def __init__(self, conversation: Conversation, driver: Driver) -> None:
        self._conversation = conversation
        self._driver = driver
        self._batches: deque[Batch] = deque()
        self._unknown: dict[int, Posting] = {}

    def add(self, lines: Iterable[str]) -> Batch:
        """Have lines posted, as soon as there is room."""
        batch = Batch(lines, self._driver.future())
        self._batches.append(batch)
        return batch

    def post(self) -> bool:
        """Post the lines that wait, in order, while there is room.

        @return: true if there was a line to post.
        @raise StateError: if one cannot be kept.
        """
        has_posted = False
        while self._batches:
            batch = self._batches[0]
            while batch.waiting and self._conversation.has_room:
                line = batch.waiting[0]
                place = self._conversation.post(line)
                batch.waiting.popleft()
                posting = self._unknown[place] = Posting(place, line, Signal(self._driver))
                batch.postings.append(posting)
                has_posted = True
            if batch.waiting:
                break
            self._batches.popleft().changed.fire()
        return has_posted

    def settle(self, settled: Settled) -> list[int]:
        """Tell of the fate of lines.

        @return: the places of those whose refusal is told hereby, and need not be kept.
        """
        told = []
        for place in range(settled.first, settled.last + 1):
            posting = self._unknown.pop(place, None)
            if posting is None:
                continue
            kept = settled.kept.get(place, ())
            refused = settled.refused.get(place)
            if refused is None:
                posting.settle(Posted(place, posting.line, kept))
            else:
                told.append(place)
                posting.settle(Refused(refused, kept))
        return told

    def give_up(self, error: ChatError) -> None:
        """Tell all that wait that there will be no more."""
        for posting in self._unknown.values():
            posting.give_up(error)
        self._unknown.clear()
        for batch in self._batches:
            batch.changed.fire()
