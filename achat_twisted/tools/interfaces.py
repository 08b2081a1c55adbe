"""The contracts that several folders have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar

from twisted.internet.defer import Deferred
from zope.interface import Interface

P = ParamSpec("P")
Result = TypeVar("Result")


class IWorker(Interface):
    """Where something is done that would hold the reactor up."""

    def start() -> None:
        """Get ready."""

    def run(work: Callable[[], Any]) -> Deferred[Any]:
        """Do C{work} behind what was given before; fires with what it returns.

        It never raises. It fails as C{work} does, or with L{NoThread} if that was not begun.
        """

    def stop() -> None:
        """Nothing more will come."""


class IMeter(Interface):
    """What has to be told as it happens, for who looks on; all else can be asked for later."""

    def login(outcome: str) -> None:
        """A login has ended: with the notice of that word, or as a word says."""

    def time_turn(turn: Callable[P, Result]) -> Callable[P, Result]:
        """C{turn}, which serves a round of clients, timed each time if anybody wants to know."""

    def time_commit(commit: Callable[P, Result]) -> Callable[P, Result]:
        """C{commit}, which is done for the mailbox in any thread, but one at a time; likewise."""


class IReloadable(Interface):
    """What can take new options while the server runs."""

    def reload(options: Mapping[str, Any]) -> Callable[[], None]:
        """Make what the new options ask for, and change nothing yet.

        @return: puts it in place, and does not fail; it is not called if others cannot reload.
        @raise ValueError: if it cannot be made, in one sentence; C{OSError} and L{CannotStart}
            are taken for the same.
        """
