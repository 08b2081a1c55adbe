"""The programs in C{examples}, run, and killed where they promise something about that."""

from __future__ import annotations

import asyncio
import re
import shlex
import signal
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

from achat_twisted.client import Chat, connect
from tests.functional.serving import LiveServer, Running, ServedTestCase, until
from tests.scratch import TREE

EXAMPLES = TREE / "examples"

MESSAGES = 200


class ExampleTestCase(ServedTestCase):
    """Examples that are gone when the test is over."""

    async def run_example(
        self, name: str, *arguments: str, environment: dict[str, str] | None = None
    ) -> Running:
        program = (sys.executable, str(EXAMPLES / name), *arguments)
        running = await Running.start(*program, environment=environment)
        self.addAsyncCleanup(self._end, running)
        return running

    async def _end(self, running: Running) -> None:
        await running.end(signal.SIGKILL)
        self.assertNotIn("Traceback", running.output)

    async def serve_durably(self) -> LiveServer:
        """A server whose mail survives a kill; names that nobody has used are unknown to it."""
        return await self.serve("--durable", "--mailbox", f"sqlite:{self.folder() / 'mail'}")


def address(name: str, server: LiveServer) -> str:
    return f"{name}@127.0.0.1:{server.port}"


async def until_here(name: str, chat: Chat, program: Running) -> None:
    """Wait until a program is there under its name, as seen by another one.

    A server that has never seen it refuses a line to it after some seconds.
    """
    while name not in await chat.who():
        assert not program.is_over, program.output
        await asyncio.sleep(0.02)


async def next_text(chat: Chat) -> str:
    """The text of the next message, which is done thereby."""
    message = await chat.next()
    await message.done()
    return message.text


class EchoTests(ExampleTestCase):
    """C{examples/echo_bot.py}."""

    async def test_restart(self) -> None:
        """It answers everybody, also after a restart of the server; but no other such bot."""
        server = await self.serve()
        bot = await self.run_example("echo_bot.py", address("echo", server))
        async with connect(address("ann", server)) as ann:
            await until_here("echo", ann, bot)
            await ann.post("echo", "one")
            self.assertEqual(await next_text(ann), "echo: one")
            await server.stop()
            await server.start()
            await until_here("echo", ann, bot)
            await ann.submit(["echo: echo: never", "echo: two"])
            self.assertEqual(await next_text(ann), "echo: two")
        self.assertFalse(bot.is_over)
        await bot.end(signal.SIGINT)
        self.assertEqual((bot.process.returncode, bot.output), (0, ""))

    async def test_not_let_in(self) -> None:
        """A name that is taken is told of in one sentence."""
        server = await self.serve()
        async with connect(address("echo", server)) as other:
            await other.ready()
            bot = await self.run_example("echo_bot.py", address("echo", server))
            await until(lambda: bot.is_over)
            await bot.end(signal.SIGKILL)
        self.assertRegex(bot.output, r"\Athe name echo is taken at .*\n\Z")


class WorkerTests(ExampleTestCase):
    """C{examples/worker.py}."""

    async def test_kills(self) -> None:
        """Each amount is booked once, whatever is killed, and each answer comes once, in order."""
        server = await self.serve_durably()
        path = self.folder() / "accounts"
        worker = await self.run_example("worker.py", address("bank", server), str(path))
        heard: list[str] = []
        async with connect(address("ann", server)) as ann:
            await until_here("bank", ann, worker)
            await ann.submit(["bank: 1"] * MESSAGES)
            while len(heard) < MESSAGES:
                heard.append(await next_text(ann))
                if len(heard) == MESSAGES // 2:
                    await server.kill()
                    await server.start()
                elif len(heard) % (MESSAGES // 3) == 0:
                    self.assertFalse(worker.is_over, worker.output)
                    await worker.end(signal.SIGKILL)
                    worker = await self.run_example("worker.py", address("bank", server), str(path))
            await ann.submit(["bank: a lot", "bank: -2"])
            heard += [await next_text(ann), await next_text(ann)]
        expected = [f"you have {balance}" for balance in range(1, MESSAGES + 1)]
        expected += ["say an amount, such as 5 or -2", f"you have {MESSAGES - 2}"]
        self.assertEqual(heard, expected)
        self.assertEqual(_accounts(path), [("ann", MESSAGES - 2)])


def _accounts(path: Path) -> list[tuple[str, int]]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute("SELECT name, balance FROM account").fetchall()


class NotifierTests(ExampleTestCase):
    """C{examples/notify_failure.py}, and the unit beside it."""

    async def test_unit(self) -> None:
        """It tells which unit has failed and how, as soon as there is a server to tell it by."""
        server = await self.serve_durably()
        unit = (EXAMPLES / "notify-failure@.service").read_text()
        (command,) = re.findall(r"^ExecStart=(.*)$", unit, re.MULTILINE)
        _, script, told, name = shlex.split(command)
        self.assertEqual((told, name), ("alerts@localhost", "ops"))
        async with connect(address(name, server)) as ops:
            await ops.ready()
            await server.kill()
            notifier = await self.run_example(
                Path(script).name,
                *(address("alerts", server), name),
                environment={
                    "MONITOR_UNIT": "backup.service",
                    "MONITOR_SERVICE_RESULT": "exit-code",
                    "MONITOR_EXIT_STATUS": "3",
                },
            )
            await server.start()
            text = await next_text(ops)
            self.assertRegex(text, r"^backup\.service has failed on \S+: exit-code 3$")
        await until(lambda: notifier.is_over)
        self.assertEqual((notifier.process.returncode, notifier.output), (0, ""))

    async def test_refused(self) -> None:
        """A name that nobody has is told of, and is a failure of its own."""
        server = await self.serve_durably()
        notifier = await self.run_example("notify_failure.py", address("alerts", server), "opps")
        await until(lambda: notifier.is_over)
        await notifier.end(signal.SIGKILL)
        self.assertEqual(notifier.process.returncode, 1)
        self.assertIn("nobody by the name of opps has ever been there", notifier.output)


class BridgeTests(ExampleTestCase):
    """C{examples/bridge.py}."""

    async def asyncSetUp(self) -> None:
        self.here, self.there = await self.serve_durably(), await self.serve_durably()
        self.place = self.folder()
        await self.start_bridge()

    async def start_bridge(self) -> None:
        ends = address("bridge", self.here), address("bridge", self.there)
        self.bridge = await self.run_example("bridge.py", *ends, str(self.place))

    async def test_kills(self) -> None:
        """Each message goes over it once and in order, whatever is killed."""
        heard: list[str] = []
        ends = address("ann", self.here), address("bob", self.there)
        async with connect(ends[0]) as ann, connect(ends[1]) as bob:
            await until_here("bridge", ann, self.bridge)
            await until_here("bridge", bob, self.bridge)
            await ann.submit(f"bridge: bob: {number}" for number in range(MESSAGES))
            while len(heard) < MESSAGES:
                heard.append(await next_text(bob))
                if len(heard) == MESSAGES // 3:  # and the bridge has noted one that is not done
                    await self.there.kill()
                    await until(self._has_unsaid)
                    await self.bridge.end(signal.SIGKILL)
                    await self.start_bridge()
                    await self.there.start()
                elif len(heard) == 2 * MESSAGES // 3:
                    await self.here.kill()
                    await self.here.start()
            await bob.post("bridge", "ann: enough")
            self.assertEqual(await next_text(ann), "bob: enough")
        self.assertEqual(heard, [f"ann: {number}" for number in range(MESSAGES)])

    async def test_refused(self) -> None:
        """The sender of a line that leads nowhere is told, and the bridge lasts."""
        async with connect(address("ann", self.here)) as ann:
            await until_here("bridge", ann, self.bridge)
            for line in ("bridge: no name", "bridge: nobody: hi", "bridge: ann, : hi"):
                await ann.say(line)
            heard = [await next_text(ann) for _ in range(3)]
        why = "! nobody by the name of nobody has ever been there"
        self.assertEqual(heard, ["! say NAME: TEXT", why, "! say NAME: TEXT"])
        self.assertFalse(self.bridge.is_over, self.bridge.output)

    def _has_unsaid(self) -> bool:
        """True if the bridge waits for the server there."""
        self.assertFalse(self.bridge.is_over, self.bridge.output)
        with closing(sqlite3.connect(self.place / "there.state")) as db:
            return bool(db.execute("SELECT * FROM achat_line").fetchall())
