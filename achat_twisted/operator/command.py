"""C{achat admin}: the operator's command line."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from achat_twisted.operator import protocol
from achat_twisted.operator.protocol import Facts

TIMEOUT = 30.0
"""The seconds that a server may be silent, besides those that it was told to wait."""

INTERRUPTED = 130
"""The exit code after Ctrl-C."""


def _default_socket() -> Path:
    folder = os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    return Path(folder or "/run/achat", protocol.SOCKET)


@click.group()
@click.option(
    "path",
    "--socket",
    type=click.Path(readable=False, path_type=Path),  # _ask has a clearer message
    default=_default_socket,
    show_default="admin.sock in $RUNTIME_DIRECTORY, or else in /run/achat",
    help="The server's --admin socket.",
)
@click.pass_context
def admin(context: click.Context, path: Path) -> None:
    """Look after a server, on its own machine.

    The exit code is 0 if it is done, and 1 if it is refused or there is no server.
    """
    context.obj = path


@admin.command()
@click.pass_obj
def who(path: Path) -> None:
    """List the sessions.

    For each: lines taken in from it; bytes queued for it, or sent but not yet acknowledged by its
    machine. If it has a tag: the messages and bytes that were sent and not got, and since when.
    """
    rows = [*_ask(path, "who")]
    if rows:
        _show_table(rows)
    else:
        click.echo("nobody is here", err=True)


def _show_table(facts: list[Facts]) -> None:
    rows = [{key: str(value) for key, value in row.items()} for row in facts]
    table = [{key: key.upper() for key in rows[0]}, *rows]
    widths = {key: max(len(row[key]) for row in table) for key in rows[0]}
    for row in table:
        click.echo("  ".join(row[key].ljust(width) for key, width in widths.items()).rstrip())


@admin.command()
@click.argument("name")
@click.pass_obj
def kick(path: Path, name: str) -> None:
    """End the session of NAME; the lines it has not got wait in its mailbox."""
    _show(_ask(path, "kick", name))


@admin.command()
@click.pass_obj
def stats(path: Path) -> None:
    """Show what has become of all copies, and how many clients there are."""
    _show(_ask(path, "stats"))


@admin.command()
@click.argument("name")
@click.pass_obj
def mail(path: Path, name: str) -> None:
    """Show how many lines wait for NAME, and the bytes they count for; never what they say.

    If NAME has tags, there is a line for each: whether it is here, the number of its lines that are
    taken in, its refusals that wait to be confirmed, and what was sent to it and not got.
    """
    amount, *tags = _ask(path, "mail", name)
    _show(iter([amount]))
    if tags:
        click.echo()
        _show_table(tags)


@admin.command()
@click.option(
    "--deadline",
    type=click.IntRange(0, 86_400),
    default=60,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for the sessions to leave.",
)
@click.option("--off", is_flag=True, help="Let everybody in again.")
@click.pass_obj
def drain(path: Path, deadline: int, off: bool) -> None:
    """Let nobody new in, and wait until all sessions have left.

    Nobody is let in until --off or a restart, even if somebody is still here at the deadline, or
    after Ctrl-C.
    """
    if off:
        _show(_ask(path, "drain", "off"))
        return
    try:
        for row in _ask(path, "drain", str(deadline), TIMEOUT + deadline):
            click.echo(f"still here: {row['sessions']}")
    except KeyboardInterrupt:
        click.echo("nobody new is let in, until achat admin drain --off", err=True)
        sys.exit(INTERRUPTED)
    click.echo("all have left")


def _show(rows: Iterator[Facts]) -> None:
    for row in rows:
        width = max(map(len, row))
        for key, value in row.items():
            click.echo(f"{key:{width}}  {value}")


def _ask(path: Path, word: str, argument: str = "", timeout: float = TIMEOUT) -> Iterator[Facts]:
    """Ask the server for an action.

    @return: the facts of its answer, as they come.
    @raise click.ClickException: if it is not done, or there is no answer.
    """
    request = os.fsencode(str(protocol.Request(word, argument)))
    try:
        protocol.parse_request(request)
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(timeout)
            connection.connect(os.fspath(path))
            connection.sendall(request + b"\n")
            for line in connection.makefile("rb"):
                facts = protocol.parse_answer(line)
                if facts is None:
                    return
                yield facts
    except protocol.NotDone as refusal:
        raise click.ClickException(str(refusal)) from None
    except TimeoutError:
        raise click.ClickException(f"the server at {path} does not answer") from None
    except FileNotFoundError:
        raise click.ClickException(
            f"there is no server: {path} does not exist; give --socket PATH"
        ) from None
    except ConnectionRefusedError:
        raise click.ClickException(f"there is no server at {path} any more") from None
    except PermissionError:
        raise click.ClickException(f"{path} is only for the server's user and root") from None
    except (OSError, ValueError) as error:
        raise click.ClickException(f"{path} cannot be used: {error}") from None
    raise click.ClickException(f"the server at {path} went away before it answered")
