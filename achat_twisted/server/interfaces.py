"""The contracts of the process's surroundings: its signals, and the one that has started it."""

from __future__ import annotations

from collections.abc import Callable

from zope.interface import Interface


class INotifier(Interface):
    """Whoever has started the process, and wants to know how it is."""

    def ready() -> None:
        """Everybody is let in; also said when a reload is over."""

    def reloading() -> None:
        """A reload has begun; it is over with L{ready}."""

    def stopping(patience: float) -> None:
        """A stop has begun, which should not be cut off for so many seconds."""

    def stopped() -> None:
        """There is no more to tell."""


class ISignals(Interface):
    """The process's signals."""

    def ignore_strays() -> None:
        """From now on, let no signal end the process but those that are meant to.

        Of each of the others the first is a line in the log.
        """

    def on_hangup(reload: Callable[[], None]) -> None:
        """Call C{reload} on SIGHUP, which would kill the process at once."""

    def on_rotate(rotate: Callable[[], None]) -> None:
        """Call C{rotate} on SIGUSR1, with which twistd begins a new log file."""

    def on_second_signal(hurry: Callable[[], None]) -> None:
        """From now on, call C{hurry} on any signal that asks for a stop."""
