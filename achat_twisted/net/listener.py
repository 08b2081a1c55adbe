"""A listener: a service that listens on one endpoint, and says where."""

from __future__ import annotations

import errno
from collections.abc import Callable

from twisted.application.service import Service
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import (
    IListeningPort,
    IProtocolFactory,
    IStreamServerEndpoint,
)
from twisted.logger import Logger
from twisted.python.failure import Failure

from achat_twisted.net.addresses import describe, is_local
from achat_twisted.tools.errors import CannotStart

_HINTS = {
    errno.EADDRINUSE: "; stop what listens there, or choose another place",
    errno.EAFNOSUPPORT: "; a service without a network needs a socket that systemd opens",
}
"""Advice about an error of the system, by its number."""


class Listener(Service):
    """Listens on one endpoint from start to stop.

    @ivar greeting: the log line at its start.
    @ivar warning: the log line after that if other machines can reach it, and clients need not
        prove who they are.
    @ivar overheard: the log line instead if they must, but others can listen in.
    """

    _log = Logger()
    _port: IListeningPort | None = None
    greeting = "listening on {where}"
    warning = (
        "{where} can be reached from other machines, and anybody who reaches it can log in as"
        " anybody"
    )
    overheard = (
        "{where} can be reached from other machines without TLS, and secrets cross the network for"
        " anybody to read"
    )

    def __init__(
        self,
        endpoint: IStreamServerEndpoint,
        description: str,
        factory: IProtocolFactory,
        prepare: Callable[[IListeningPort], None],
        *,
        is_guarded: bool = False,
        is_encrypted: bool = False,
    ) -> None:
        """@param description: the endpoint in words that the user knows.
        @param prepare: called with the port before it accepts anybody.
        @param is_guarded: true if clients must prove who they are.
        @param is_encrypted: true if nobody in between can read what they send.
        """
        self._endpoint = endpoint
        self._description = description
        self._factory = factory
        self._prepare = prepare
        self._is_guarded = is_guarded
        self._is_encrypted = is_encrypted

    def privilegedStartService(self) -> None:
        """Listen, while the process may still use any port.

        @raise CannotStart: if that is not possible.
        """
        super().privilegedStartService()
        failures: list[Failure] = []
        listening = self._endpoint.listen(self._factory)
        listening.addCallback(self._listening).addErrback(failures.append)
        for failure in failures:
            raise CannotStart(f"achat: cannot listen on {self._description}: {_why(failure)}")

    def startService(self) -> None:
        """Log where it listens; by now all ports are open."""
        super().startService()
        if self._port is None:
            return
        self._log.info(self.greeting, where=describe(self._port.getHost()))
        self._warn(self._port)

    def guard(self, is_guarded: bool) -> None:
        """Note that from now on clients must prove who they are, or need not."""
        has_changed = is_guarded != self._is_guarded
        self._is_guarded = is_guarded
        if has_changed and self._port is not None:
            self._warn(self._port)

    def stopService(self) -> Deferred[None]:
        """Close the port. A socket that systemd holds goes on queueing clients for the next one."""
        super().stopService()
        if self._port is None:
            return succeed(None)
        port, self._port = self._port, None
        return port.stopListening() or succeed(None)

    def _warn(self, port: IListeningPort) -> None:
        """Log a warning of what anyone who can reach the port could do."""
        host = port.getHost()
        if is_local(host) or (self._is_guarded and self._is_encrypted):
            return
        what = self.overheard if self._is_guarded else self.warning
        self._log.warn(what, where=describe(host))

    def _listening(self, port: IListeningPort) -> None:
        self._prepare(port)
        self._port = port


def _why(failure: Failure) -> str:
    error = failure.value
    if isinstance(error, CannotListenError):
        error = error.socketError
    hint = _HINTS.get(getattr(error, "errno", 0), "")
    return f"{error}{hint}"
