"""The contracts that several folders share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar

from twisted.internet.defer import Deferred
from zope.interface import Interface

P = ParamSpec("P")
Result = TypeVar("Result")


class IWorker(Interface):
    """A place for work that would block the reactor."""

    def start() -> None:
        """Get ready."""

    def run(work: Callable[[], Result]) -> Deferred[Result]:
        """Do C{work} after all that was given before; fires with its result.

        It never raises. It fails as C{work} does, or with L{NoThread} if that was not begun.
        """

    def stop() -> None:
        """Stop; no more work will come."""


class IMeter(Interface):
    """The events that metrics need as they happen; all else can be read later."""

    def login(outcome: str) -> None:
        """Count a login that has ended: C{outcome} is one of the meter's C{OUTCOMES}."""

    def time_turn(turn: Callable[P, Result]) -> Callable[P, Result]:
        """C{turn}, which serves a round of clients, timed at each call if metrics are wanted."""

    def time_commit(commit: Callable[P, Result]) -> Callable[P, Result]:
        """C{commit}, a commit of the mailbox, likewise; in any thread, but one at a time."""


class IReloadable(Interface):
    """A part that can take new options while the server runs."""

    def reload(options: Mapping[str, Any]) -> Callable[[], None]:
        """Prepare what the new options ask for, and change nothing yet.

        @return: a function that puts it in place and does not fail; it is not called if another
            part cannot reload.
        @raise ValueError: if that is not possible, in one sentence; C{OSError} and L{CannotStart}
            mean the same.
        """
