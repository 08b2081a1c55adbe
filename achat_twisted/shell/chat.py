"""C{achat chat}: a chat in a terminal or a pipe."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from datetime import datetime

import click

from achat_twisted.client.address import Address
from achat_twisted.client.chat import Chat
from achat_twisted.client.events import Listener
from achat_twisted.shell import exits
from achat_twisted.shell.config import Server
from achat_twisted.shell.course import LONGEST, Signals, find_secret, open_chat, open_file, run
from achat_twisted.shell.files import Input, Output, Unwritable
from achat_twisted.shell.options import server_argument, tls_options
from achat_twisted.shell.pipe import Pipe
from achat_twisted.shell.reading import LineReader
from achat_twisted.shell.trying import Trying
from achat_twisted.tools.parameters import duration

RETRY = 60.0
"""The seconds for which an absent server is tried again in a pipe, unless the user says otherwise;
on a terminal, where one sees it, that has no end."""


@click.command()
@server_argument
@tls_options
@click.option(
    "--retry",
    type=duration(LONGEST),
    metavar="TIME",
    help="How long to try again when the server is not there: seconds, or such as 5m; 0 to leave"
    f" when it goes.  [default: {RETRY:g} in a pipe, for ever on a terminal]",
)
@click.option("--bell", is_flag=True, help="Ring the terminal's bell when a message comes.")
def chat(server: Server, retry: float | None, bell: bool) -> None:
    """Chat as NAME with the server at HOST.

    A line such as "bob: hi" posts hi to bob, and "bob, carol: hi" to both; /help lists the
    commands. The server may also be NAME@unix:PATH. SERVER is one that ~/.config/achat/config.toml
    names; without an argument ACHAT_ADDRESS in the environment says where to, or else that file.

    On a terminal, lines are edited at the bottom, while messages come in above: Tab completes
    names and commands, arrow keys fetch earlier lines, Ctrl-D or /quit leaves. Each line is shown
    when the server has taken it in, with what became of it. NO_COLOR in the environment turns
    colours off.

    In a pipe each line of standard input is posted, messages go to standard output, and all else
    to standard error. The end of input or /quit ends the chat, once all lines are taken in and all
    messages have come that are there by then.

    A secret that the server asks for is taken from a file that the configuration names, from the
    environment's ACHAT_SECRET, or with NAME:@HOST from the terminal. NAME:SECRET@HOST works too,
    but everybody on this machine can see it there. It is said to no server that speaks TLS when
    --tls is missing.

    When the server restarts, or the connection breaks, the chat goes on: lines that were not taken
    in are said again, and messages that were not shown come again.

    The exit code in a pipe is 0 if every line was taken in for all; 1 if some were refused, or
    standard output took no more; 75 if the server was not reached in time; 77 if it does not let
    NAME in, or has ended the session; 130 after Ctrl-C. What was read and not taken in is then
    shown on standard error.
    """
    address = find_secret(server)
    if _is_terminal():
        run(_at_a_terminal(server, address, retry, bell))
    run(_in_a_pipe(server, address, RETRY if retry is None else retry))


def _is_terminal() -> bool:
    """True if there is a terminal with a cursor that can be moved, to type at and to look at."""
    return os.isatty(0) and os.isatty(1) and os.environ.get("TERM", "dumb") != "dumb"


async def _at_a_terminal(server: Server, address: Address, retry: float | None, bell: bool) -> int:
    # Which needs prompt_toolkit; it takes its time to import, and a pipe does not need it.
    from achat_twisted.shell.editor.completion import LineCompleter
    from achat_twisted.shell.editor.history import open_history
    from achat_twisted.shell.editor.people import People
    from achat_twisted.shell.editor.screen import Screen
    from achat_twisted.shell.editor.talk import COMMANDS, Talk
    from achat_twisted.shell.editor.transcript import Transcript

    people = People(address.name)
    completer = LineCompleter(people, COMMANDS)
    screen = Screen(open_history(os.environ), completer, os.environ)
    talk = Talk(address, people, Transcript(datetime.now().date()), screen, bell=bell)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, screen.leave, exits.TERMINATED)
    return await talk.run(_open(server, address, retry, talk))


async def _in_a_pipe(server: Server, address: Address, retry: float) -> int:
    output, errors = Output(1, "standard output"), Output(2, "standard error")
    pipe = Pipe(LineReader(Input(0)), output, errors, Trying(address.server, retry))
    chat = _open(server, address, retry, pipe)
    try:
        with Signals() as signals:
            return await pipe.run(chat, signals)
    finally:
        with suppress(Unwritable):
            await errors.drain()
        output.close()
        errors.close()


def _open(server: Server, address: Address, retry: float | None, listener: Listener) -> Chat:
    return open_chat(server, address, open_file(None), retry=retry, listener=listener)
