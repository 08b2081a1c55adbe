"""Asking for secrets: at the terminal, never at standard input."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from getpass import GetPassWarning, getpass

import click

INTERRUPTED = 130
"""The exit code after Ctrl-C, as shells give it for a command that SIGINT has ended."""


def ask_secret(
    name: str, instead: str, *, twice: bool = False, ask: Callable[[str], str] = getpass
) -> str:
    """Asks for the secret of C{name} at this process's terminal, whatever is piped in or out.

    @param instead: advice for the user if there is no terminal.
    @param twice: true if it must be typed twice.
    @param ask: asks a question, and does not show what is typed.
    @raise click.ClickException: if there is no terminal.
    @raise SystemExit: after Ctrl-C.
    """
    with warnings.catch_warnings():
        # Without a terminal getpass would read the secret from standard input, which may hold
        # lines to send; it warns of that first.
        warnings.simplefilter("error", GetPassWarning)
        try:
            while True:
                secret = ask(f"Secret of {name}: ")
                if secret and (not twice or ask("The same again: ") == secret):
                    return secret
                click.echo("It must not be empty." if not secret else "They differ.", err=True)
        except KeyboardInterrupt:
            click.echo(err=True)
            raise SystemExit(INTERRUPTED) from None
        except GetPassWarning:
            raise click.ClickException(
                f"there is no terminal to ask for the secret of {name} at; {instead}"
            ) from None
