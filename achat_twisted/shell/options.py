"""The parameters that several commands for users take: the server to go to, and how to get in."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from achat_twisted.shell import config
from achat_twisted.shell.config import ConfigError, Server

Function = TypeVar("Function", bound=Callable[..., Any])

DEFAULT = "-"
"""The argument that stands for the server of the environment or the configuration."""

_FILE = click.Path(dir_okay=False)


def _find(context: click.Context, _: click.Parameter, said: str | None) -> Server:
    try:
        return config.read(os.environ).find(None if said == DEFAULT else said, os.environ)
    except ConfigError as error:
        raise click.UsageError(str(error), context) from None


def _complete(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The servers of the configuration that begin so; none, if that has a mistake."""
    try:
        servers = config.read(os.environ).servers
    except ConfigError:
        return []
    return [
        CompletionItem(name, help=f"{server.address.name}@{server.address.server}")
        for name, server in servers.items()
        if name.startswith(incomplete)
    ]


def server_argument(function: Function) -> Function:
    """Give a command the argument C{server}, a L{Server}: said, or of the configuration."""
    return _argument("[SERVER | NAME@HOST[:PORT]]", is_needed=False)(function)


def needed_server_argument(function: Function) -> Function:
    """The same for a command with further arguments; L{DEFAULT} stands for it if it is not said."""
    return _argument("SERVER|NAME@HOST[:PORT]", is_needed=True)(function)


def _argument(metavar: str, *, is_needed: bool) -> Callable[[Function], Function]:
    return click.argument(
        "server", required=is_needed, callback=_find, shell_complete=_complete, metavar=metavar
    )


def state_option(what: str) -> Callable[[Function], Function]:
    """Give a command the option C{state}, the path of a file."""
    return click.option("--state", type=_FILE, metavar="FILE", help=what)


def tls_options(function: Function) -> Function:
    """Give a command the options for TLS, which are made part of its argument C{server}."""

    @click.option("--tls", is_flag=True, help="Speak TLS, and check the server's certificate.")
    @click.option(
        "--ca",
        type=_FILE,
        metavar="FILE",
        help="Believe the authorities in FILE (PEM) instead of the system's; implies --tls.",
    )
    @click.option(
        "--cert",
        type=_FILE,
        metavar="FILE",
        help="Show the certificate in FILE (PEM); implies --tls.",
    )
    @click.option(
        "--key",
        type=_FILE,
        metavar="FILE",
        help="The key of that certificate, if it is in a file of its own.",
    )
    @wraps(function)
    def command(
        server: Server,
        tls: bool,
        ca: str | None,
        cert: str | None,
        key: str | None,
        **parameters: Any,
    ) -> Any:
        if key and not (cert or server.cert):
            raise click.UsageError("--key is of no use without --cert")
        secured = replace(
            server,
            tls=server.tls or tls or bool(ca or cert),
            ca=ca or server.ca,
            cert=cert or server.cert,
            key=key or (None if cert else server.key),
        )
        return function(server=secured, **parameters)

    return command  # type: ignore[return-value]
