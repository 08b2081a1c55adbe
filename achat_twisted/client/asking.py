"""Questions: commands that the server answers in order, and asked again after a break."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from achat_twisted.client.driving import Driver, Signal
from achat_twisted.client.errors import ChatError, afresh

_ANSWERED_BY = {"who": "who", "ping": "pong"}
"""The questions, and the words of the notices that answer them."""


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
        self._detail = detail
        self._signal.fire()

    def fail(self, error: ChatError) -> None:
        self._error = error
        self._signal.fire()


class Asking:
    """All questions that are open."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._open: dict[str, deque[Answer]] = {word: deque() for word in _ANSWERED_BY}

    def ask(self, word: str) -> Answer:
        """Open a question."""
        answer = Answer(self._driver)
        self._open[word].append(answer)
        return answer

    def open(self) -> Iterator[str]:
        """The words of all open questions, to be asked again on a new connection."""
        for word, answers in self._open.items():
            yield from [word] * len(answers)

    def answer(self, word: str, detail: str) -> bool:
        """Answer the oldest question to which a notice is the answer.

        @return: false if there is none.
        """
        for question, notice in _ANSWERED_BY.items():
            if notice == word and self._open[question]:
                self._open[question].popleft().come(detail)
                return True
        return False

    def fail(self, error: ChatError) -> None:
        """Tell all that ask that there will be no answer."""
        for answers in self._open.values():
            while answers:
                answers.popleft().fail(error)
