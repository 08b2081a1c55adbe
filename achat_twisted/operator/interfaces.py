"""The contract of the operator's view and controls."""

from __future__ import annotations

from collections.abc import Iterator

from zope.interface import Interface

Row = dict[str, str | int]
"""The facts about one thing, by name."""


class IHousekeeper(Interface):
    """An operator's view of the server, and its controls."""

    def who() -> Iterator[Row]:
        """A row for each session, with its state at the moment when the row is taken."""

    def sessions() -> int:
        """The number of sessions, including those that leave and have not got everything yet."""

    def kick(name: str) -> bool:
        """End the session of C{name} at once, with the lines written so far.

        Those that it has not got are kept for it. False if there is no such session.
        """

    def stats() -> Row:
        """The fate of all copies so far, and the number of clients."""

    def mail(name: str) -> Row | None:
        """The amount of mail kept for C{name}; None if there is nobody by that name."""

    def drain(on: bool) -> None:
        """Let nobody new in from now on, or everybody again."""

    def draining() -> bool:
        """Tell if nobody new is let in."""
