"""The library's own conversation, in place of a client as its author would write it.

What was saved is its file; a kill takes it back to that. What it hears it takes in at once, but it
saves and speaks only when the schedule lets it: so it may be killed in between.
"""

from __future__ import annotations

from copy import deepcopy

from achat_twisted.client.address import Address
from achat_twisted.client.conversation import Conversation, Stage
from achat_twisted.client.events import Event, Notice, Received
from achat_twisted.client.state import MemoryState
from tests.resuming.cable import Cable
from tests.resuming.client import Client, Line


class SavedState(MemoryState):
    """A state of which a kill leaves what was saved last, as a file does."""

    def __init__(self) -> None:
        super().__init__()
        self.save()

    def save(self) -> None:
        self._saved = deepcopy({k: v for k, v in vars(self).items() if k != "_saved"})

    def left(self) -> SavedState:
        """The state that the next program finds."""
        state = SavedState()
        vars(state).update(deepcopy(self._saved))
        state.save()
        return state


class LibraryClient(Client):
    """A program on the library's conversation, over all its lives and connections.

    @ivar is_orderly: false for B, which works off what came last first.
    """

    @property
    def is_orderly(self) -> bool:
        return self.ident != "B"

    def _begin(self) -> None:
        self.lives += 1
        state = SavedState()
        state.numbers.tag = f"{self.ident}.{self.lives}"
        state.save()
        self._use(state)
        self._lines: dict[int, Line] = {}

    def _use(self, state: SavedState) -> None:
        self.cable: Cable | None = None
        self.state = state
        self.conversation = Conversation(
            Address(self.name, None, "host"), state, 0.0, only_sends=self.only_sends
        )
        self._pending: list[Received] = []
        self._has_to_say = False

    def disconnect(self) -> None:
        self.cable = None
        self.conversation.lost("the schedule says so", 0.0)

    def kill(self) -> None:
        self.kills += 1
        if self.cable is not None:
            self.cable.cut()
            self.cable.forget_unread()
        if self.has_file:
            self._use(self.state.left())
        else:
            for line in self._lines.values():
                if not self._is_known(line):
                    line.is_gone = True
            self._begin()

    def _is_known(self, line: Line) -> bool:
        settled = self.state.numbers.settled
        return any(each is line for place, each in self._lines.items() if place <= settled)

    # What it says

    def connect(self, cable: Cable) -> None:
        self.cable = cable
        self.conversation.connected(0.0)
        self._flush(-1)

    def intend(self, recipients: tuple[str, ...]) -> Line:
        self.posted += 1
        line = Line(f"{self.ident}-{next(self._numbers)}", recipients, self, self.lives)
        self._lines[self.conversation.post(line.text)] = line
        self.state.save()
        self._has_to_say = True
        return line

    @property
    def can_post(self) -> bool:
        return self._has_to_say and self.cable is not None

    def post(self, step: int) -> None:
        """Save, and say all that there is to say."""
        self._flush(step)

    can_sync = False  # it does so by itself

    @property
    def can_confirm(self) -> bool:
        return bool(self._pending)

    def confirm(self) -> None:
        """Work a message off, in one transaction; what it says of that comes later."""
        received = self._pending.pop(0 if self.is_orderly else -1)
        self.conversation.done(received.number, received.era)
        self.state.save()
        self.worked_off.append(received.text.split()[0])
        self._has_to_say = True

    def leave(self) -> None:
        self.conversation.quit(0.0)
        self._flush(-1)

    @property
    def is_settled(self) -> bool:
        return not (self.conversation.unsettled or self._pending or self._has_to_say)

    def _flush(self, step: int) -> None:
        said = self.conversation.data_to_send().decode().split("\n")[:-1]
        self._has_to_say = False
        for each in said:
            self._note(each, step)
            self._say(each)
        for refusal in self.state.refusals():
            self._lines[refusal.place].refused.add(refusal.recipient)
            self.conversation.told(refusal.place)
        if self.conversation.stage is Stage.OVER:
            self.go()

    def _note(self, said: str, step: int) -> None:
        for line in self._lines.values():
            if line.text == said and line.first_said < 0:
                line.first_said = step

    # What it hears

    def hear(self, line: str | None) -> None:
        if line is None:
            if self.cable is not None:
                self.cable.cut()
            self.disconnect()
            return
        tag = self.state.numbers.tag
        for event in self.conversation.receive(f"{line}\n".encode(), 0.0):
            self._take(event)
        if self.state.numbers.tag != tag:
            self.faults.add("told numbers that do not fit")
        self._has_to_say = True

    def _take(self, event: Event | Received) -> None:
        if isinstance(event, Received):
            self._pending.append(event)
        elif isinstance(event, Notice) and event.word == "bad-line":
            self.faults.add(f"told {event.word} {event.detail}")
