"""The reading of one client: its session's stage, and the reasons for which it is not read."""

from __future__ import annotations

from enum import Enum

from achat_twisted.broker.interfaces import ISource


class Stage(Enum):
    """The stages of a session, which goes through one of the two in the middle."""

    HERE = "takes part: others see it in /who, and it holds its name"
    LEAVING = "takes in no more lines, and goes when it is flushed, or with what was written"
    LOST = "its connection is lost, and its reader works off what has come"
    OVER = "its writer has ended, and all that it left is in the mailbox"


NO_HOLDS: frozenset[object] = frozenset()
"""One that all sessions share, as each empty set takes 0.2 KB."""


class Reading:
    """Pauses a reader while there is any reason to, and lets it go on; a session builds on it.

    @ivar stage: only the session itself changes it.
    @ivar holds: the reasons for which its client is not read just now.
    """

    __slots__ = ("holds", "source", "stage")

    def __init__(self, source: ISource) -> None:
        self.source = source
        self.stage = Stage.HERE
        self.holds = NO_HOLDS

    @property
    def is_here(self) -> bool:
        return self.stage is Stage.HERE

    @property
    def lost(self) -> bool:
        return self.stage is Stage.LOST or self.stage is Stage.OVER

    def hold(self, reason: object) -> None:
        """Do nothing if its connection is lost: all that the client can still say is here."""
        if self.lost:
            return
        if not self.holds:
            self.source.pauseProducing()
        self.holds |= {reason}

    def release(self, reason: object) -> None:
        """Be read again if that was the last reason, but not now.

        The caller may be deep in the work of another session; to take in lines there would stack
        one session's work upon the other's without end. So that waits for the turn's end.
        """
        if reason in self.holds:
            self.holds = self.holds - {reason} or NO_HOLDS
            if not self.holds:
                self.go_on()

    def rest(self) -> None:
        if not self.lost:
            self.source.pauseProducing()
        self.go_on()

    def go_on(self) -> None:
        """To be said by the session, which knows its turns."""
        raise NotImplementedError

    def resume(self) -> None:
        if not self.holds:
            self.source.resumeProducing()
