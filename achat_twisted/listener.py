"""A port, as a service: it listens on one endpoint, and says where."""

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

from achat_twisted.addresses import describe, is_local
from achat_twisted.interfaces import CannotStart


class Listener(Service):
    """Listens on one endpoint from start to stop.

    @ivar greeting: what it says when it does.
    @ivar warning: what it says besides if more than this machine can reach it.
    """

    _log = Logger()
    _port: IListeningPort | None = None
    greeting = "listening on {where}"
    warning = (
        "{where} can be reached from other machines, and anybody who reaches it can log in as"
        " anybody"
    )

    def __init__(
        self,
        endpoint: IStreamServerEndpoint,
        description: str,
        factory: IProtocolFactory,
        prepare: Callable[[IListeningPort], None],
        *,
        is_guarded: bool = False,
    ) -> None:
        """@param description: the endpoint in words that the user knows.
        @param prepare: called with the port before it accepts anybody.
        @param is_guarded: whether who logs in must prove who it is.
        """
        self._endpoint = endpoint
        self._description = description
        self._factory = factory
        self._prepare = prepare
        self._is_guarded = is_guarded

    def privilegedStartService(self) -> None:
        """Listen, while the process may still use any port.

        @raise CannotStart: if it cannot be done.
        """
        super().privilegedStartService()
        failures: list[Failure] = []
        listening = self._endpoint.listen(self._factory)
        listening.addCallback(self._listening).addErrback(failures.append)
        for failure in failures:
            raise CannotStart(f"achat: cannot listen on {self._description}: {_why(failure)}")

    def startService(self) -> None:
        """Say where it listens; by now every port is open that is to be."""
        super().startService()
        if self._port is None:
            return
        host = self._port.getHost()
        self._log.info(self.greeting, where=describe(host))
        if not (self._is_guarded or is_local(host)):
            self._log.warn(self.warning, where=describe(host))

    def stopService(self) -> Deferred[None]:
        """Close the port. A socket that systemd holds goes on queueing clients for the next one."""
        super().stopService()
        if self._port is None:
            return succeed(None)
        port, self._port = self._port, None
        return port.stopListening() or succeed(None)

    def _listening(self, port: IListeningPort) -> None:
        self._prepare(port)
        self._port = port


def _why(failure: Failure) -> str:
    error = failure.value
    if isinstance(error, CannotListenError):
        error = error.socketError
    if getattr(error, "errno", None) == errno.EADDRINUSE:
        return f"{error}; stop what listens there, or choose another place"
    return str(error)
