"""C{achat take}: messages, each worked off by a command, or printed."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import click

from achat_twisted.client.address import Address
from achat_twisted.client.state import State
from achat_twisted.shell.config import Server
from achat_twisted.shell.course import (
    LONGEST,
    Signals,
    find_secret,
    open_chat,
    open_file,
    run,
)
from achat_twisted.shell.files import Output, Unwritable
from achat_twisted.shell.letters import DeadLetters
from achat_twisted.shell.options import server_argument, state_option, tls_options
from achat_twisted.shell.recipients import parse_recipients, parse_room
from achat_twisted.shell.status import SharedError, Status
from achat_twisted.shell.taking import Bounds, Patience, Taking
from achat_twisted.shell.trying import Trying
from achat_twisted.shell.working import Command, Printer, Worker, as_json, plain
from achat_twisted.tools.parameters import duration

RETRY_ONCE = 60.0
"""The seconds for which an absent server is tried with C{--once}; without it there is no end."""

_END_OF_OURS = "--"


class _WithCommand(click.Command):
    """A command line that ends with another one, behind C{--}, to be left as it is."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        at = args.index(_END_OF_OURS) if _END_OF_OURS in args else len(args)
        ours, theirs = args[:at], args[at + 1 :]
        rest = super().parse_args(ctx, ours)
        if at < len(args) and not theirs:
            raise click.UsageError("behind -- a command is missing", ctx)
        ctx.params["command"] = theirs
        return rest

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [*super().collect_usage_pieces(ctx), "[-- COMMAND…]"]


@click.command(cls=_WithCommand)
@server_argument
@tls_options
@click.option("--json", "json", is_flag=True, help="Print an object for each message.")
@click.option(
    "--count",
    type=click.IntRange(min=1),
    metavar="N",
    help="Leave when N messages are worked off.",
)
@click.option(
    "--timeout",
    type=duration(LONGEST),
    metavar="TIME",
    help="Leave when no message has come for that time: seconds, or such as 5m.",
)
@click.option("--once", is_flag=True, help="Take what is there by now, and leave.")
@click.option(
    "--keep-going",
    type=click.IntRange(min=1),
    metavar="N",
    help="Let COMMAND have N tries at a message, and then go on with the next one.",
)
@click.option(
    "--dead-letter",
    callback=lambda _, __, text: text and parse_recipients(text),
    metavar="NAME",
    help="Post to NAME what is given up; implies --keep-going 1.",
)
@click.option(
    "--retry",
    type=duration(LONGEST),
    metavar="TIME",
    help="How long to try again when the server is not there: seconds, or such as 5m."
    f"  [default: {RETRY_ONCE:g} with --once, or else for ever]",
)
@click.option(
    "--room",
    "rooms",
    multiple=True,
    callback=lambda _, __, rooms: [parse_room(room) for room in rooms],
    metavar="#ROOM",
    help="Join #ROOM, and take what others say there as well; may be repeated.",
)
@state_option("Keep in FILE what is worked off, in case the server does not hear of it.")
@click.option("--quiet", "-q", is_flag=True, help="Do not tell of connections.")
def take(
    server: Server,
    json: bool,
    count: int | None,
    timeout: float | None,
    once: bool,
    keep_going: int | None,
    dead_letter: str | None,
    retry: float | None,
    rooms: list[str],
    state: str | None,
    quiet: bool,
    command: list[str],
) -> None:
    """Take the messages to NAME, and run COMMAND for each, or print them.

    COMMAND gets the text on its standard input, and ACHAT_FROM, ACHAT_TIME (UTC), ACHAT_NUMBER and
    ACHAT_ROOM, which is empty but for --room, in its environment; the rest of that is take's own,
    ACHAT_SECRET included, so that COMMAND may answer with achat say. A message is got when COMMAND
    has ended with 0. If it ends with anything else, so does take, and the message comes again to
    the next run. --keep-going gives it further tries, a second apart, then two, and so on up to a
    minute.

    Without COMMAND each message is printed, and got when standard output has taken it: what a full
    disk or a closed pipe does not take comes again.

    A crash between the work and its confirmation lets a message come again, under the same
    ACHAT_NUMBER. With --state FILE that is known from FILE, too, so that only a crash within a
    moment of the end of COMMAND can do so.

    With --room it takes what is said in all rooms that NAME is in. Numbers are those of the room;
    lines of NAME itself are passed over.

    The exit code is 0 if the bounds were reached, that of COMMAND if that has failed; 1 if standard
    output takes no more; 124 if --timeout has passed and none came, or fewer than --count; 75 if
    the server was not reached in time, or another run uses FILE; 77 if it does not let NAME in, or
    not into a room, or has ended the session; 126 or 127 if COMMAND cannot be run; 130 after
    Ctrl-C, when COMMAND has ended.
    """
    if json and command:
        raise click.UsageError("--json prints messages, so it does not go with a command")
    if (keep_going or dead_letter) and not command:
        raise click.UsageError("--keep-going and --dead-letter need a command that may fail")
    address = find_secret(server)
    if dead_letter and address.name in dead_letter.split(", "):
        raise click.UsageError(f"--dead-letter {address.name} would come back without end")
    bounds = Bounds(count, timeout, once)
    if once and retry is None:
        retry = RETRY_ONCE
    trying = None if quiet else Trying(address.server, retry)
    opened = open_file(state)
    letters = DeadLetters(dead_letter, opened) if dead_letter else None
    patience = Patience(keep_going or (1 if dead_letter else None), letters)

    def make(worker: Worker, status: Status) -> Taking:
        return Taking(worker, status, trying, bounds, patience, rooms)

    if command:
        run(_work(make, command, server, address, opened, retry, bool(rooms)))
    render = as_json if json else plain
    run(_print(make, render, server, address, opened, retry, bool(rooms)))


async def _work(make: Callable[[Worker, Status], Taking], command: list[str], *reach: Any) -> int:
    # Which must stay as it is, as the command writes to it, too.
    status = Status(SharedError(), is_terminal=False)
    return await _take(make(Command(command, os.environ), status), *reach)


async def _print(make: Callable[[Worker, Status], Taking], render: Any, *reach: Any) -> int:
    output, errors = Output(1, "standard output"), Output(2, "standard error")
    taking = make(Printer(output, render), Status(errors, is_terminal=False))
    try:
        return await _take(taking, *reach)
    finally:
        with suppress(Unwritable):
            await errors.drain()
        output.close()
        errors.close()


async def _take(
    taking: Taking,
    server: Server,
    address: Address,
    state: State,
    retry: float | None,
    hears_rooms: bool,
) -> int:
    chat = open_chat(server, address, state, retry=retry, listener=taking, rooms=hears_rooms)
    with Signals() as signals:
        return await taking.run(chat, signals)
