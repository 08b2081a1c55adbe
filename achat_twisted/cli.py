"""The C{achat} command."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from getpass import getpass
from pkgutil import resolve_name
from typing import Any

import click
from twisted.application.internet import backoffPolicy
from twisted.internet import task
from twisted.internet.abstract import isIPv6Address
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint

from achat_twisted import __version__, wire
from achat_twisted.shell.conversation import Client
from achat_twisted.shell.files import Input, Output
from achat_twisted.shell.outgoing import Outgoing
from achat_twisted.shell.sockets import ReadToTheEnd
from achat_twisted.shell.terminal import Terminal
from achat_twisted.tools.clock import wait_steadily
from achat_twisted.tools.prompt import ask_secret

PORT = 8080
"""The port of a server, unless the address names one."""

RETRY = 60
"""The seconds for which an absent server is tried again, unless the user says otherwise."""

INTERRUPTED = 130
"""The exit code after Ctrl-C, as shells give it for a command that SIGINT has ended."""

SECRET = "ACHAT_SECRET"
"""The environment variable that holds the secret, if the address does not."""

_CONNECT_TIMEOUT = 10.0
_LONGEST_RETRY = 365 * 24 * 3600
_backoff = backoffPolicy(initialDelay=0.25, maxDelay=5.0)

_ADDRESS = re.compile(
    r"(?P<login>.*)@(\[(?P<ip>[0-9A-Fa-f:.]+(%[!-\\^-~]+)?)\]|(?P<host>[^]:[@\s]+))"
    r"(:(?P<port>[0-9]{1,5}))?",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Address:
    """A name and perhaps a secret, and the server to log in to."""

    login: wire.Login
    host: str
    port: int

    @property
    def server(self) -> str:
        """The server, as the user would write it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str) -> Address:
    """Parse NAME@HOST or NAME@HOST:PORT; the name may hold an @, and IPv6 addresses have brackets.

    Such an address may have a scope (RFC 4007, 11): C{fe80::1%eth0}.
    """
    match = _ADDRESS.fullmatch(text)
    if match is None:
        host = text.rpartition("@")[2]
        if isIPv6Address(host):
            raise click.BadParameter(f"an IPv6 address needs brackets: NAME@[{host}]")
        raise click.BadParameter(f"{text!r} is not NAME@HOST or NAME@HOST:PORT")
    port = int(match["port"] or PORT)
    if not 0 < port < 65536:
        raise click.BadParameter(f"the port must be from 1 to 65535, not {port}")
    try:
        login = wire.parse_login(wire.decode_line(os.fsencode(match["login"]), wire.MAX_LINE))
    except wire.WireError as error:
        raise click.BadParameter(f"NAME will not do: {error.notice.detail}") from None
    return Address(login, match["ip"] or match["host"], port)


def complete(
    login: wire.Login, environ: Mapping[str, str], ask: Callable[[str], str] = getpass
) -> wire.Login:
    """The login with its secret, which need not be given where all the machine can see it.

    @param ask: see L{ask_secret}.
    """
    if login.secret:
        return login
    secret = environ.get(SECRET) or None
    if secret is None and login.secret is not None:
        secret = ask_secret(login.name, f"put it into {SECRET}", ask=ask)
    return replace(login, secret=secret)


_ELSEWHERE = {
    "admin": "achat_twisted.operator.command:admin",
    "bench": "achat_twisted.bench.command:bench",
    "config": "achat_twisted.server.command:command",
    "passwd": "achat_twisted.login.command:passwd",
}
"""The commands that are imported only when they are used, by their words."""


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *_ELSEWHERE])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        command: click.Command | None = super().get_command(ctx, cmd_name)
        return resolve_name(_ELSEWHERE[cmd_name]) if cmd_name in _ELSEWHERE else command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="achat")
def main() -> None:
    """Chat over plain lines; twistd achat starts the server."""


@main.command()
@click.argument("address", type=parse_address, metavar="NAME@HOST[:PORT]")
@click.option(
    "--retry",
    type=click.IntRange(0, _LONGEST_RETRY),
    default=RETRY,
    show_default=True,
    metavar="SECONDS",
    help="How long to try again when the server is not there; 0 to leave when it goes.",
)
def chat(address: Address, retry: int) -> None:
    """Chat as NAME with the server at HOST.

    Each line of standard input is sent to the server: "bob: hi" posts hi to bob, and /help lists
    the commands. Messages go to standard output, all else to standard error. The end of input or
    /quit ends the chat, once all lines are sent and all messages have come.

    A secret that the server asks for is taken from the environment's ACHAT_SECRET, or with
    NAME:@HOST from the terminal. NAME:SECRET@HOST works too, but everybody on this machine can see
    it there.

    When the server restarts, the chat goes on, and the lines that the server has not taken in are
    sent again. If the connection breaks without the server's word on that, or the server has not
    answered for 90 seconds, the lines in doubt are shown.

    The exit code is 0 if every line was sent and confirmed, none was refused, and every message
    that came could be written to standard output; 1 if not, 130 after Ctrl-C.
    """
    address = replace(address, login=complete(address.login, os.environ))
    blocking = _open_standard_files()
    try:
        task.react(_chat, (address, retry, blocking))
    finally:
        _restore(blocking)


def _chat(reactor: Any, address: Address, retry: int, blocking: dict[int, bool]) -> Deferred[None]:
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
    reactor: Any, address: Address, retry: int, outgoing: Outgoing, terminal: Terminal
) -> None:
    client = Client(
        address.server,
        HostnameEndpoint(
            ReadToTheEnd(reactor), address.host, address.port, timeout=_CONNECT_TIMEOUT
        ),
        address.login,
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
