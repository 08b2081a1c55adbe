"""The chat for Twisted: the same, with Deferreds, for those who live there::

    chat = connect(reactor, "bot@localhost")
    chat.start()
    chat.next().addCallback(answer)

In a coroutine, C{async with chat.chat} and all else works as it does with asyncio. This module and
L{reactors} import Twisted, and nothing else of the library does.
"""

from __future__ import annotations

import os
from collections.abc import Coroutine, Iterable, Mapping
from typing import Any, TypeVar

from OpenSSL import SSL, crypto
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import (
    HostnameEndpoint,
    TCP6ClientEndpoint,
    UNIXClientEndpoint,
    wrapClientTLS,
)
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.ssl import (
    Certificate,
    PrivateCertificate,
    optionsForClientTLS,
    platformTrust,
    trustRootFromCertificates,
)

from achat_twisted.client.address import Address
from achat_twisted.client.chat import Chat
from achat_twisted.client.conversation import Conversation
from achat_twisted.client.errors import AddressError, Refusal
from achat_twisted.client.events import Listener
from achat_twisted.client.messages import Logged, Members, Message, Posted, Posting
from achat_twisted.client.opening import find_address, open_state
from achat_twisted.client.reactors import CONNECT_WITHIN, DeferredDriver
from achat_twisted.client.state import State

_T = TypeVar("_T")


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

    def join(self, room: str) -> Deferred[None]:
        """See L{Chat.join}."""
        return _deferred(self.chat.join(room))

    def part(self, room: str) -> Deferred[None]:
        """See L{Chat.part}."""
        return _deferred(self.chat.part(room))

    def members(self, room: str) -> Deferred[Members]:
        """See L{Chat.members}."""
        return _deferred(self.chat.members(room))

    def log(self, room: str, lines: int = 20, before: int | None = None) -> Deferred[list[Logged]]:
        """See L{Chat.log}."""
        return _deferred(self.chat.log(room, lines, before))

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
    device: bool = False,
    rooms: bool = False,
    retry: float | None = None,
    listener: Listener | None = None,
    endpoint: IStreamClientEndpoint | None = None,
) -> DeferredChat:
    """A chat that waits for L{DeferredChat.start}, or for C{async with} on its C{chat}.

    The arguments are those of L{streams.connect}, and so are the errors. Of C{cert} the first
    certificate is shown, without others that vouch for it.

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
        device=device,
        rooms=rooms,
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
        try:
            shown = PrivateCertificate.loadPEM(pem)
        except (SSL.Error, crypto.Error, ValueError) as error:
            raise AddressError(f"cannot use the certificate in {cert}: {_reason(error)}") from None
    return optionsForClientTLS(address.hostname, trust, shown)


def _certificates(path: str) -> list[Certificate]:
    end = b"-----END CERTIFICATE-----"
    try:
        certificates = [Certificate.loadPEM(part + end) for part in _read(path).split(end)[:-1]]
    except (SSL.Error, crypto.Error, ValueError) as error:
        raise AddressError(f"cannot read the authorities in {path}: {_reason(error)}") from None
    if not certificates:
        raise AddressError(f"cannot read the authorities in {path}: it holds no certificate")
    return certificates


def _reason(error: Exception) -> str:
    """The reason alone: pyOpenSSL's errors are lists of (library, function, reason)."""
    told = error.args[0] if error.args else ""
    return told[0][-1] if isinstance(told, list) and told else str(told) or "it is not in PEM"


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise AddressError(f"cannot read the certificate in {path}: {error.strerror}") from None
