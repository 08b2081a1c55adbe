"""The contract of what an operator can see and do."""

from __future__ import annotations

from collections.abc import Iterator

from zope.interface import Interface

Row = dict[str, str | int]
"""What an operator is told of one thing, by name."""


class IHousekeeper(Interface):
    """What an operator can see and do."""

    def who() -> Iterator[Row]:
        """A row for each session, with its state at the moment when the row is taken."""

    def sessions() -> int:
        """How many there are, those included that leave and have not got all yet."""

    def kick(name: str) -> bool:
        """End the session of C{name} at once, with what has been written by now.

        What it has not got is kept for it. False if there is none.
        """

    def stats() -> Row:
        """What has become of all copies so far, and how many clients there are."""

    def mail(name: str) -> Row | None:
        """How much is kept for C{name}; None if there is nobody by that name."""

    def drain(on: bool) -> None:
        """Let nobody new in from now on, or everybody again."""

    def draining() -> bool:
        """Whether nobody new is let in."""
