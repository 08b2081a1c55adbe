"""The course of a command that chats: its connection, its event loop, the signals that end it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Coroutine, Iterable
from typing import IO, Any, NoReturn, Protocol

import click

from achat_twisted.client.address import Address
from achat_twisted.client.chat import Chat
from achat_twisted.client.errors import AddressError, StateError, StateInUse
from achat_twisted.client.events import Listener
from achat_twisted.client.opening import open_state
from achat_twisted.client.state import State
from achat_twisted.client.streams import connect
from achat_twisted.shell import exits
from achat_twisted.shell.config import Server
from achat_twisted.shell.escapes import harmless
from achat_twisted.shell.files import restored
from achat_twisted.shell.secrets import complete

LONGEST = 365 * 24 * 3600
"""The longest time that an option takes, in seconds."""

_SIGNALS = {signal.SIGINT: exits.INTERRUPTED, signal.SIGTERM: exits.TERMINATED}


class Interrupted(Exception):
    """A signal that ends the command.

    @ivar code: the exit code.
    """

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class NotNow(click.ClickException):
    """A command that cannot do its work now, and may later."""

    exit_code = exits.UNREACHED

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"achat: {harmless(self.message)}", file, err=True)


class Ending(Protocol):
    """Anything that may end the work before it is done."""

    async def wait(self) -> NoReturn:
        """@raise Interrupted: when the work is to end; if waited for again, when what is left to do
        is to be dropped, too.
        """


class Signals:
    """SIGINT and SIGTERM, as long as this is entered; each ends one L{wait}."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._codes: asyncio.Queue[int] = asyncio.Queue()

    def __enter__(self) -> Signals:
        for number, code in _SIGNALS.items():
            self._loop.add_signal_handler(number, self._codes.put_nowait, code)
        return self

    def __exit__(self, *_: object) -> None:
        for number in _SIGNALS:
            self._loop.remove_signal_handler(number)

    async def wait(self) -> NoReturn:
        """@raise Interrupted: when a signal has come that has ended no wait yet."""
        raise Interrupted(await self._codes.get())


def find_secret(server: Server) -> Address:
    """The server's address with the user's secret, see L{complete}.

    @raise click.UsageError: if it cannot be read.
    """
    try:
        return complete(server.address, os.environ, server.secret_file)
    except AddressError as error:
        raise click.UsageError(str(error)) from None


def open_file(path: str | None) -> State:
    """The state in a file; or one in memory, if there is no path.

    @raise click.UsageError: if it cannot be opened.
    @raise NotNow: if another program has it open.
    """
    try:
        return open_state(path)
    except StateInUse as error:
        raise NotNow(str(error)) from None
    except StateError as error:
        raise click.UsageError(str(error)) from None


def open_chat(
    server: Server,
    address: Address,
    state: State,
    *,
    retry: float | None,
    listener: Listener,
    only_sends: bool = False,
    rooms: bool = False,
) -> Chat:
    """A chat with the server.

    @param address: that of the server, with its secret.
    @param retry: the seconds for which it is tried if it is not there; None for ever.
    @raise click.UsageError: if a certificate cannot be used, or the state is somebody else's.
    """
    try:
        return connect(
            address,
            environ={},  # the secret has been found
            state=state,
            tls=server.tls,
            ca=server.ca if server.tls else None,
            cert=server.cert if server.tls else None,
            key=server.key if server.tls else None,
            only_sends=only_sends,
            rooms=rooms,
            retry=retry,
            listener=listener,
        )
    except (AddressError, StateError) as error:
        state.close()
        raise click.UsageError(str(error)) from None


def run(work: Coroutine[Any, Any, int]) -> NoReturn:
    """Run a command to its end, and exit with its code.

    It waits neither for a name server nor for anybody else then, and leaves the standard files as
    they were.
    """
    with restored():
        try:
            code = _run(work)
        except KeyboardInterrupt:  # which comes where no signal ends anything in order any more
            code = exits.INTERRUPTED
    if threading.active_count() > 1:
        # A thread may wait for a name server, and the interpreter would wait for that.
        sys.stdout.flush()
        os._exit(code)
    raise SystemExit(code)


def _run(work: Coroutine[Any, Any, int]) -> int:
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(work)
    finally:
        rest = asyncio.all_tasks(loop)
        for task in rest:
            task.cancel()
        loop.run_until_complete(_ended(rest))
        loop.close()


async def first(*work: Coroutine[Any, Any, object]) -> None:
    """Run all of it until one ends, or raises; the others are cancelled then."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await _ended(tasks)


async def _ended(tasks: Iterable[asyncio.Task[Any]]) -> None:
    await asyncio.gather(*tasks, return_exceptions=True)
