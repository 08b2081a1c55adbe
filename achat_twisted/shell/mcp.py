"""C{achat mcp}: a chat as tools for an agent."""

from __future__ import annotations

import asyncio
import os

import click

from achat_twisted.client.address import Address
from achat_twisted.client.events import Ended, Event
from achat_twisted.client.state import State
from achat_twisted.shell import exits
from achat_twisted.shell.agent import Agent
from achat_twisted.shell.config import Server
from achat_twisted.shell.course import (
    Interrupted,
    Signals,
    find_secret,
    open_chat,
    open_file,
    run,
)
from achat_twisted.shell.options import server_argument, state_option, tls_options
from achat_twisted.shell.status import SharedError, Status
from achat_twisted.shell.trying import Trying


@click.command()
@server_argument
@tls_options
@state_option("Keep in FILE what must outlive a crash.")
def mcp(server: Server, state: str | None) -> None:
    """Serve the chat of NAME as tools for an agent, by the Model Context Protocol.

    It speaks the protocol on standard input and output, as agents expect of a server that they
    start. The tools post lines, answer messages, wait for messages and take them, and list who is
    here. A message is got when the agent says that it is done, or answers it; until then it comes
    again.

    With --state FILE this is exact, whatever crashes: lines that were posted arrive once, even if
    the server was away, and an answer is one with the message that it is for. One FILE is for one
    name, and for one process at a time.

    It needs the official SDK: pip install 'achat-twisted[mcp]'. What it has to tell goes to
    standard error. The exit code is 0 when standard input ends, 75 if another process uses FILE, 77
    if the server does not let NAME in, or has ended the session; 130 after Ctrl-C.
    """
    try:
        from achat_twisted.shell import mcp_server as _  # noqa: F401
    except ImportError as error:
        if error.name is None or error.name.partition(".")[0] not in {"mcp", "pydantic"}:
            raise
        raise click.UsageError(
            "achat mcp needs the SDK of the protocol: pip install 'achat-twisted[mcp]'"
        ) from None
    address = find_secret(server)
    run(_serve(server, address, open_file(state)))


class _Connection:
    """Tells of the connection.

    @ivar is_over: true when there will be no more.
    """

    def __init__(self, status: Status, server: str) -> None:
        self.is_over = False
        self._status = status
        self._trying = Trying(server, None)

    def heard(self, event: Event) -> None:
        for sentence in self._trying.sentences(event):
            self._status.tell(sentence)
        if isinstance(event, Ended) and event.again is None:
            self.is_over = True
            self._status.tell(event.why)


async def _serve(server: Server, address: Address, state: State) -> int:
    from achat_twisted.shell.mcp_server import serve

    connection = _Connection(Status(SharedError(), is_terminal=False), address.server)
    chat = open_chat(server, address, state, retry=None, listener=connection)
    agent = Agent(chat, is_lasting=state.is_lasting)
    with Signals() as signals:
        async with chat:
            serving = asyncio.ensure_future(serve(agent, address.name))
            ending = asyncio.ensure_future(signals.wait())
            await asyncio.wait({serving, ending}, return_when=asyncio.FIRST_COMPLETED)
    if not serving.done():
        try:
            await ending
        except Interrupted as interruption:
            # A thread waits for standard input, and nothing can end it; all is saved by now.
            os._exit(interruption.code)
    serving.result()
    return exits.NOT_LET_IN if connection.is_over else 0
