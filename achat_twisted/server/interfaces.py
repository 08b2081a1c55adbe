"""The contracts of the process's surroundings: its signals, and the manager that has started it."""

from __future__ import annotations

from collections.abc import Callable

from zope.interface import Interface


class INotifier(Interface):
    """The way to tell the manager that has started the process about its state."""

    def ready() -> None:
        """Tell that everybody is let in; also called when a reload is over."""

    def reloading() -> None:
        """Tell that a reload has begun; L{ready} ends it."""

    def stopping(patience: float) -> None:
        """Tell that a stop has begun, which should not be cut off for so many seconds."""

    def stopped() -> None:
        """Tell nothing more."""


class ISignals(Interface):
    """The process's signals."""

    def ignore_strays() -> None:
        """From now on, let no signal end the process but those that are meant to.

        The first of each of the others is logged.
        """

    def on(number: int, call: Callable[[], object]) -> None:
        """From now on, have the reactor call C{call} when the process gets that signal."""
