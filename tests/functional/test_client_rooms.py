"""The library in rooms, and as several devices, with the real server, from file to file."""

from __future__ import annotations

import signal
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from achat_twisted.client import Chat, Members, Refused, RoomError, connect
from tests.functional.serving import Running, ServedTestCase, until

LINES = 160

LISTENER = """
import sys
from achat_twisted.client.blocking import connect

with connect(sys.argv[1], state=sys.argv[2], device=True, rooms=True) as chat:
    chat.join("#jobs")
    print("joined", flush=True)
    for message in chat:
        with message.transaction() as work:
            work.db.execute("CREATE TABLE IF NOT EXISTS heard (room, text)")
            work.db.execute("INSERT INTO heard VALUES (?, ?)", [message.room, message.text])
"""

SPEAKER = """
import asyncio, sys
from achat_twisted.client import connect

async def main():
    async with connect(sys.argv[1], state=sys.argv[2]) as chat:
        async with chat.transaction() as work:
            work.db.execute("CREATE TABLE IF NOT EXISTS said (number)")
            (first,) = work.db.execute("SELECT count(*) FROM said").fetchone()
        for number in range(first, int(sys.argv[3])):
            async with chat.transaction() as work:
                work.db.execute("INSERT INTO said VALUES (?)", [number])
                work.post(["#jobs", "ann"], str(number))
            if number % 10 == 9:
                await chat.sync()
        await asyncio.Event().wait()

asyncio.run(main())
"""


class RoomTests(ServedTestCase):
    """Chats in rooms."""

    async def asyncSetUp(self) -> None:
        self.server = await self.serve("--duplicate", "takeover")

    def chat(self, name: str, **options: Any) -> Chat:
        return connect(f"{name}@127.0.0.1:{self.server.port}", **options)

    async def test_room(self) -> None:
        """A line said in a room comes to all who are in it, and they can look at it as well."""
        async with (
            self.chat("ann", rooms=True) as ann,
            self.chat("bob", rooms=True) as bob,
            self.chat("eve") as eve,
        ):
            await ann.join("#ops")
            await bob.join("#ops")
            await ann.post(["#ops", "bob"], "hi")
            self.assertEqual({(await bob.next()).room for _ in range(2)}, {"", "#ops"})
            own = await ann.next()
            self.assertEqual((own.room, own.number, own.is_own), ("#ops", 1, True))
            await own.done()
            self.assertEqual(await ann.members("#ops"), Members(["ann", "bob"], []))
            for room, word in (("#ops", "not-in"), ("#dev", "unknown")):
                with self.assertRaises(Refused) as caught:
                    await eve.post(room, "may I?")
                self.assertEqual(caught.exception.refusals[0].word, word)
            ann.command("/quiet #ops on")
            await ann.ping()
            with self.assertRaises(Refused) as caught:
                await bob.post("#ops", "may I?")
            self.assertEqual(caught.exception.refusals[0].word, "closed")
            with self.assertRaisesRegex(RoomError, "there is no room #dev"):
                await ann.log("#dev")
            await ann.post("#ops", "ho")
            log = await ann.log("#ops", 1)
            self.assertEqual(
                [(line.number, line.sender, line.text) for line in log], [(2, "ann", "ho")]
            )
            log = await ann.log("#ops", before=log[0].number)
            self.assertEqual([line.text for line in log], ["hi"])
            await bob.part("#ops")
            self.assertEqual((await ann.members("#ops")), Members(["ann"], []))

    async def test_away(self) -> None:
        """A member that comes back hears what was said meanwhile, once."""
        state = str(self.folder() / "state")
        async with self.chat("bob", rooms=True, state=state) as bob:
            await bob.join("#ops")
        async with self.chat("ann", rooms=True) as ann:
            await ann.join("#ops")
            for number in range(3):
                await ann.post("#ops", str(number))
        for texts in (["0", "1", "2"], ["1", "2"]):
            async with self.chat("bob", rooms=True, state=state) as bob:
                messages = [await bob.next() for _ in texts]
                self.assertEqual([message.text for message in messages], texts)
                await messages[0].done()

    async def test_devices(self) -> None:
        """All devices of a name are there at once, and each gets each message."""
        async with (
            self.chat("ann", device=True) as phone,
            self.chat("ann", device=True) as laptop,
            self.chat("bob") as bob,
        ):
            await phone.ready()
            await laptop.ready()
            await bob.post("ann", "hi")
            for device in (phone, laptop):
                self.assertEqual((await device.next()).text, "hi")


class KillTests(ServedTestCase):
    """Two devices of one name, someone who speaks, and a server, which are killed in turn."""

    async def test_kills(self) -> None:
        """Each device gets each line of a room, and each message, exactly once and in order."""
        place = self.folder()
        server = await self.serve(
            *("--durable", "--duplicate", "takeover", "--mailbox", f"sqlite:{place / 'mail'}")
        )
        async with connect(f"speaker@127.0.0.1:{server.port}", only_sends=True) as chat:
            await chat.join("#jobs")
        running: dict[str, Running] = {}

        async def start(name: str) -> None:
            who = "speaker" if name == "speaker" else "ann"
            running[name] = await self.run_python(
                SPEAKER if name == "speaker" else LISTENER,
                *(f"{who}@127.0.0.1:{server.port}", str(place / name), str(LINES)),
            )

        for name in ("phone", "laptop"):
            await start(name)
        await until(lambda: all("joined" in each.output for each in running.values()))
        await start("speaker")
        for part, victim in enumerate(("phone", "server", "speaker", "laptop", "phone"), 1):
            await until(partial(_has_heard, place / "laptop", part * LINES // 4))
            if victim == "server":
                await server.kill()
                await server.start()
            else:
                await running[victim].end(signal.SIGKILL)
                await start(victim)
        everything = [str(number) for number in range(LINES)]
        for name in ("phone", "laptop"):
            await until(partial(_has_heard, place / name, 2 * LINES))
            self.assertEqual(_heard(place / name), (everything, everything), name)


def _has_heard(path: Path, count: int) -> bool:
    return sum(map(len, _heard(path))) >= count


def _heard(path: Path) -> tuple[list[str], list[str]]:
    """The texts that were noted of the room, and of messages to the name itself."""
    if not path.exists():
        return [], []
    with closing(sqlite3.connect(path, timeout=30)) as db:
        try:
            rows = db.execute("SELECT room, text FROM heard ORDER BY rowid").fetchall()
        except sqlite3.OperationalError:
            return [], []  # there is no such table yet
    return [text for room, text in rows if room], [text for room, text in rows if not room]
