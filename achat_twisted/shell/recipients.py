"""Recipients, as users and agents name them."""

from __future__ import annotations

from collections.abc import Iterable

import click

from achat_twisted import wire
from achat_twisted.client.errors import ChatError, UnusableLine
from achat_twisted.client.lines import check_room

_ROOM = "#"
"""The beginning of a room's name; the server knows the rest of the rules for them."""


class NoRecipient(ChatError):
    """Something that can be no recipient."""


def check_recipients(names: Iterable[str]) -> str:
    """Names and rooms, as a line that is posted begins.

    @raise NoRecipient: if one can be none.
    """
    trimmed = [name.strip() for name in names]
    for name in trimmed:
        if not name:
            raise NoRecipient("a name is missing; several go as ann,bob")
        try:
            wire.check_name(name.removeprefix(_ROOM) or name)
        except wire.Refused as error:
            raise NoRecipient(f"{name!r} is no name: {error.notice.detail}") from None
    return ", ".join(trimmed)


def parse_room(text: str) -> str:
    """A room, as it is named on a command line.

    @raise click.BadParameter: if it can be none.
    """
    try:
        return check_room(text.strip())
    except UnusableLine as error:
        raise click.BadParameter(str(error)) from None


def parse_recipients(text: str) -> str:
    """The same for C{TO[,TO…]} on a command line.

    @raise click.BadParameter: if one can be none.
    """
    try:
        return check_recipients(text.split(","))
    except NoRecipient as error:
        raise click.BadParameter(str(error)) from None
