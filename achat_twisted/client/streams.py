"""The driver for asyncio, and L{connect}, with which most programs begin."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any

from achat_twisted.client.address import Address
from achat_twisted.client.chat import Chat
from achat_twisted.client.conversation import Conversation
from achat_twisted.client.driving import Receiver
from achat_twisted.client.errors import AddressError, NotLetIn, Unreachable
from achat_twisted.client.events import Listener
from achat_twisted.client.opening import find_address, open_state
from achat_twisted.client.reasons import no_tls, untrusted
from achat_twisted.client.state import State
from achat_twisted.client.tls import make_context

if TYPE_CHECKING:
    from ssl import SSLContext

CONNECT_WITHIN = 10.0
"""The seconds that a connection may take, TLS included."""

_NEXT_ADDRESS = 0.25
"""The seconds after which a host's next address is tried as well (RFC 8305, 5)."""


class _Future(asyncio.Future[None]):
    def fire(self) -> None:
        if not self.done():
            self.set_result(None)


class _Protocol(asyncio.Protocol):
    """One connection."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._receiver.made(transport)

    def data_received(self, data: bytes) -> None:
        self._receiver.received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._receiver.lost(_why(exc))


def _why(error: Exception | None) -> str:
    if error is None:
        return "the connection was closed"
    if isinstance(error, OSError) and error.errno and error.errno > 0:
        return f"the connection broke: {os.strerror(error.errno)}"
    return f"the connection broke: {error}"


class AsyncioDriver:
    """An event loop of asyncio's; see L{driving.Driver}."""

    def __init__(self, address: Address, tls: SSLContext | None) -> None:
        self._loop = asyncio.get_running_loop()
        self._address = address
        self._tls = tls
        self.seconds = self._loop.time
        self.soon = self._loop.call_soon
        self.later = self._loop.call_later

    def future(self) -> _Future:
        return _Future(loop=self._loop)

    def lock(self) -> asyncio.Lock:
        return asyncio.Lock()

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        return self._loop.create_task(work)

    async def connect(self, receiver: Receiver) -> None:
        try:
            async with asyncio.timeout(CONNECT_WITHIN):
                await self._connect(lambda: _Protocol(receiver))
        except TimeoutError:
            raise Unreachable(f"{self._address.server} does not answer") from None
        except OSError as error:
            self._explain(error)

    async def _connect(self, factory: Callable[[], _Protocol]) -> None:
        address = self._address
        if address.path:
            await self._loop.create_unix_connection(factory, address.path)
            return
        await self._loop.create_connection(
            factory,
            address.host,
            address.port,
            ssl=self._tls,
            server_hostname=address.hostname if self._tls else None,
            happy_eyeballs_delay=_NEXT_ADDRESS,
        )

    def _explain(self, error: OSError) -> None:
        server = self._address.server
        if self._tls is not None:
            import ssl

            if isinstance(error, ssl.SSLCertVerificationError):
                raise NotLetIn(untrusted(server, error.verify_message)) from None
            if isinstance(error, ssl.SSLError):
                raise NotLetIn(no_tls(server, error.reason)) from None
        raise Unreachable(f"cannot reach {server}: {_sentence(error)}") from None


def _sentence(error: OSError) -> str:
    """The reason alone; for several addresses asyncio puts all of them into one text."""
    if found := re.search(r"\[Errno (\d+)\]", str(error)):
        return os.strerror(int(found[1]))
    return error.strerror or str(error) or "it has closed the connection at once"


def connect(
    address: str | Address,
    *,
    secret: str | None = None,
    secret_file: str | None = None,
    environ: Mapping[str, str] = os.environ,
    state: str | os.PathLike[str] | State | None = None,
    tls: bool | SSLContext = False,
    ca: str | None = None,
    cert: str | None = None,
    key: str | None = None,
    only_sends: bool = False,
    device: bool = False,
    rooms: bool = False,
    retry: float | None = None,
    listener: Listener | None = None,
) -> Chat:
    """A chat, to be entered with C{async with}; to be called in a coroutine.

    It needs a server that knows C{/resume}: achat 0.2 or later, without C{--plain}; for rooms and
    devices one that knows these.

    @param address: C{NAME[:SECRET]@HOST[:PORT]}, C{NAME@[IPv6%scope]:PORT} or C{NAME@unix:PATH}.
    @param secret: one that is given by itself, before all others.
    @param secret_file: the path of a file whose first line is the secret, if the address has none.
    @param environ: where C{ACHAT_SECRET} is looked up, if no other secret is given.
    @param state: the path of a file, which is made if it is not there: lines posted while no server
        is there, or before a crash, arrive exactly once, and messages may be worked off exactly
        once. One file is for one name, and for one program at a time. Without it both hold as long
        as the chat lasts.
    @param tls: true to check the server's certificate against C{ca}, or else the system's
        authorities; or a context of your own.
    @param ca: the path of a PEM file; implies C{tls}, as does C{cert}.
    @param cert: the path of a PEM file with a certificate to show, and perhaps its key.
    @param key: the path of the key, if it is in a file of its own.
    @param only_sends: true to get no messages and take nobody's place, so that many programs may
        post under one name at once.
    @param device: true for one of several programs or terminals of the name that are there at once:
        each gets all messages, whatever the others have got, and nobody is replaced. A state is for
        a device or for none, not for both.
    @param rooms: true to hear what is said in the rooms of the name, and to L{Chat.join} more.
        Without it nothing comes of them, but one may post to them.
    @param retry: the seconds for which a server is tried that is not there; None for ever.
    @param listener: hears of connections, notices, and the fate of lines.
    @raise AddressError: if the address is none, or a secret or certificate cannot be read.
    @raise StateError: if the state cannot be opened, or belongs to another name, or to another kind
        of login.
    @raise ValueError: if it C{only_sends}, and is to be a device, or to hear rooms.
    """
    parsed = find_address(address, environ, secret, secret_file)
    if tls is False and (ca or cert):
        tls = True
    if tls and parsed.path:
        raise AddressError("a unix socket needs no TLS")
    context = make_context(ca, cert, key) if tls is True else tls or None
    driver = AsyncioDriver(parsed, context)
    kept = open_state(state)
    conversation = Conversation(
        parsed,
        kept,
        driver.seconds(),
        only_sends=only_sends,
        device=device,
        rooms=rooms,
        is_clear=context is None and not parsed.path,
        retry=retry,
    )
    return Chat(conversation, kept, driver, listener)
