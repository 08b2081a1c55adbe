"""The clients of one measurement: they log in, and are gone when it is over."""

from __future__ import annotations

import os
import secrets
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import islice

from achat_twisted.bench.dialects import Dialect, probe, recognize
from achat_twisted.bench.failure import Failed
from achat_twisted.bench.loop import IN, OUT, WOULD_BLOCK, Loop
from achat_twisted.bench.servers import Server

AT_ONCE = 200
"""The number of clients that log in at the same time."""

_CHUNK = 4096

_ANSWER = 10.0
"""Seconds in which a server must answer the first login."""


def names(count: int, letter: str) -> list[str]:
    """Names of one length, which nobody has had at this server before."""
    unique, width = secrets.token_hex(2), len(str(count - 1))
    return [f"{letter}{unique}{number:0{width}}" for number in range(count)]


def meet(server: Server) -> tuple[Server, Dialect]:
    """Log in once, and return the server with the address that answers, and its dialect.

    @raise Failed: if it speaks none, or nothing, or knows no tags and its clients are to have them.
    """
    (name,) = names(1, "p")
    heard = b""
    try:
        with socket.create_connection(server.address, _ANSWER) as plain:
            host, port, *more = plain.getpeername()
            scope = f"%{more[1]}" if more and more[1] else ""  # of an IPv6 address, or none
            found = replace(server, address=(host + scope, port))
            client = _unchecked().wrap_socket(plain) if server.tls else plain
            with client:
                client.sendall(probe(name))
                while data := client.recv(_CHUNK):
                    heard += data
                    if dialect := recognize(name, heard):
                        return found, dialect.with_tags() if server.tagged else dialect
    except TimeoutError:
        raise Failed(f"it does not answer a login within {_ANSWER:g} seconds") from None
    except OSError as error:
        raise Failed(f"cannot log in: {error.strerror or error}") from None
    raise Failed("it closes the connection instead of answering a login")


class Crowd:
    """Clients of one server, on one loop.

    @ivar loop: the loop on which they wait.
    """

    def __init__(self, server: Server, dialect: Dialect) -> None:
        self.loop = Loop()
        self._dialect = dialect
        self._server = server
        self._context = _unchecked() if server.tls else None
        self._entries: list[_Entry] = []

    def __enter__(self) -> Crowd:
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.close()
        for entry in self._entries:
            entry.client.close()

    def log_in(self, names: Sequence[str], group: str = "") -> list[socket.socket]:
        """Log in with each of the names, and return the sockets in the same order.

        @param group: a name for all of them, where the server has such a thing.
        @raise Failed: if one is not let in.
        """
        entries = [
            _Entry(name, self._server.address, self._context, self._dialect, group)
            for name in names
        ]
        self._entries += entries
        self.loop.pending = len(entries)
        waiting = iter(entries)

        def next_one() -> None:
            for entry in islice(waiting, 1):
                entry.begin(self.loop, next_one)

        for _ in range(AT_ONCE):
            next_one()
        self.loop.run()
        return [entry.client for entry in entries]


class _Entry:
    """One client on its way in: steps that are each taken when its socket is ready.

    @ivar client: its socket.
    """

    def __init__(
        self,
        name: str,
        address: tuple[str, int],
        context: ssl.SSLContext | None,
        dialect: Dialect,
        group: str,
    ) -> None:
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.client = socket.socket(family)
        self._name = name
        self._address = address
        self._context = context
        self._dialect = dialect
        self._group = group

    def begin(self, loop: Loop, then: Callable[[], None]) -> None:
        """Come in, count down what is pending on the loop, and call C{then}."""
        steps = self._steps()
        self.client.setblocking(False)
        self.client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.client.connect_ex(self._address)
        fd = self.client.fileno()

        def ready(_events: int) -> None:
            try:
                loop.change(fd, next(steps))
            except StopIteration:
                loop.forget(fd)
                loop.pending -= 1
                then()
            except OSError as error:
                raise Failed(f"{self._name} cannot log in: {error.strerror or error}") from None

        loop.watch(fd, OUT, ready)

    def _steps(self) -> Iterator[int]:
        """From the connection to the answer; each step is an event that is waited for."""
        if code := self.client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(code, os.strerror(code))
        if self._context:
            yield from self._shake_hands(self._context)
        self.client.send(self._dialect.login(self._name, self._group))
        heard = b""
        while not self._dialect.is_in(self._name, heard):
            yield IN
            with suppress(*WOULD_BLOCK):
                data = self.client.recv(_CHUNK)
                if not data:
                    raise Failed(f"the connection was closed when {self._name} logged in")
                heard += data

    def _shake_hands(self, context: ssl.SSLContext) -> Iterator[int]:
        secure = context.wrap_socket(self.client, do_handshake_on_connect=False)
        self.client = secure
        while True:
            try:
                secure.do_handshake()
            except ssl.SSLWantReadError:
                yield IN
            except ssl.SSLWantWriteError:
                yield OUT
            else:
                return


def _unchecked() -> ssl.SSLContext:
    """TLS with any certificate: the work is measured, not the trust."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
