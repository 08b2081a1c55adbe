"""C{achat say}: lines for some names, and what becomes of them."""

from __future__ import annotations

import os
from contextlib import suppress

import click

from achat_twisted.client.address import Address
from achat_twisted.client.state import MemoryState
from achat_twisted.shell.config import Server
from achat_twisted.shell.course import (
    LONGEST,
    NotNow,
    Signals,
    find_secret,
    open_chat,
    open_file,
    run,
)
from achat_twisted.shell.files import Input, Output, Unwritable
from achat_twisted.shell.options import needed_server_argument, state_option, tls_options
from achat_twisted.shell.reading import Given, LineReader
from achat_twisted.shell.recipients import parse_recipients
from achat_twisted.shell.results import JsonResults, PlainResults, Results
from achat_twisted.shell.saying import Saying, Source
from achat_twisted.shell.status import Status
from achat_twisted.shell.trying import Trying
from achat_twisted.tools.parameters import duration

RETRY = 60.0
"""The seconds for which an absent server is tried, unless the user says otherwise."""


@click.command()
@needed_server_argument
@click.argument(
    "to", metavar="TO[,TO…]", callback=lambda _, __, text: parse_recipients(text), required=True
)
@click.argument("text", required=False)
@tls_options
@click.option(
    "--retry",
    type=duration(LONGEST),
    default=RETRY,
    show_default=f"{RETRY:g}",
    metavar="TIME",
    help="How long to try again when the server is not there: seconds, or such as 5m.",
)
@state_option("Keep in FILE what is not taken in yet; the next run says it.")
@click.option("--quiet", "-q", is_flag=True, help="Tell only of lines that were not taken in.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print what became of each line, an object each."
)
def say(
    server: Server,
    to: str,
    text: str | None,
    retry: float,
    state: str | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Say TEXT, or each line of standard input, to TO.

    It returns when it is known what became of each line: a line is taken in when it is delivered,
    on its way, or kept for those who are away. "achat say ann@host bob,eve hi" says hi to bob and
    to eve. A server is said as for achat chat, or as - for the one of ACHAT_ADDRESS or the
    configuration.

    Many may say something under one name at the same time. While the name is here in a chat, this
    needs a server where a name may come again (--auth, or --duplicate takeover).

    With --state FILE lines are in FILE before they are said, and leave it when they are taken in:
    so they arrive once, whatever ends this run, the server or the machine. One FILE is for one
    name, and for one run at a time.

    The exit code is 0 if all lines were taken in for all; 1 if some were refused, which standard
    error lists with the reasons; 75 if the server was not reached in time, or another run uses
    FILE; 77 if it does not let NAME in; 130 after Ctrl-C. Lines that are not known to be taken in
    then wait in FILE, or are printed on standard output, to be said again.
    """
    address = find_secret(server)
    run(_say(server, address, state, to, text, retry, quiet=quiet, as_json=as_json))


async def _say(
    server: Server,
    address: Address,
    path: str | None,
    to: str,
    text: str | None,
    retry: float,
    *,
    quiet: bool,
    as_json: bool,
) -> int:
    output, errors = Output(1, "standard output"), Output(2, "standard error")
    status = Status(errors, is_terminal=os.isatty(2) and not quiet)
    results: Results = (
        JsonResults(output, to) if as_json else PlainResults(output, status, is_quiet=quiet)
    )
    trying = None if quiet else Trying(address.server, retry)
    source: Source = LineReader(Input(0)) if text is None else Given(text)
    try:
        with Signals() as signals:
            try:
                state = open_file(path)
            except NotNow as error:
                unsaid = Saying(to, MemoryState(), results, status, trying)
                return await unsaid.give_back(error.message, source, signals, retry)
            saying = Saying(to, state, results, status, trying)
            chat = open_chat(server, address, state, retry=retry, listener=saying, only_sends=True)
            return await saying.run(chat, source, signals)
    finally:
        with suppress(Unwritable):
            await errors.drain()
        output.close()
        errors.close()
