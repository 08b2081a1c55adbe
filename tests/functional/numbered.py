"""Numbered lines by the thousand, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IStreamClientEndpoint

from tests.functional.processes import Client, FunctionalTestCase, Process

TEXT = "x" * 1000
"""The text of a line after its number."""


def numbered(recipients: str, numbers: Iterable[int]) -> list[str]:
    """Lines of a kilobyte for these recipients, each with its number."""
    return [f"{recipients}: {number} {TEXT}" for number in numbers]


class Counter(Client):
    """A client that remembers messages by their numbers alone, and notices as they are.

    @ivar numbers: of the messages, in the order in which they came.
    """

    def __init__(self) -> None:
        super().__init__()
        self.numbers: list[int] = []
        self._rest = b""

    def dataReceived(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        notices = b""
        for line in lines:
            if line.startswith(b"from "):
                self.numbers.append(int(line.split()[2]))
            else:
                notices += line + b"\n"
        self.heard.grow(notices.decode())

    def gets(self, number: int) -> Deferred[str]:
        """Fires when the last message has this number, or has had it."""
        return self.heard.until(lambda _: bool(self.numbers) and self.numbers[-1] >= number)


class NumberedTestCase(FunctionalTestCase):
    """A test with clients that count."""

    async def count(self, server: Process | IStreamClientEndpoint, name: str) -> Counter:
        """A client that has logged in, and counts."""
        counter = Counter()
        await self.connect(server, counter)
        counter.say(name)
        await counter.heard.contains(f"! welcome {name}\n")
        return counter
