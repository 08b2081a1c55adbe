"""C{achat admin}: the operator's command line."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import click

from achat_twisted.operator import protocol
from achat_twisted.operator.asking import TIMEOUT, ask
from achat_twisted.operator.protocol import Facts
from achat_twisted.tools.parameters import duration

INTERRUPTED = 130
"""The exit code after Ctrl-C."""

_JSON = f"{__name__}.json"
"""The key for C{--json} in what nested commands share."""

Function = TypeVar("Function", bound=Callable[..., Any])


def _default_socket() -> Path:
    folder = os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    return Path(folder or "/run/achat", protocol.SOCKET)


def _wants_json(context: click.Context, _: click.Parameter, value: bool) -> None:
    context.meta[_JSON] = context.meta.get(_JSON) or value


_json = click.option(
    "--json",
    is_flag=True,
    expose_value=False,
    callback=_wants_json,
    help="Print each part of the answer as a JSON object, one a line.",
)
"""The option of the whole and of each of its parts, so that its place does not matter."""


@click.group()
@click.option(
    "path",
    "--socket",
    type=click.Path(readable=False, path_type=Path),  # ask has a clearer message
    default=_default_socket,
    show_default="admin.sock in $RUNTIME_DIRECTORY, or else in /run/achat",
    help="The server's --admin socket.",
)
@_json
@click.pass_context
def admin(context: click.Context, path: Path) -> None:
    """Look after a server, on its own machine.

    The exit code is 0 if it is done, and 1 if it is refused or there is no server.
    """
    context.obj = path


def _action(function: Function) -> click.Command:
    """A command of the operator's, which is given the path of the server's socket first."""
    return admin.command()(_json(click.pass_obj(function)))


@_action
def who(path: Path) -> None:
    """List the sessions.

    For each: lines taken in from it; bytes queued for it, or sent but not yet acknowledged by its
    machine. If it has a tag: the messages and bytes that were sent and not got, and since when.
    """
    _show_table(ask(path, "who"), nothing="nobody is here")


@_action
@click.argument("name")
def kick(path: Path, name: str) -> None:
    """End the session of NAME; the lines it has not got wait in its mailbox."""
    _show(ask(path, "kick", name))


@_action
def stats(path: Path) -> None:
    """Show what has become of all copies, and how many clients there are."""
    _show(ask(path, "stats"))


@_action
@click.argument("name")
def mail(path: Path, name: str) -> None:
    """Show how many lines wait for NAME, and the bytes they count for; never what they say.

    If NAME has tags, there is a line for each: whether it is here, the number of its lines that are
    taken in, its refusals that wait to be confirmed, and what was sent to it and not got.
    """
    amount, *tags = ask(path, "mail", name)
    _show([amount])
    if tags:
        if not _is_json():
            click.echo()
        _show_table(tags)


@_action
@click.option(
    "--most",
    type=click.IntRange(1, 10_000),
    default=20,
    show_default=True,
    metavar="NUMBER",
    help="How many are listed.",
)
def mailboxes(path: Path, most: int) -> None:
    """List the mailboxes by the bytes that they take, the largest first.

    For each: the lines that wait; the bytes that count towards --mailbox-limit; and the tags, which
    count towards it as well.
    """
    _show_table(ask(path, "mailboxes", str(most)), nothing="nothing is kept for anybody")


@_action
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
def purge(path: Path, name: str, yes: bool) -> None:
    """Throw away all lines that wait for NAME, for ever.

    A session that NAME has is ended first, as by kick. The ledger counts the lines as expired.
    """
    if not yes:
        amount, *_ = ask(path, "mail", name)
        click.confirm(
            f"Throw away what waits for {name}, {amount['kept']} lines or more, and end its"
            " session if it has one?",
            abort=True,
            err=True,
        )
    _show(ask(path, "purge", name))


@_action
def reload(path: Path) -> None:
    """Have the server read its configuration file and certificates again.

    Each option that has changed is listed, with when the new value takes effect. If anything is
    wrong all stays as it was, and the exit code is 1, with a sentence that says what.
    """
    _show_table(ask(path, "reload"), nothing="no option has changed")


@_action
@click.option(
    "--deadline",
    type=duration(86_400),
    default=60,
    show_default=True,
    metavar="TIME",
    help="How long to wait for the sessions to leave: seconds, or such as 5m.",
)
@click.option("--off", is_flag=True, help="Let everybody in again.")
def drain(path: Path, deadline: float, off: bool) -> None:
    """Let nobody new in, and wait until all sessions have left.

    Nobody is let in until --off or a restart, even if somebody is still here at the deadline, or
    after Ctrl-C.
    """
    if off:
        _show(ask(path, "drain", "off"))
        return
    try:
        for row in ask(path, "drain", f"{deadline:.15g}", TIMEOUT + deadline):
            if _is_json():
                _show([row])
            else:
                click.echo(f"still here: {row['sessions']}")
    except KeyboardInterrupt:
        click.echo("nobody new is let in, until achat admin drain --off", err=True)
        sys.exit(INTERRUPTED)
    if not _is_json():
        click.echo("all have left")


def _is_json() -> bool:
    return bool(click.get_current_context().meta[_JSON])


def _show(rows: Iterable[Facts]) -> None:
    for row in rows:
        if _is_json():
            click.echo(json.dumps(row, ensure_ascii=False))
            continue
        width = max(map(len, row))
        for key, value in row.items():
            click.echo(f"{key:{width}}  {value}")


def _show_table(facts: Iterable[Facts], nothing: str = "") -> None:
    """Show rows that have the same facts; C{nothing}, on standard error, if there are none."""
    if _is_json():
        _show(facts)
        return
    rows = [{key: str(value) for key, value in row.items()} for row in facts]
    if not rows:
        click.echo(nothing, err=True)
        return
    table = [{key: key.upper() for key in rows[0]}, *rows]
    widths = {key: max(len(row[key]) for row in table) for key in rows[0]}
    for row in table:
        click.echo("  ".join(row[key].ljust(width) for key, width in widths.items()).rstrip())
