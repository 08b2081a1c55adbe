"""Takeover: the sessions whose place a new one takes, and the logins that may take none."""

from __future__ import annotations

from enum import StrEnum

from twisted.internet.interfaces import IReactorTime

from achat_twisted import wire
from achat_twisted.broker.interfaces import Place
from achat_twisted.broker.presence import Presence
from achat_twisted.broker.reading import Stage
from achat_twisted.broker.session import Session
from achat_twisted.tools.backoff import Backoff
from achat_twisted.wire.tags import Opening

_PEACE = 60.0
"""Seconds at most for which a name, or a tag, that is fought over cannot be taken over again."""


class Duplicate(StrEnum):
    """The fate of a login with the name of somebody who is here."""

    REJECT = "reject"
    TAKEOVER = "takeover"


class Takeover:
    """Decides about a login with a name, or a tag, of somebody who is here.

    @ivar duplicate: the fate of those that log in from now on.
    """

    def __init__(self, presence: Presence, clock: IReactorTime, duplicate: Duplicate) -> None:
        self.duplicate = duplicate
        self._presence = presence
        self._fights = Backoff(clock, longest=_PEACE)

    def older(self, name: str, opening: Opening) -> list[Session]:
        """The sessions whose place a new one takes.

        @raise wire.Refused: if it may not.
        """
        holder = self._presence.places.get(name)
        same = self._presence.places.get((name, opening.tag))
        devices = self._presence.devices(name)
        if holder is None and same is None and not devices:
            return []
        if self._is_here_beside(name, same):
            if self.duplicate is Duplicate.REJECT:
                raise wire.name_taken(name)
            takes_place = not (opening.only_sends or opening.is_device)
            if takes_place and holder is not None and holder.stage is Stage.HERE:
                self._fight(name, name)
        # One that has not begun is no rival: it waits for a session whose connection has broken,
        # and so may its client's next one, however soon it comes.
        if same is not None and same.stage is Stage.HERE and same.feed.has_begun:
            self._fight(name, (name, opening.tag))
        older = dict.fromkeys([same] if opening.only_sends or opening.is_device else [same, holder])
        return [session for session in older if session is not None and not session.lost]

    def _is_here_beside(self, name: str, same: Session | None) -> bool:
        """Tell if a session of a name is here that is not the one with the same tag."""
        holder = self._presence.places.get(name)
        if holder is not None and holder.stage is Stage.HERE and holder is not same:
            return True
        return any(
            each.stage is Stage.HERE and each is not same for each in self._presence.devices(name)
        )

    def _fight(self, name: str, place: Place) -> None:
        """Note that a session loses its place to another.

        @raise wire.Refused: if that has happened too often of late.
        """
        if self._fights.lasts(place):
            raise wire.name_taken(name)
        self._fights.tried(place)
