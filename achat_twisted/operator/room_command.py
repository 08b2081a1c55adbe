"""C{achat admin room}: rooms, from the operator's command line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from achat_twisted.operator.asking import ask
from achat_twisted.operator.showing import show, show_table, with_json


@click.group()
def room() -> None:
    """Make rooms, and say who may do what in them."""


def _ask(path: Path, word: str, name: str, names: Sequence[str] = ()) -> None:
    request = f"{word} {name} {', '.join(names)}".rstrip()
    show(ask(path, "room", request))


@room.command("list")
@with_json
@click.pass_obj
def list_rooms(path: Path) -> None:
    """List the rooms: who is in them, what is kept, and who may do what."""
    show_table(ask(path, "room", "list"), nothing="there are no rooms")


@room.command()
@click.argument("name", metavar="#ROOM")
@click.argument("owners", nargs=-1, metavar="[OWNER]...")
@with_json
@click.pass_obj
def add(path: Path, name: str, owners: tuple[str, ...]) -> None:
    """Make a room that everybody may join, with these owners."""
    _ask(path, "add", name, owners)


@room.command()
@click.argument("name", metavar="#ROOM")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_json
@click.pass_obj
def remove(path: Path, name: str, yes: bool) -> None:
    """Remove a room, with all that was said in it, for ever.

    The ledger counts what members have not got as expired.
    """
    if not yes:
        click.confirm(f"Remove {name}, and all that was said in it?", abort=True, err=True)
    _ask(path, "remove", name)


@room.command()
@click.argument("name", metavar="#ROOM")
@with_json
@click.pass_obj
def members(path: Path, name: str) -> None:
    """List who is in a room, and how many of its lines each has not got."""
    show_table(ask(path, "room", f"members {name}"), nothing="nobody is in it")


@room.command("let-in")
@click.argument("name", metavar="#ROOM")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@with_json
@click.pass_obj
def let_in(path: Path, name: str, names: tuple[str, ...]) -> None:
    """Let names into a room, from its next line on."""
    _ask(path, "let-in", name, names)


@room.command("put-out")
@click.argument("name", metavar="#ROOM")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@with_json
@click.pass_obj
def put_out(path: Path, name: str, names: tuple[str, ...]) -> None:
    """Put names out of a room; what they have not got is thrown away."""
    _ask(path, "put-out", name, names)


@room.command("open")
@click.argument("name", metavar="#ROOM")
@with_json
@click.pass_obj
def open_room(path: Path, name: str) -> None:
    """Let everybody join a room."""
    _ask(path, "open", name)


@room.command("closed")
@click.argument("name", metavar="#ROOM")
@with_json
@click.pass_obj
def closed(path: Path, name: str) -> None:
    """Let nobody join a room but those whom an owner lets in."""
    _ask(path, "closed", name)


@room.command()
@click.argument("name", metavar="#ROOM")
@click.argument("names", nargs=-1, metavar="[OWNER]...")
@with_json
@click.pass_obj
def owners(path: Path, name: str, names: tuple[str, ...]) -> None:
    """Say who owns a room; nobody, without a name."""
    _ask(path, "owners", name, names)
