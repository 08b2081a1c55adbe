"""The examples in the documents, run."""

from __future__ import annotations

import re
import signal
import sys
from pathlib import Path

from tests.functional.processes import Client, FunctionalTestCase

PROTOCOL = Path(__file__).parents[2] / "docs" / "protocol.md"


_ERA = re.compile(r"(! (?:resumed \d+|joined (#\w+)) \d+ )(\w+)")


def transcripts(text: str) -> list[list[tuple[str, str, str]]]:
    """The transcripts in a document: the client, C{>} for says or C{<} for hears, and the line."""
    blocks = re.findall(r"```transcript\n(.*?)```", text, re.DOTALL)
    found = []
    for block in blocks:
        steps = [re.fullmatch(r"(\w+)([<>]) (.*)", line) for line in block.splitlines()]
        found.append([(step[1], step[2], step[3]) for step in steps if step])
        assert len(found[-1]) == len(steps), block
    return found


class ProtocolTests(FunctionalTestCase):
    """C{docs/protocol.md}."""

    async def test_listener(self) -> None:
        """The client in Python hears what comes, asks a silent server, and leaves a dead one."""
        (recipe,) = re.findall(r"```python\n(.*?)```", PROTOCOL.read_text(), re.DOTALL)
        server = await self.start()
        recipe = recipe.replace("settimeout(45)", "settimeout(1)")
        recipe = recipe.replace("8080", str(server.port()))
        bob = self.run_process(sys.executable, "-c", recipe)
        await bob.output.contains("! welcome bob\n! pong\n! pong\n")
        server.send(signal.SIGSTOP)
        self.assertEqual(await bob.ended, 0, bob.output.whole)

    async def test_transcripts(self) -> None:
        """Each transcript happens as it is printed: nobody hears anything else or less."""
        found = transcripts(PROTOCOL.read_text())
        self.assertGreater(len(found), 5)
        for transcript in found:
            # Not a new one in memory, for which anybody may have been there before.
            server = await self.start("--mailbox", f"sqlite:{self.folder() / 'mail'}")
            clients: dict[str, Client] = {}
            heard: dict[str, str] = {}
            eras: dict[str, set[str]] = {}  # one for each room, and for the tag; made up anew
            for who, direction, what in transcript:
                if who not in clients:
                    clients[who] = await self.call(server)
                    heard[who] = ""
                if direction == ">":
                    clients[who].say(what)
                else:
                    heard[who] += f"{what}\n"
                    await clients[who].hears(len(heard[who]))
                    text = clients[who].heard.text[: len(heard[who])]
                    for _, room, era in _ERA.findall(text):
                        eras.setdefault(room, set()).add(era)
                    self.assertEqual(_ERA.sub(r"\1ERA", text), _ERA.sub(r"\1ERA", heard[who]))
            self.assertTrue(all(len(each) == 1 for each in eras.values()), transcript)
            server.send(signal.SIGTERM)
            for who, client in clients.items():
                await client.lost
                goodbye = client.heard.text[len(heard[who]) :]
                self.assertRegex(goodbye, r"^(! bye \d+\n)?$", (who, transcript))
