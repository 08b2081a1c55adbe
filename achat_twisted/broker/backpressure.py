"""Back pressure from the mailbox: nobody fills it faster than it can put lines away."""

from __future__ import annotations

from twisted.internet.interfaces import IReactorTime

from achat_twisted.limits.pacing import ISender, Pace
from achat_twisted.mailbox.interfaces import IMailbox


class Backpressure:
    """Holds those who send to names that are away or behind, while the disk cannot keep up."""

    def __init__(self, clock: IReactorTime, mailbox: IMailbox) -> None:
        self._mailbox = mailbox
        self._pace = Pace(clock)
        self._is_easing = False

    def press(self, sender: ISender) -> None:
        """Slow a sender down to what the mailbox can take."""
        self._pace.press(sender)
        committed = None if self._is_easing else self._mailbox.commit()
        if committed is not None:
            self._is_easing = True
            committed.addCallback(self._ease)

    def stop(self) -> None:
        self._pace.ease()

    def _ease(self, _is_safe: bool) -> None:
        self._is_easing = False
        self._pace.ease()
