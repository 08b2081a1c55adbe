"""The client: a user's conversation with a server, which outlives its connections.

Strategy: a L{ClientSession} is one connection, from login to loss; a L{Client} is the loop that
replaces it. Its C{run} reads from top to bottom: connect, converse, take stock of what the server
has taken in, wait, and again. A user types into L{Outgoing}, and reads from the L{Terminal}.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from twisted.internet import defer
from twisted.internet.endpoints import connectProtocol
from twisted.internet.error import ConnectError
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint
from twisted.internet.task import deferLater

from achat_twisted import wire
from achat_twisted.shell.connection import REFUSALS, ClientSession
from achat_twisted.shell.outgoing import Outgoing
from achat_twisted.shell.terminal import Terminal

WELCOME_TIMEOUT = 5.0
"""The seconds within which a server must say welcome."""

WELCOME_TIMEOUT_WITH_SECRET = 30.0
"""The same for one that has a secret to check, and may take its time after wrong ones."""

FIRST = 100
"""The most unsent lines that are shown; those after them were not sent either."""


class Hopeless(Exception):
    """There is no point in going on, for the reason given."""


class Client:
    """A user's conversation with one server."""

    def __init__(
        self,
        server: str,
        endpoint: IStreamClientEndpoint,
        login: wire.Login,
        outgoing: Outgoing,
        terminal: Terminal,
        *,
        clock: IReactorTime,
        retry: float,
        backoff: Callable[[int], float],
    ) -> None:
        """@param server: the endpoint in words that the user knows.
        @param retry: seconds for which an absent server is tried again; 0 for never.
        @param backoff: returns the seconds to wait before the attempt of that number, from 1 on.
        """
        self._server = server
        self._endpoint = endpoint
        self._login = login
        self._outgoing = outgoing
        self._terminal = terminal
        self._clock = clock
        self._retry = retry
        self._backoff = backoff
        self._was_in = False
        self._all_well = True
        self._attempt = 0
        self._deadline = clock.seconds() + retry

    async def run(self) -> int:
        """Converse until everything is said, or until there is no point in going on.

        @return: the exit code: 0 if the server has confirmed all lines of the user's, has refused
            none, and all that it sent was shown; else 1.
        """
        tell: Callable[[str], None] = self._give_up
        try:
            await self._converse()
        except Hopeless as end:
            tell(str(end))
            tell = self._terminal.say  # the unsent lines need not be shown twice
        await self._terminal.flush()
        if self._terminal.loss:
            tell(self._terminal.loss)
        return 0 if self._all_well and self._terminal.all_taken else 1

    async def _converse(self) -> None:
        while not (self._is_done() or self._terminal.loss):
            session = ClientSession(self._login, self._outgoing, self._terminal, self._clock)
            loss = await self._hold(session)
            if self._is_done() or self._terminal.loss:
                continue
            if self._is_turned_away(session):
                raise Hopeless(loss)
            left = self._deadline - self._clock.seconds()
            if left <= 0:
                if session.bye is None or self._outgoing.waiting:
                    raise Hopeless(loss)
                self._terminal.say(loss)
                return
            if self._attempt == 0:
                self._terminal.say(f"{loss}; trying again for {self._retry:g} seconds")
            self._attempt += 1
            await deferLater(self._clock, min(self._backoff(self._attempt), left))

    def _give_up(self, why: str) -> None:
        """Tell the user why, and show the lines that were not sent, as none will be now."""
        self._all_well = False
        some = "at least " if self._outgoing.full else ""
        unsent = self._outgoing.abandon()
        behind = ":" if unsent else ""
        if len(unsent) > FIRST:
            behind = f", of which these are the first {FIRST}:"
        sentence = f"{why}; given up with {some}{_lines(len(unsent))} unsent{behind}"
        self._terminal.say(sentence, unsent[:FIRST])

    def _is_done(self) -> bool:
        return self._was_in and self._outgoing.ended and not self._outgoing.waiting

    async def _hold(self, session: ClientSession) -> str:
        """Hold a session, to its end.

        @return: a sentence on how it ended.
        @raise Hopeless: if another one would be no better.
        """
        try:
            await connectProtocol(self._endpoint, session)
        except (ConnectError, OSError, ValueError) as error:
            return f"cannot reach {self._server}: {_why(error)}"
        await self._log_in(session)
        await session.ended
        self._take_stock(session)
        return self._how_it_ended(session)

    async def _log_in(self, session: ClientSession) -> None:
        timeout = WELCOME_TIMEOUT if self._login.secret is None else WELCOME_TIMEOUT_WITH_SECRET
        if self._was_in:
            # Its successor may hold the port already, and answer only when it is up.
            timeout = max(timeout, self._deadline - self._clock.seconds())
        try:
            await session.answered.addTimeout(timeout, self._clock)
        except defer.TimeoutError:
            session.transport.abortConnection()
            if not self._was_in:
                raise Hopeless(
                    f"{self._server} has not said welcome within {timeout:g} seconds; a server"
                    " that speaks no notices (--plain) is for nc, not for achat"
                ) from None
        if session.let_in:
            if self._attempt > 0:
                self._terminal.say(f"reached {self._server}")
            self._was_in = True
            self._attempt = 0

    def _take_stock(self, session: ClientSession) -> None:
        """Find out what has become of the lines that were sent."""
        if not session.let_in:
            return
        self._deadline = self._clock.seconds() + self._retry
        self._all_well &= session.all_taken
        if session.bye is not None:
            self._outgoing.closed(session.bye)
        elif unsure := self._outgoing.broken():
            self._all_well = False
            self._terminal.say(
                f"{_lines(len(unsure))} may not have arrived, as the connection to"
                f" {self._server} broke before it confirmed:",
                unsure,
            )

    def _how_it_ended(self, session: ClientSession) -> str:
        if session.refusal is not None:
            return REFUSALS[session.refusal.word].format(
                server=self._server, name=self._login.name, detail=session.refusal.detail
            )
        if not session.let_in:
            return f"{self._server} has closed the connection without a welcome"
        if session.bye is not None:
            return f"{self._server} has closed the session"
        if session.deaf:
            return f"{self._server} does not answer any more"
        return f"the connection to {self._server} broke"

    def _is_turned_away(self, session: ClientSession) -> bool:
        """Tell if the session ended for a reason that will still hold when we come again."""
        # After a break, a server may hold on to our own old session for some time.
        passing = {"busy", "name-taken"} if self._was_in else {"busy"}
        return session.refusal is not None and session.refusal.word not in passing


def _why(error: Exception) -> str:
    number = getattr(error, "osError", None)
    return os.strerror(number) if number else str(error).rstrip(".")


def _lines(count: int) -> str:
    return f"{count or 'no'} line{'' if count == 1 else 's'}"
