"""A loop of asyncio's on which time passes at once, for the tests of this folder."""

from __future__ import annotations

import asyncio
import selectors
import signal
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

_HANGS = 10.0
"""The seconds of real time after which a test that waits for nothing is ended."""


class _Selector(selectors.DefaultSelector):
    """Does not sleep: it turns the loop's clock forward."""

    loop: Loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            ready = super().select(_HANGS)
            assert ready, "nothing will ever happen"
            return ready
        self.loop.now += timeout
        return []


class Loop(asyncio.SelectorEventLoop):
    """A loop with a clock of its own.

    @ivar now: the seconds on it.
    """

    def __init__(self) -> None:
        self.now = 0.0
        selector = _Selector()
        super().__init__(selector)
        selector.loop = self

    def time(self) -> float:
        return self.now


Test = Callable[[Any], Coroutine[Any, Any, None]]


def in_loop(test: Test) -> Callable[[SynchronousTestCase], None]:
    """Run a test on such a loop, and see that nothing is left on it."""

    @wraps(test)
    def run(case: SynchronousTestCase) -> None:
        # The reactor of this process has children to hear of by the same way.
        wakeup = signal.set_wakeup_fd(-1)
        loop = Loop()
        try:
            loop.run_until_complete(test(case))
        finally:
            left = asyncio.all_tasks(loop)
            for task in left:
                task.cancel()
            loop.run_until_complete(_ended(left))
            loop.close()
            signal.set_wakeup_fd(wakeup)

    return run


async def _ended(tasks: set[asyncio.Task[Any]]) -> None:
    await asyncio.gather(*tasks, return_exceptions=True)


async def turns(count: int = 20) -> None:
    """Let the loop turn some times, in which no time passes."""
    for _ in range(count):
        await asyncio.sleep(0)
