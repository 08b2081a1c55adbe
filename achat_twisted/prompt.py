"""Secrets, asked for at the terminal, never at standard input."""

from __future__ import annotations

import warnings
from getpass import GetPassWarning

import click


def ask_secret(name: str, instead: str, confirmation_prompt: str | bool = False) -> str:
    """Ask for the secret of C{name}, at the terminal that this process has, whatever is piped in.

    @param instead: what to do where there is no terminal.
    @param confirmation_prompt: how to ask for it once more, or not.
    @raise click.ClickException: if there is no terminal.
    """
    with warnings.catch_warnings():
        # Without a terminal getpass, which click uses, would read the secret from standard input.
        # That is somebody's lines; and it warns of that first.
        warnings.simplefilter("error", GetPassWarning)
        try:
            secret: str = click.prompt(
                f"Secret of {name}",
                hide_input=True,
                confirmation_prompt=confirmation_prompt,
                err=True,
            )
        except GetPassWarning:
            raise click.ClickException(
                f"there is no terminal to ask for the secret of {name} at; {instead}"
            ) from None
    return secret
