"""Questions: commands that the server answers in order, and asked again after a break."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import suppress

from achat_twisted.client.driving import Driver, Signal
from achat_twisted.client.errors import ChatError, RoomError, afresh
from achat_twisted.wire.rooms import is_room


class Answer:
    """An answer that has not come yet."""

    def __init__(self, driver: Driver) -> None:
        self._signal = Signal(driver)
        self._detail: str | None = None
        self._error: ChatError | None = None

    async def wait(self) -> str:
        """The rest of the notice."""
        while self._detail is None:
            if self._error is not None:
                raise afresh(self._error)
            await self._signal.wait()
        return self._detail

    def come(self, detail: str) -> None:
        """Note the answer."""
        self._detail = detail
        self._signal.fire()

    def ponged(self) -> None:
        """Note that the pong has come that was asked for with it."""
        self.come("")

    def fail(self, error: ChatError) -> None:
        """Note that there will be none."""
        self._error = error
        self._signal.fire()


class Passing(Answer):
    """The answer to a ping of the user's own, which the listener hears and nobody waits for."""


class Order(Answer):
    """The answer to a command about a room, which may be refused.

    A ping is said behind it, so all that concerns it has come with the pong; but for the lines of a
    log, which the server may have to fetch, and which end with a notice of their own.

    @ivar command: the command.
    @ivar heard: the notices that answer it, without their words.
    """

    def __init__(
        self,
        driver: Driver,
        command: str,
        answers: str = "",
        end: str = "",
        *,
        fails_when_done: bool = False,
    ) -> None:
        """@param answers: the word of the notices that answer it.
        @param end: the word of the notice that ends these; empty if the pong does.
        @param fails_when_done: true if it is refused when it has been carried out before, as it
            may have been when a break makes it be said again.
        """
        super().__init__(driver)
        self.command = command
        self.heard: list[str] = []
        self._room = command.split(" ")[1]
        self._words = {answers, end} - {""}
        self._end = end
        self._fails_when_done = fails_when_done
        self._times_said = 0
        self._fault: str | None = None
        self._has_ended = self._has_ponged = False

    def said(self) -> None:
        """Note that it is said, perhaps not for the first time: what was heard before is void."""
        self._times_said += 1
        self.heard.clear()
        self._fault = None
        self._has_ended = not self._end
        self._has_ponged = False

    @property
    def ends_late(self) -> bool:
        """True if its answers may come behind the pong."""
        return bool(self._end)

    @property
    def is_known(self) -> bool:
        """True if there is an answer."""
        return self._detail is not None or self._error is not None

    def hear(self, word: str, detail: str) -> bool:
        """Take a notice; false if it is about something else."""
        if word not in self._words or detail.split(" ")[0].removesuffix(":") != self._room:
            return False
        if word == self._end:
            self._has_ended = True
            self._see()
        else:
            self.heard.append(detail)
        return True

    def refuse(self, detail: str) -> None:
        """Note that the server has refused it."""
        self._fault = detail.removeprefix("0 ")
        self._has_ended = True
        self._see()

    def ponged(self) -> None:
        """Note that all has come that the server says at once."""
        self._has_ponged = True
        self._see()

    def _see(self) -> None:
        if not (self._has_ended and self._has_ponged):
            return
        if self._fault is None or (self._fails_when_done and self._times_said > 1):
            self.come("")
        else:
            self.fail(RoomError(self._fault))

    async def over(self) -> None:
        """Wait until it is known, whatever it is."""
        with suppress(ChatError):
            await self.wait()


class Asking:
    """All questions that are open."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._whos: deque[Answer] = deque()
        self._pings: deque[Answer] = deque()  # orders, too
        self._log: Order | None = None

    @property
    def open_log(self) -> Order | None:
        """The order for a log that is open; there is one at a time, as logs look alike."""
        return None if self._log is None or self._log.is_known else self._log

    def who(self) -> Answer:
        """Ask who is here."""
        self._whos.append(answer := Answer(self._driver))
        return answer

    def ping(self) -> Answer:
        """Ask if the server is there."""
        self._pings.append(answer := Answer(self._driver))
        return answer

    def pass_on(self) -> None:
        """Let the listener hear the answer to a ping."""
        self._pings.append(Passing(self._driver))

    def order(self, order: Order) -> None:
        """Have something done."""
        self._pings.append(order)
        if order.ends_late:
            self._log = order

    def open(self) -> Iterator[str]:
        """All commands that are open, to be said again on a new connection."""
        yield from ["/who"] * len(self._whos)
        self._pings = deque(each for each in self._pings if not isinstance(each, Passing))
        if (log := self.open_log) is not None and log not in self._pings:
            self._pings.append(log)
        for each in self._pings:
            if isinstance(each, Order):
                each.said()
                yield each.command
            yield "/ping"

    def answer(self, word: str, detail: str) -> bool:
        """Answer the question to which a notice is the answer.

        @return: false if there is none.
        """
        first = self._pings[0] if self._pings else None
        if word == "pong" and first is not None:
            self._pings.popleft()
            first.ponged()
            return not isinstance(first, Passing)
        if word == "who" and self._whos and not is_room(detail):
            self._whos.popleft().come(detail)
            return True
        order = first if isinstance(first, Order) else None
        if word == "bad-line":
            # One without a number comes late, when a disk has failed.
            refused = order if detail.startswith("0 ") else self.open_log
            if refused is not None:
                refused.refuse(detail)
            return refused is not None
        return any(each.hear(word, detail) for each in (self.open_log, order) if each is not None)

    def fail(self, error: ChatError) -> None:
        """Tell all that ask that there will be no answer."""
        for answers in (self._whos, self._pings):
            while answers:
                answers.popleft().fail(error)
        if (log := self.open_log) is not None:
            log.fail(error)
