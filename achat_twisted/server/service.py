"""The service: everything started in order, and stopped in the order in which messages flow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from functools import partial
from signal import SIGHUP, SIGINT, SIGTERM
from typing import Any

from twisted.application.service import MultiService, Service
from twisted.internet.defer import Deferred, gatherResults, maybeDeferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from achat_twisted.broker.broker import Broker
from achat_twisted.broker.writer import HURRY
from achat_twisted.mailbox.interfaces import IMailbox
from achat_twisted.operator.outcome import Outcome
from achat_twisted.reader.factory import ChatFactory
from achat_twisted.server.interfaces import INotifier, ISignals
from achat_twisted.server.reload import Reloader

GRACE = 10.0
"""The seconds that a stop may take, unless the server is told otherwise."""

LAST_RESORT = 5.0
"""The seconds for an abort to take effect; connections that are left then are forgotten."""

PUTTING_AWAY = 60.0
"""The seconds after the grace period for all that is left to do, including the mailbox."""


class Phase(Enum):
    """The phases of the server between its start and its end."""

    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"


class ChatService(MultiService):
    """A chat server. Its children are the listeners, the broker, and the attendants.

    @ivar phase: its present phase; L{Phase.STOPPING} before the first port closes.
    """

    _log = Logger()

    def __init__(
        self,
        listeners: Sequence[Service],
        factory: ChatFactory,
        broker: Broker,
        mailbox: IMailbox,
        *,
        clock: IReactorTime,
        signals: ISignals,
        notifier: INotifier,
        reloader: Reloader,
        grace: float = GRACE,
        attendants: Sequence[Service] = (),
        on_parent: Callable[[object], None] = lambda _parent: None,
    ) -> None:
        """@param listeners: their C{stopService} closes a port; see L{achat_twisted.net.listener}.
        @param attendants: services beside the chat, which start before anybody is let in, and stop
            when the stop is over.
        @param grace: seconds after which a stop waits for nobody any more.
        @param on_parent: called with this service's parent: twistd's application, before it writes
            its first line.
        """
        super().__init__()
        self.phase = Phase.STARTING
        self._listeners = listeners
        self._attendants = attendants
        self._factory = factory
        self._broker = broker
        self._mailbox = mailbox
        self._clock = clock
        self._signals = signals
        self._notifier = notifier
        self._reloader = reloader
        self._on_parent = on_parent
        self._grace = grace
        self._deadlines: list[IDelayedCall] = []
        self._is_cut = False
        for child in (broker, *attendants, *listeners):
            child.setServiceParent(self)

    def setServiceParent(self, parent: Any) -> None:
        # As early as possible: with this call the process becomes this server.
        self._signals.ignore_strays()
        self._on_parent(parent)
        super().setServiceParent(parent)

    def startService(self) -> None:
        """Open the mailbox, then let everybody in.

        @raise CannotStart: if it cannot be opened.
        """
        # Before the log says that it listens, as somebody may then send the signal.
        self._signals.on(SIGHUP, self.reload)
        self._mailbox.open()
        super().startService()
        self.phase = Phase.READY
        # Before the reactor runs, SIGTERM would kill the process, and it may be sent as soon as we
        # say that we are ready.
        self._clock.callLater(0, self._say_ready)

    def _say_ready(self) -> None:
        if self.phase is Phase.READY:
            self._notifier.ready()

    def stopService(self) -> Deferred[None]:
        """Stop in flow order: ports, readers, broker, writers, connections, mailbox.

        C{MultiService} would stop all children at once, and swallow their errors.

        @return: fires when every accepted line is delivered, kept or refused, and the ledger is in
            the log; at most L{HURRY} and L{LAST_RESORT} after the grace period, plus the time that
            the mailbox takes.
        """
        self.running = 0
        self.phase = Phase.STOPPING
        self._notifier.stopping(self._grace + PUTTING_AWAY)
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        self._log.info("stopping; at most {grace:g} seconds", grace=self._grace)
        for number in (SIGTERM, SIGINT):
            self._signals.on(number, self._cut)
        self._deadlines = [
            # A sender may be held for slow recipients; they must not use up the whole grace period.
            self._clock.callLater(self._grace / 2, self._factory.cut),
            self._clock.callLater(self._grace, self._cut),
        ]
        await self._stop_each(self._listeners)
        await self._factory.stop_reading()
        await self._broker.stopService()
        await self._factory.empty()
        for deadline in self._deadlines:
            if deadline.active():
                deadline.cancel()
        await self._mailbox.close()  # it logs what is lost, which is not kept
        balance = self._broker.balance()
        if balance.missing or balance.in_flight:
            self._log.error("the ledger does not balance: {balance}", balance=balance)
        else:
            self._log.info("stopped; {balance}", balance=balance)
        await self._stop_each(self._attendants)
        self._notifier.stopped()

    def set_grace(self, grace: float) -> None:
        """Let a stop take so many seconds, if none has begun."""
        self._grace = grace

    def reload(self) -> Outcome:
        """Take new options, and tell the service manager; not while the server starts or stops."""
        if self.phase is not Phase.READY:
            return Outcome(error=f"not reloaded: the server is {self.phase.value}")
        self._notifier.reloading()
        try:
            return self._reloader.reload()
        finally:
            self._notifier.ready()

    def _stop_each(self, children: Sequence[Service]) -> Deferred[list[None]]:
        stopping = [maybeDeferred(child.stopService) for child in children]
        for stopped in stopping:
            stopped.addErrback(partial(self._log.failure, "A port could not be closed"))
        return gatherResults(stopping)

    def _cut(self) -> None:
        """Wait for no slow client any more: lines not written yet go to the mailbox.

        Even now the connections end in order, with a C{! bye}. A reset would be faster, but some
        clients throw away unread input when they are reset.
        """
        if self._is_cut:
            return
        self._is_cut = True
        self._log.warn("not waiting any longer")
        self._factory.cut()
        self._broker.cut()
        self._deadlines.append(self._clock.callLater(HURRY, self._abort))

    def _abort(self) -> None:
        """Abort the connections that are left, whose clients do not even take the end."""
        self._factory.abort()
        self._deadlines.append(self._clock.callLater(LAST_RESORT, self._forget))

    def _forget(self) -> None:
        """Forget what not even an abort has ended: that is a bug, but the stop must end."""
        try:
            self._broker.forget()
        finally:
            self._factory.forget()
