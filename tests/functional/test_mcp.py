"""The real C{achat mcp}, with the client of the protocol's own SDK."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
from contextlib import AsyncExitStack, closing, suppress
from pathlib import Path
from typing import Any
from unittest import skipIf

from tests.functional.serving import LiveServer, until
from tests.functional.test_say import ACHAT, CommandTestCase

try:
    import mcp
    from mcp.client.stdio import StdioServerParameters
except ImportError:
    WHY_NOT = "the SDK of the Model Context Protocol is missing: pip install mcp"
else:
    WHY_NOT = ""


class Agent:
    """An agent's client, and the server that it has started."""

    def __init__(self, client: mcp.Client) -> None:
        self._client = client

    async def call(self, tool: str, **arguments: Any) -> Any:
        """The answer of a tool, or the sentence with which it fails."""
        result = await self._client.call_tool(tool, arguments)
        if result.is_error:
            (content,) = result.content
            return content.text  # type: ignore[union-attr]
        answer = result.structured_content
        assert answer is not None
        return answer.get("result", answer) if len(answer) == 1 else answer

    async def texts(self, **arguments: Any) -> list[tuple[int, str]]:
        """The messages that it takes."""
        taken = await self.call("take_messages", **arguments)
        return [(message["number"], message["text"]) for message in taken["messages"]]


@skipIf(WHY_NOT, WHY_NOT)
class AgentTests(CommandTestCase):
    """An agent in a chat."""

    async def asyncSetUp(self) -> None:
        self.place = self.folder()

    async def begin_server(self, *options: str) -> LiveServer:
        server = await self.serve(*options)
        self.at = f"127.0.0.1:{server.port}"
        await self.run_achat("take", "--once", f"ann@{self.at}")
        return server

    async def start(self, stack: AsyncExitStack, *options: str) -> Agent:
        """An agent by the name of bot; its process is noted in a file."""
        words = (ACHAT, "mcp", *options, f"bot@{self.at}")
        script = f'echo $$ > {self.place / "pid"}; exec "$0" "$@"'
        parameters = StdioServerParameters(
            command="sh",
            args=["-c", script, *words],
            env={**os.environ, "XDG_CONFIG_HOME": "/nowhere"},
        )
        return Agent(await stack.enter_async_context(mcp.Client(parameters)))

    def kill(self) -> None:
        """End the agent's process without a warning."""
        os.kill(int((self.place / "pid").read_text()), signal.SIGKILL)

    async def test_tools(self) -> None:
        """It posts, hears what becomes of that, takes messages, and sees who is here."""
        server = await self.begin_server("--mailbox", f"sqlite:{self.place / 'mail'}")
        async with AsyncExitStack() as stack:
            bot = await self.start(stack)
            self.assertEqual(await bot.call("who"), ["bot"])
            posted = await bot.call("post", to=["ann"], text="one\ntwo")
            self.assertEqual((posted["result"], posted["kept"]), ("taken", ["ann"]))
            posted = await bot.call("post", to=["ann", "nobody"], text="three")
            self.assertEqual(posted["result"], "refused")
            self.assertIn("nobody by the name of nobody", posted["refused"][0])
            self.assertIn("is no name", await bot.call("post", to=["a:b"], text="x"))
            await self.run_achat("say", f"ann@{self.at}", "bot", typed="hi\nho\n")
            self.assertEqual(await bot.texts(most=1), [(1, "hi")])
            self.assertEqual(await bot.texts(seconds=5), [(2, "ho")])
            taken = await bot.call("take_messages", seconds=0.1)
            self.assertEqual((taken["messages"], taken["not_done"]), ([], [1, 2]))
            self.assertEqual(await bot.texts(again=True), [(1, "hi"), (2, "ho")])
            answered = await bot.call("answer", number=1, text="hello")
            self.assertEqual((answered["result"], answered["kept"]), ("taken", ["ann"]))
            self.assertIn("under 1", await bot.call("answer", number=1, text="again"))
        self.assertEqual(await self.mail("ann", server), ["one", "two", "three", "hello"])
        self.assertEqual(await self.mail("bot", server), ["ho"])

    async def test_crashes(self) -> None:
        """With a state answers are given once, and what is not done comes again."""
        options = ("--durable", "--mailbox", f"sqlite:{self.place / 'mail'}")
        server = await self.begin_server(*options)
        await self.run_achat("take", "--once", f"bot@{self.at}")
        await self.run_achat("say", f"ann@{self.at}", "bot", typed="1\n2\n3\n")
        state = self.place / "state"
        for number in (1, 2, 3):
            stack = AsyncExitStack()
            bot = await self.start(stack, "--state", str(state))
            self.assertEqual((await bot.texts(seconds=30))[0], (number, str(number)))
            if number == 2:
                await server.kill()
            call = bot.call("answer", number=number, text=f"did {number}")
            answering = asyncio.create_task(call)
            await until(lambda number=number: _got(state) >= number)  # type: ignore[misc]
            self.kill()
            with suppress(Exception):  # by which the client hears of the crash
                await answering
            with suppress(Exception):
                await stack.aclose()
            if number == 2:
                await server.start()
        async with AsyncExitStack() as stack:
            bot = await self.start(stack, "--state", str(state))
            self.assertEqual(await bot.texts(seconds=0.5), [])
            self.assertEqual((await bot.call("post", to=["ann"], text="x"))["result"], "taken")
        self.assertEqual(await self.mail("ann", server), ["did 1", "did 2", "did 3", "x"])


def _got(state: Path) -> int:
    """The number up to which all messages are done, as a state has it."""
    with closing(sqlite3.connect(f"file:{state}?mode=ro", uri=True, timeout=30)) as db:
        (number,) = db.execute("SELECT got FROM achat_state").fetchone()
    return int(number)
