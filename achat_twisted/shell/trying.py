"""Connections that come and go, as sentences for the user."""

from __future__ import annotations

from achat_twisted.client.events import Ended, Event, Welcome


class Trying:
    """Tells of connections: of each loss once, and of the server that was reached again."""

    def __init__(self, server: str, retry: float | None) -> None:
        """@param server: the server, as the user would write it.
        @param retry: the seconds for which it is tried again; None for ever.
        """
        self._server = server
        self._ever = "" if retry is None else f" for {retry:g} second{'' if retry == 1 else 's'}"
        self._is_trying = False

    def sentences(self, event: Event) -> list[str]:
        """The sentences that an event is worth, without their full stops."""
        told: list[str] = []
        match event:
            case Welcome(doubtful):
                if self._is_trying:
                    told.append(f"reached {self._server}")
                self._is_trying = False
                if doubtful:
                    told.append(
                        f"{count(doubtful)} may arrive twice, as the server lost its memory before"
                        " it confirmed"
                    )
            case Ended(why, again=float()) if not self._is_trying:
                told.append(f"{why}; trying again{self._ever}")
                self._is_trying = True
        return told


def count(lines: int) -> str:
    """A number of lines, in words."""
    return f"{lines:,} line{'' if lines == 1 else 's'}"
