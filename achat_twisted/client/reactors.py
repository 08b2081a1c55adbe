"""The driver for Twisted's reactors; see L{driving.Driver}."""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine
from typing import Any

from OpenSSL import SSL
from service_identity import VerificationError
from twisted.internet import defer
from twisted.internet.defer import CancelledError, Deferred, DeferredLock
from twisted.internet.endpoints import connectProtocol
from twisted.internet.error import ConnectError, ConnectionDone
from twisted.internet.interfaces import (
    IDelayedCall,
    IHandshakeListener,
    IReactorTime,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from achat_twisted.client import reasons
from achat_twisted.client.driving import Receiver
from achat_twisted.client.errors import NotLetIn, Unreachable

CONNECT_WITHIN = 10.0
"""The seconds that a connection may take, and a TLS handshake as long again."""


class _Future(Deferred[None]):
    def fire(self) -> None:
        if not self.called:
            self.callback(None)


class _Timer:
    """A timer that may be cancelled when it has struck."""

    def __init__(self, call: IDelayedCall) -> None:
        self._call = call

    def cancel(self) -> None:
        if self._call.active():
            self._call.cancel()


class _Running:
    """A coroutine that runs by itself; if it raises, that is a bug, and logged."""

    _log = Logger()

    def __init__(self, work: Coroutine[Any, Any, None]) -> None:
        self._done = Deferred.fromCoroutine(work)
        self._done.addErrback(self._failed)

    def cancel(self) -> None:
        self._done.cancel()

    def _failed(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self._log.failure("the chat has ended with an error of its own", failure)


@implementer(IHandshakeListener)
class _Protocol(Protocol):
    """One connection, as a L{driving.Link} as well.

    @ivar ready: fires when it may be used, with TLS after the handshake, or when it is lost.
    """

    transport: Any  # it has more than ITransport promises

    def __init__(self, receiver: Receiver, *, is_secure: bool) -> None:
        self.ready: Deferred[None] = Deferred()
        self._receiver = receiver
        self._is_secure = is_secure

    def connectionMade(self) -> None:
        if not self._is_secure:
            self.handshakeCompleted()

    def handshakeCompleted(self) -> None:
        self._receiver.made(self)
        self.ready.callback(None)

    def dataReceived(self, data: bytes) -> None:
        self._receiver.received(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self.ready.called:
            why = "the connection was closed"
            if not reason.check(ConnectionDone):
                why = f"the connection broke: {reason.getErrorMessage().rstrip('.')}"
            self._receiver.lost(why)
        else:
            self.ready.errback(reason)

    def write(self, data: bytes) -> None:
        self.transport.write(data)

    def abort(self) -> None:
        self.transport.abortConnection()

    def pause_reading(self) -> None:
        self.transport.pauseProducing()

    def resume_reading(self) -> None:
        self.transport.resumeProducing()


class DeferredDriver:
    """A reactor; see L{driving.Driver}."""

    def __init__(
        self,
        reactor: IReactorTime,
        endpoint: IStreamClientEndpoint,
        server: str,
        *,
        is_secure: bool,
    ) -> None:
        """@param server: the endpoint in words that the user knows.
        @param is_secure: true if the endpoint is one with TLS.
        """
        self.seconds = reactor.seconds
        self._reactor = reactor
        self._endpoint = endpoint
        self._server = server
        self._is_secure = is_secure

    def soon(self, call: Callable[[], None]) -> IDelayedCall:
        return self._reactor.callLater(0, call)

    def later(self, seconds: float, call: Callable[[], None]) -> _Timer:
        return _Timer(self._reactor.callLater(seconds, call))

    def future(self) -> _Future:
        return _Future()

    def lock(self) -> DeferredLock:
        return DeferredLock()

    def start(self, work: Coroutine[Any, Any, None]) -> _Running:
        return _Running(work)

    async def connect(self, receiver: Receiver) -> None:
        protocol = _Protocol(receiver, is_secure=self._is_secure)
        try:
            connecting = connectProtocol(self._endpoint, protocol)
            await connecting.addTimeout(CONNECT_WITHIN, self._reactor)
            await protocol.ready.addTimeout(CONNECT_WITHIN, self._reactor)
        except defer.TimeoutError:
            if protocol.transport is not None:
                protocol.abort()
            raise Unreachable(f"{self._server} does not answer") from None
        except (ConnectError, OSError, ValueError) as error:
            raise Unreachable(f"cannot reach {self._server}: {_why(error)}") from None
        except Exception as error:
            if not self._is_secure:
                raise
            self._explain(error)

    def _explain(self, error: Exception) -> None:
        """Tell why there is no TLS: pyOpenSSL's errors are lists of (library, function, reason)."""
        if isinstance(error, ConnectionDone):
            raise Unreachable(f"cannot reach {self._server}: it closed the connection") from None
        if isinstance(error, VerificationError):
            raise NotLetIn(reasons.untrusted(self._server, "it is for another host")) from None
        if not isinstance(error, SSL.Error):
            raise error
        why = error.args[0][0][-1] if error.args and error.args[0] else ""
        if "certificate verify failed" in why:
            raise NotLetIn(reasons.untrusted(self._server, why)) from None
        raise NotLetIn(reasons.no_tls(self._server, why.replace(" ", "_").upper())) from None


def _why(error: Exception) -> str:
    number = getattr(error, "osError", None)
    return os.strerror(number) if number else str(error).rstrip(".")
