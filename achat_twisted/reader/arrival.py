"""Arrival: all that is before a connection has a name.

It is admitted, or too many are here. Its first line must come in time, must be a login, and the
gate must let it in, at once or when it has asked. Then the broker has it; or it is told why not,
and closed. The log and the meter hear how each login has ended.
"""

from __future__ import annotations

from typing import cast

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from achat_twisted import wire
from achat_twisted.broker.interfaces import ISession
from achat_twisted.limits.admission import Admission
from achat_twisted.net.interfaces import ILink
from achat_twisted.reader.interfaces import IReader
from achat_twisted.reader.terms import Terms
from achat_twisted.tools.deadlines import Deadlines
from achat_twisted.tools.interfaces import IMeter
from achat_twisted.wire.tags import PLAIN, Opening, parse_opening


class Entrance:
    """The way in for all that connect under the same terms.

    @ivar logins: the arrivals whose first line is waited for.
    """

    def __init__(
        self, clock: IReactorTime, terms: Terms, admission: Admission, meter: IMeter
    ) -> None:
        self.terms = terms
        self.admission = admission
        self.meter = meter
        self.logins: Deadlines[Arrival] = Deadlines(clock, terms.login_timeout, Arrival.late)


class Arrival:
    """One connection's arrival. Until it has a name the link is its own."""

    __slots__ = (
        "_entering",
        "_entrance",
        "_is_last_call",
        "_link",
        "_opening",
        "_origin",
        "_reader",
    )
    _log = Logger()

    def __init__(self, reader: IReader, link: ILink, entrance: Entrance) -> None:
        self._reader = reader
        self._link = link
        self._origin = link.origin
        self._entrance = entrance
        self._entering: Deferred[str] | None = None
        self._is_last_call = False
        self._opening = PLAIN

    def begin(self) -> None:
        """Wait for the first line, if it is admitted."""
        self._entrance.terms.gate.greet(self._link)
        self._entrance.logins.add(self)
        self._admit()

    def introduced(self, why_not: str = "") -> None:
        """Note the client that the proxy has named.

        @param why_not: the rest of a sentence about the connection, if it has not named any.
        """
        if self._is_admitted() and why_not:
            self.refuse_stranger(f"this port is for a proxy, but {why_not}")

    def log_in(self, line: str) -> None:
        """Take in the first line, or one that may stand before it."""
        if not self._is_admitted():
            return
        try:
            opening = self._parse_opening(line)
            if opening is not None:
                self._opening = opening
                return
            login = wire.parse_login(line)
            entering = self._entrance.terms.gate.enter(login, self._link)
            if entering is None:
                self._join(login.name)
            else:
                self._wait_for(entering)
        except wire.Foreign as error:
            self.refuse_stranger(error.notice.detail)
        except wire.Refused as refusal:
            if line.strip():
                self._refuse(refusal)
            else:  # as health checks send
                self.refuse_stranger(refusal.notice.detail)

    def _parse_opening(self, line: str) -> Opening | None:
        """The wishes by now, if the line is one of them; None if not."""
        knows_wishes = self._entrance.terms.render is not wire.say_nothing
        return parse_opening(line, self._opening) if knows_wishes else None

    def take_in_fault(self, error: wire.WireError) -> None:
        """Take in a fault that stands in place of the first line."""
        kind = "" if isinstance(error, wire.Foreign) else f"{error.notice.word} "
        self.refuse_stranger(f"{kind}{error.notice.detail}")

    def end_of_input(self) -> None:
        """Close, as the client has ended its output without a word."""
        self._left_silent()
        self.close()

    def lost(self, *, is_silent: bool) -> None:
        """Note that the connection is lost.

        @param is_silent: true if nothing has come, not even a part of a line.
        """
        if self._entering is not None:
            self._end("left", "{peer} left before it was let in")
        elif is_silent:
            self._left_silent()
        else:
            self._end("left", "{peer} left without a name")

    def gone(self) -> None:
        """Stop counting the connection, with a name or without, as it had a descriptor."""
        self._entrance.admission.leave(self._origin)

    # The stop

    def last_call(self) -> None:
        """Wait until L{late} and no longer, for the gate as well, as the server stops."""
        self._is_last_call = True
        if self._entering is not None:
            self._entrance.logins.add(self)

    def late(self) -> None:
        """No name has come in time."""
        if self._is_last_call:
            self.close()
            return
        wait = self._entrance.terms.login_timeout
        self._refuse(wire.bad_name(f"none came within {wait:g} seconds"), "timeout")

    def cancel(self) -> None:
        """Stop waiting for the gate."""
        entering, self._entering = self._entering, None
        if entering is not None:
            entering.cancel()

    def close(self, last: bytes = b"") -> None:
        """Take in nothing more, send C{last}, and close."""
        self._entrance.logins.remove(self)
        self._reader.stopProducing()
        self._link.finish(last)

    def _abort(self) -> None:
        self._entrance.logins.remove(self)
        self._reader.stopProducing()
        self._link.abort()

    # Admission

    def _admit(self) -> bool:
        """Count the connection for its origin; True if it may stay."""
        refusal = self._entrance.admission.enter(self._origin, self._link.local)
        if refusal is None:
            return True
        self._entrance.meter.login("busy")
        if refusal.is_told:
            self.close(self._entrance.terms.render(wire.busy(refusal.why).notice))
        else:
            self._abort()
        return False

    def _is_admitted(self) -> bool:
        """Tell if it may stay; behind a proxy, it is known only once the proxy has introduced it.

        The first line may come together with that, and is looked at before L{introduced}.
        """
        if self._origin or not self._link.origin:
            return True
        self._entrance.admission.leave(self._origin)
        self._origin = self._link.origin
        return self._admit()

    # The gate

    def _wait_for(self, entering: Deferred[str]) -> None:
        """Take in nothing until the gate has said who this is; what comes meanwhile waits."""
        self._entering = entering
        if not self._is_last_call:  # or else there is little time, and not for each step anew
            self._entrance.logins.remove(self)
        self._reader.pauseProducing()
        entering.addCallbacks(self._enter, self._not_entered).addErrback(self._cannot_enter)

    def _enter(self, name: str) -> None:
        self._entering = None
        try:
            session = self._join(name)
        except wire.Refused as refusal:
            self._refuse(refusal)
        else:
            session.rest()

    def _not_entered(self, failure: Failure) -> None:
        if self._entering is None:
            return  # it was cancelled
        self._entering = None
        failure.trap(wire.Refused)
        self._refuse(cast(wire.Refused, failure.value))

    def _cannot_enter(self, failure: Failure) -> None:
        self._log.failure("{peer} cannot be let in", failure, peer=self._link.peer)
        self._abort()

    def _join(self, name: str) -> ISession:
        session = self._reader.join(name, self._opening)
        self._entrance.logins.remove(self)
        self._entrance.meter.login("welcome")
        return session

    # Refusals

    def refuse_stranger(self, why: str) -> None:
        """Refuse a first line that no achat client sends; crowds do, so the log has totals."""
        refusal = wire.bad_name(why)
        kind = str(refusal)
        self._entrance.admission.refused(self._origin, f"{kind}, from {self._link.peer}", kind)
        self._refuse(refusal, is_quiet=True)

    def _refuse(self, refusal: wire.Refused, outcome: str = "", *, is_quiet: bool = False) -> None:
        word = outcome or refusal.notice.word
        self._end(word, "{peer} was refused: {reason}", is_quiet=is_quiet, reason=str(refusal))
        self.close(self._entrance.terms.render(refusal.notice))

    def _left_silent(self) -> None:
        """Note silence: a health check by a proxy or a monitor, perhaps every few seconds."""
        self._end("left", "{peer} left without a word", is_quiet=True)

    def _end(self, outcome: str, event: str, *, is_quiet: bool = False, **fields: str) -> None:
        """Note how the login has ended, without a name.

        @param is_quiet: True for what operators need to see only if they have asked for it.
        """
        self._entrance.logins.remove(self)
        self._entrance.meter.login(outcome)
        log = self._log.debug if is_quiet else self._log.info
        log(event, peer=self._link.peer, **fields)
