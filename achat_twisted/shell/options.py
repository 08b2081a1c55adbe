"""The argument that several commands for users take: the server to go to."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from achat_twisted.shell import config
from achat_twisted.shell.config import ConfigError, Server

Function = TypeVar("Function", bound=Callable[..., Any])


def _find(context: click.Context, _: click.Parameter, said: str | None) -> Server:
    try:
        return config.read(os.environ).find(said, os.environ)
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
    return click.argument(
        "server",
        required=False,
        callback=_find,
        shell_complete=_complete,
        metavar="[SERVER | NAME@HOST[:PORT]]",
    )(function)
