"""C{achat admin}: the operator's command line."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from achat_twisted.operator import protocol
from achat_twisted.operator.asking import TIMEOUT, ask
from achat_twisted.operator.room_command import room
from achat_twisted.operator.showing import is_json, show, show_table, with_json
from achat_twisted.tools.parameters import duration
from achat_twisted.tools.prompt import INTERRUPTED

_AT_ONCE = 2.0
"""The seconds for which a shell waits for the names that it offers."""

Function = TypeVar("Function", bound=Callable[..., Any])


def _default_socket() -> Path:
    folder = os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    return Path(folder or "/run/achat", protocol.SOCKET)


@click.group()
@click.option(
    "path",
    "--socket",
    type=click.Path(readable=False, path_type=Path),  # ask has a clearer message
    default=_default_socket,
    show_default="admin.sock in $RUNTIME_DIRECTORY, or else in /run/achat",
    help="The server's --admin socket.",
)
@with_json
@click.pass_context
def admin(context: click.Context, path: Path) -> None:
    """Look after a server, on its own machine.

    The exit code is 0 if it is done, and 1 if it is refused or there is no server.
    """
    context.obj = path


def _name_argument(word: str, argument: str = "") -> Callable[[Function], Function]:
    """The argument C{name}, for which a shell offers the names in the answer to a request."""

    def complete(context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
        group = context.parent.params if context.parent else {}
        try:
            path = group.get("path") or _default_socket()
            rows = [*ask(path, word, argument, timeout=_AT_ONCE)]
        except click.ClickException:
            return []
        return [name for row in rows if (name := str(row["name"])).startswith(incomplete)]

    return click.argument("name", shell_complete=complete)


def _action(function: Function) -> click.Command:
    """A command of the operator's, which is given the path of the server's socket first."""
    return admin.command()(with_json(click.pass_obj(function)))


@_action
def who(path: Path) -> None:
    """List the sessions.

    For each: lines taken in from it; bytes queued for it, or sent but not yet acknowledged by its
    machine. If it has a tag: the messages and bytes that were sent and not got, and since when.
    """
    show_table(ask(path, "who"), nothing="nobody is here")


@_action
@_name_argument("who")
def kick(path: Path, name: str) -> None:
    """End the session of NAME; the lines it has not got wait in its mailbox."""
    show(ask(path, "kick", name))


@_action
def stats(path: Path) -> None:
    """Show what has become of all copies, and how many clients there are."""
    show(ask(path, "stats"))


@_action
@_name_argument("mailboxes", "100")
def mail(path: Path, name: str) -> None:
    """Show how many lines wait for NAME, and the bytes they count for; never what they say.

    If NAME has tags, there is a line for each: whether it is here, the number of its lines that are
    taken in, its refusals that wait to be confirmed, and what was sent to it and not got.
    """
    amount, *tags = ask(path, "mail", name)
    show([amount])
    if tags:
        if not is_json():
            click.echo()
        show_table(tags)


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
    show_table(ask(path, "mailboxes", str(most)), nothing="nothing is kept for anybody")


@_action
@_name_argument("mailboxes", "100")
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
    show(ask(path, "purge", name))


@_action
def reload(path: Path) -> None:
    """Have the server read its configuration file and certificates again.

    Each option that has changed is listed, with when the new value takes effect. If anything is
    wrong all stays as it was, and the exit code is 1, with a sentence that says what.
    """
    show_table(ask(path, "reload"), nothing="no option has changed")


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
        show(ask(path, "drain", "off"))
        return
    try:
        for row in ask(path, "drain", f"{deadline:.15g}", TIMEOUT + deadline):
            if is_json():
                show([row])
            else:
                click.echo(f"still here: {row['sessions']}")
    except KeyboardInterrupt:
        click.echo("nobody new is let in, until achat admin drain --off", err=True)
        sys.exit(INTERRUPTED)
    if not is_json():
        click.echo("all have left")


@_action
@_name_argument("mailboxes", "10000")
@click.option("--forget", metavar="TAG", default="", help="Forget this one, which is away.")
def devices(path: Path, name: str, forget: str) -> None:
    """List the devices of NAME, and how many messages each has not got."""
    request = f"{name}, {forget}" if forget else name
    show_table(ask(path, "devices", request), nothing=f"{name} has no devices")


admin.add_command(room)
