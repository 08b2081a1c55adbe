"""Recipients, as they stand on a command line."""

from __future__ import annotations

import click

from achat_twisted import wire

_ROOM = "#"
"""What the names of rooms begin with; the server knows the rest of their rules."""


def parse_recipients(text: str) -> str:
    """The recipients in C{TO[,TO…]}, as a line that is posted begins.

    @raise click.BadParameter: if one can be no recipient.
    """
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if not name:
            raise click.BadParameter(f"a name is missing in {text!r}; several go as ann,bob")
        try:
            wire.check_name(name.removeprefix(_ROOM) or name)
        except wire.Refused as error:
            raise click.BadParameter(f"{name!r} is no name: {error.notice.detail}") from None
    return ", ".join(names)
