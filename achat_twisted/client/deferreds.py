"""The driver for Twisted: the same chat, with Deferreds, for those who live there::

    chat = connect(reactor, "bot@localhost")
    chat.start()
    chat.next().addCallback(answer)

In a coroutine, C{async with chat.chat} and all else works as it does with asyncio. This module
imports Twisted, and nothing else of the library does.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, TypeVar

from OpenSSL import SSL
from service_identity import VerificationError
from twisted.internet import defer
from twisted.internet.defer import CancelledError, Deferred, DeferredLock
from twisted.internet.endpoints import (
    HostnameEndpoint,
    TCP6ClientEndpoint,
    UNIXClientEndpoint,
    connectProtocol,
    wrapClientTLS,
)
from twisted.internet.error import ConnectError, ConnectionDone
from twisted.internet.interfaces import (
    IDelayedCall,
    IHandshakeListener,
    IReactorTime,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.ssl import (
    Certificate,
    PrivateCertificate,
    optionsForClientTLS,
    platformTrust,
    trustRootFromCertificates,
)
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from achat_twisted.client import reasons
from achat_twisted.client.address import Address
from achat_twisted.client.chat import Chat
from achat_twisted.client.conversation import Conversation
from achat_twisted.client.driving import Receiver
from achat_twisted.client.errors import AddressError, NotLetIn, Refusal, Unreachable
from achat_twisted.client.events import Listener
from achat_twisted.client.messages import Message, Posted, Posting
from achat_twisted.client.opening import find_address, open_state
from achat_twisted.client.state import State

CONNECT_WITHIN = 10.0
"""The seconds that a connection may take, TLS included."""

_T = TypeVar("_T")


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

    def close(self) -> None:
        self.transport.loseConnection()

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


class DeferredChat:
    """A chat whose methods return Deferreds; see L{Chat} for what they promise.

    To cancel one is to cancel the waiting: a line that is posted is not unsaid.

    @ivar chat: the chat itself, for coroutines.
    """

    def __init__(self, chat: Chat) -> None:
        self.chat = chat

    def start(self) -> Deferred[Chat]:
        """Look for the server from now on; does not wait for it."""
        return _deferred(self.chat.__aenter__())

    def close(self, *, in_order: bool = True) -> Deferred[None]:
        """See L{Chat.close}."""
        return _deferred(self.chat.close(in_order=in_order))

    def next(self) -> Deferred[Message]:
        """See L{Chat.next}."""
        return _deferred(self.chat.next())

    def done(self, message: Message) -> Deferred[None]:
        """See L{Message.done}."""
        return _deferred(message.done())

    def post(self, to: str | Iterable[str], text: str) -> Deferred[Posted]:
        """See L{Chat.post}."""
        return _deferred(self.chat.post(to, text))

    def say(self, line: str) -> Deferred[Posted]:
        """See L{Chat.say}."""
        return _deferred(self.chat.say(line))

    def submit(self, lines: Iterable[str]) -> Deferred[list[Posting]]:
        """See L{Chat.submit}."""
        return _deferred(self.chat.submit(lines))

    def sync(self) -> Deferred[None]:
        """See L{Chat.sync}."""
        return _deferred(self.chat.sync())

    def ready(self) -> Deferred[None]:
        """See L{Chat.ready}."""
        return _deferred(self.chat.ready())

    def who(self) -> Deferred[list[str]]:
        """See L{Chat.who}."""
        return _deferred(self.chat.who())

    def ping(self) -> Deferred[None]:
        """See L{Chat.ping}."""
        return _deferred(self.chat.ping())

    def refusals(self) -> list[Refusal]:
        """See L{Chat.refusals}."""
        return self.chat.refusals()


def _deferred(coroutine: Coroutine[Any, Any, _T]) -> Deferred[_T]:
    return Deferred.fromCoroutine(coroutine)


def connect(
    reactor: Any,
    address: str | Address,
    *,
    secret: str | None = None,
    secret_file: str | None = None,
    environ: Mapping[str, str] = os.environ,
    state: str | os.PathLike[str] | State | None = None,
    tls: bool = False,
    ca: str | None = None,
    cert: str | None = None,
    key: str | None = None,
    only_sends: bool = False,
    retry: float | None = None,
    listener: Listener | None = None,
    endpoint: IStreamClientEndpoint | None = None,
) -> DeferredChat:
    """A chat that waits for L{DeferredChat.start}, or for C{async with} on its C{chat}.

    The arguments are those of L{streams.connect}, and so are the errors.

    @param reactor: the reactor; its clock should be one that nobody can set.
    @param endpoint: where to connect instead of what the address names; TLS is then its own affair.
    """
    parsed = find_address(address, environ, secret, secret_file)
    is_secure = endpoint is None and bool(tls or ca or cert)
    is_clear = endpoint is None and not (is_secure or parsed.path)
    if endpoint is None:
        endpoint = _endpoint(reactor, parsed)
    if is_secure:
        if parsed.path:
            raise AddressError("a unix socket needs no TLS")
        endpoint = wrapClientTLS(_tls_options(parsed, ca, cert, key), endpoint)
    driver = DeferredDriver(reactor, endpoint, parsed.server, is_secure=is_secure)
    kept = open_state(state)
    conversation = Conversation(
        parsed,
        kept,
        driver.seconds(),
        only_sends=only_sends,
        is_clear=is_clear,
        retry=retry,
    )
    return DeferredChat(Chat(conversation, kept, driver, listener))


def _endpoint(reactor: Any, address: Address) -> IStreamClientEndpoint:
    if address.path:
        return UNIXClientEndpoint(reactor, address.path, timeout=CONNECT_WITHIN)
    if ":" in address.host:  # which keeps its scope that way
        return TCP6ClientEndpoint(reactor, address.host, address.port, timeout=CONNECT_WITHIN)
    return HostnameEndpoint(reactor, address.host, address.port, timeout=CONNECT_WITHIN)


def _tls_options(address: Address, ca: str | None, cert: str | None, key: str | None) -> Any:
    trust, shown = platformTrust(), None
    if ca is not None:
        trust = trustRootFromCertificates(_certificates(ca))
    if cert is not None:
        pem = _read(cert) + (_read(key) if key is not None else b"")
        shown = PrivateCertificate.loadPEM(pem)
    return optionsForClientTLS(address.hostname, trust, shown)


def _certificates(path: str) -> list[Certificate]:
    end = b"-----END CERTIFICATE-----"
    return [Certificate.loadPEM(part + end) for part in _read(path).split(end)[:-1]]


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise AddressError(f"cannot read the certificate in {path}: {error.strerror}") from None
