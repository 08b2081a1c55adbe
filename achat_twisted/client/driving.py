"""Drivers: what a chat needs of an event loop, and things to wait for that are made of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from types import TracebackType
from typing import Any, Protocol


class Future(Awaitable[None], Protocol):
    """Something that happens once."""

    def fire(self) -> None:
        """Let those go on that wait; does nothing if it has happened, or nobody waits any more."""


class Lock(Protocol):
    """A lock, used with C{async with}; those who wait get it in the order in which they came."""

    def __aenter__(self) -> Awaitable[object]:
        """Wait for it."""

    def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> Awaitable[bool | None]:
        """Let the next one have it."""


class Cancellable(Protocol):
    """A timer, or a coroutine that runs by itself."""

    def cancel(self) -> object:
        """End it before its time."""


class Link(Protocol):
    """A connection."""

    def write(self, data: bytes) -> None:
        """Send bytes, and keep those for which there is no room yet."""

    def abort(self) -> None:
        """Close it at once."""

    def pause_reading(self) -> None:
        """Bring nothing for now."""

    def resume_reading(self) -> None:
        """Go on."""


class Receiver(Protocol):
    """The end of a connection that is told what comes."""

    def made(self, link: Link) -> None:
        """The connection is there."""

    def received(self, data: bytes) -> None:
        """Bytes have come."""

    def lost(self, why: str) -> None:
        """The connection is gone.

        @param why: a sentence without its full stop.
        """


class Driver(Protocol):
    """An event loop, as a chat sees it."""

    def seconds(self) -> float:
        """The time, in seconds, on a clock that only goes forward."""

    def soon(self, call: Callable[[], None]) -> object:
        """Call back in the loop's next turn."""

    def later(self, seconds: float, call: Callable[[], None]) -> Cancellable:
        """Call back after so many seconds."""

    def future(self) -> Future:
        """Something that has not happened yet."""

    def lock(self) -> Lock:
        """A lock that nobody has."""

    def start(self, work: Coroutine[Any, Any, None]) -> Cancellable:
        """Let a coroutine run by itself; it neither returns anything nor raises."""

    async def connect(self, receiver: Receiver) -> None:
        """Make a connection.

        @raise Unreachable: if it cannot be made now.
        @raise NotLetIn: if it will never be, as certificates do not fit.
        """


class Signal:
    """Something that happens again and again."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._waiting: list[Future] = []

    def fire(self) -> None:
        """Let all go on that wait."""
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.fire()

    async def wait(self) -> None:
        """Wait until it happens."""
        future = self._driver.future()
        self._waiting.append(future)
        try:
            await future
        finally:
            if future in self._waiting:
                self._waiting.remove(future)
