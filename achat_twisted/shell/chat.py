"""C{achat chat}: a chat in a terminal or a pipe."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

import click
from twisted.application.internet import backoffPolicy
from twisted.internet import task
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint

from achat_twisted import wire
from achat_twisted.client.address import Address
from achat_twisted.client.errors import AddressError
from achat_twisted.shell.config import Server
from achat_twisted.shell.conversation import Client
from achat_twisted.shell.files import Input, Output
from achat_twisted.shell.options import server_argument
from achat_twisted.shell.outgoing import Outgoing
from achat_twisted.shell.secrets import complete
from achat_twisted.shell.sockets import ReadToTheEnd
from achat_twisted.shell.terminal import Terminal
from achat_twisted.tools.clock import wait_steadily
from achat_twisted.tools.parameters import duration

RETRY = 60
"""The seconds for which an absent server is tried again, unless the user says otherwise."""

INTERRUPTED = 130
"""The exit code after Ctrl-C, as shells give it for a command that SIGINT has ended."""

_CONNECT_TIMEOUT = 10.0
_LONGEST_RETRY = 365 * 24 * 3600
_backoff = backoffPolicy(initialDelay=0.25, maxDelay=5.0)


@click.command()
@server_argument
@click.option(
    "--retry",
    type=duration(_LONGEST_RETRY),
    default=RETRY,
    show_default=True,
    metavar="TIME",
    help="How long to try again when the server is not there: seconds, or such as 5m; 0 to leave"
    " when it goes.",
)
def chat(server: Server, retry: float) -> None:
    """Chat as NAME with the server at HOST.

    Each line of standard input is sent to the server: "bob: hi" posts hi to bob, and /help lists
    the commands. Messages go to standard output, all else to standard error. The end of input or
    /quit ends the chat, once all lines are sent and all messages have come.

    SERVER is one that ~/.config/achat/config.toml names. Without an argument ACHAT_ADDRESS in the
    environment says where to, or else that file.

    A secret that the server asks for is taken from a file that the configuration names, from the
    environment's ACHAT_SECRET, or with NAME:@HOST from the terminal. NAME:SECRET@HOST works too,
    but everybody on this machine can see it there.

    When the server restarts, the chat goes on, and the lines that the server has not taken in are
    sent again. If the connection breaks without the server's word on that, or the server has not
    answered for 90 seconds, the lines in doubt are shown.

    The exit code is 0 if every line was sent and confirmed, none was refused, and every message
    that came could be written to standard output; 1 if not, 130 after Ctrl-C.
    """
    if server.tls or server.address.path:
        how = "over TLS" if server.tls else "by a unix socket"
        raise click.UsageError(
            f"{server.address.server} is to be reached {how}, which achat chat does not do"
        )
    try:
        address = complete(server.address, os.environ, server.secret_file)
    except AddressError as error:
        raise click.UsageError(str(error)) from None
    blocking = _open_standard_files()
    try:
        task.react(_chat, (address, retry, blocking))
    finally:
        _restore(blocking)


def _chat(
    reactor: Any, address: Address, retry: float, blocking: dict[int, bool]
) -> Deferred[None]:
    wait_steadily(reactor)
    outgoing = Outgoing()
    terminal = Terminal(
        outgoing, Output(1, "standard output", reactor), Output(2, "standard error", reactor)
    )
    Input(0, terminal, reactor)
    left = Deferred.fromCoroutine(_converse(reactor, address, retry, outgoing, terminal))

    def leave_at_once() -> None:
        # An orderly end of the reactor would wait for its threads, and thus for a name server.
        if not left.called:
            if unshown := terminal.interrupt():
                # There may be more in the kernel, as nothing is read while the output is full.
                with suppress(OSError):
                    os.write(2, f"achat: at least {unshown}\n".encode())
            _restore(blocking)
            os._exit(INTERRUPTED)

    reactor.addSystemEventTrigger("before", "shutdown", leave_at_once)
    return left


async def _converse(
    reactor: Any, address: Address, retry: float, outgoing: Outgoing, terminal: Terminal
) -> None:
    client = Client(
        address.server,
        HostnameEndpoint(
            ReadToTheEnd(reactor), address.host, address.port, timeout=_CONNECT_TIMEOUT
        ),
        wire.Login(address.name, address.secret),
        outgoing,
        terminal,
        clock=reactor,
        retry=retry,
        backoff=_backoff,
    )
    code = await client.run()
    await terminal.close()
    raise SystemExit(code)


def _open_standard_files() -> dict[int, bool]:
    """Make sure that there are standard files; returns which of them block, to be restored.

    One that was closed is replaced by one that is at its end, and takes nothing: lines for it are
    lost, and the exit code says so. The mode belongs to the open file, not to the process: other
    processes that share it would be surprised.
    """
    for fd in range(3):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDONLY)
    return {fd: os.get_blocking(fd) for fd in range(3)}


def _restore(blocking: dict[int, bool]) -> None:
    for fd, mode in blocking.items():
        os.set_blocking(fd, mode)
