"""The real C{achat take}, on a real server, through kills."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path

from tests.functional.serving import LiveServer, until
from tests.functional.test_say import ACHAT, CommandTestCase, until_here
from tests.passwords import password_file


class TakeTests(CommandTestCase):
    """Messages, and the commands that work them off."""

    async def asyncSetUp(self) -> None:
        self.server: LiveServer | None = None

    async def begin_with(self, *texts: str, options: tuple[str, ...] = ()) -> str:
        """A server that has kept these texts of Ann's for Bob; returns Bob's address."""
        self.server = await self.serve(*options)
        self.at = f"127.0.0.1:{self.server.port}"
        await self.run_achat("take", "--once", f"bob@{self.at}")
        await self.say(*texts)
        return f"bob@{self.at}"

    async def say(self, *texts: str) -> None:
        said = await self.run_achat("say", "-q", f"ann@{self.at}", "bob", typed="\n".join(texts))
        self.assertEqual(said, (0, "", ""))

    async def test_command(self) -> None:
        """A command has the text and the rest of the message, and the user's own environment."""
        bob = await self.begin_with("one", "two")
        script = 'read -r text; echo "$ACHAT_NUMBER $ACHAT_FROM $HOME $text $ACHAT_TIME"'
        words = ("take", "--once", bob, "--", "sh", "-c", script)
        code, output, errors = await self.run_achat(*words, environ={"HOME": "/h"})
        self.assertEqual((code, errors), (0, ""))
        self.assertRegex(
            output, r"\A1 ann /h one 2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\dZ\n2 ann /h two .*\n\Z"
        )
        self.assertEqual((await self.run_achat("take", "--timeout", "0.5", bob))[0], 124)

    async def test_room(self) -> None:
        """A line said in a room is taken by all who have joined it, with its room and number."""
        bob = await self.begin_with("psst")
        join = ("take", "-q", "--once", "--room", "#ops")
        self.assertEqual(await self.run_achat(*join, f"ann@{self.at}"), (0, "", ""))
        code, output, _ = await self.run_achat(*join, bob)
        self.assertEqual((code, output), (0, "from ann: psst\n"))
        said = await self.run_achat("say", "-q", f"ann@{self.at}", "#ops,bob", "hi")
        self.assertEqual(said, (0, "", ""))
        script = 'read -r text; echo "$ACHAT_ROOM $ACHAT_NUMBER $text"'
        code, output, _ = await self.run_achat(*join, bob, "--", "sh", "-c", script)
        self.assertEqual((code, sorted(output.split("\n"))), (0, ["", " 2 hi", "#ops 1 hi"]))
        code, _, errors = await self.run_achat("say", f"eve@{self.at}", "#ops", "may I?")
        self.assertEqual(code, 1)
        self.assertIn("you are not in #ops; join it first", errors)

    async def test_failures(self) -> None:
        """A message whose command fails comes again; others have been got."""
        bob = await self.begin_with("one", "two", "three")
        script = 'read -r text; echo "$text"; test "$text" != two || exit 3'
        code, output, errors = await self.run_achat("take", "-q", bob, "--", "sh", "-c", script)
        self.assertEqual((code, output.split()), (3, ["one", "two"]))
        self.assertIn("ended with 3 for message 2; the message comes again", errors)
        code, _, errors = await self.run_achat("take", bob, "--", "/no/such/command")
        self.assertEqual(
            (code, errors.count("cannot run /no/such/command: No such file")), (127, 1)
        )
        code, _, _ = await self.run_achat("take", bob, "--", "sh", "-c", "kill -9 $$")
        self.assertEqual(code, 137)
        await self.run_achat("take", "--once", f"dead@{self.at}")
        words = ("take", "--once", "--keep-going", "2", "--dead-letter", "dead", bob, "--")
        code, output, _ = await self.run_achat(*words, "sh", "-c", script)
        self.assertEqual((code, output.split()), (0, ["two", "two", "three"]))
        self.assertEqual(await self.mail("dead", self.the_server), ["from ann: two"])

    @property
    def the_server(self) -> LiveServer:
        assert self.server is not None
        return self.server

    async def test_lost_output(self) -> None:
        """A message that a full disk, or a pipe that nobody reads, has not taken comes again."""
        bob = await self.begin_with(*(f"{number}" for number in range(2000)))
        with open("/dev/full", "wb") as full:
            code, errors = await self._take_into(full.fileno(), bob)
        self.assertEqual(code, 1)
        self.assertIn("No space left on device; what it did not take comes again", errors)
        reading, writing = os.pipe()
        taking = asyncio.create_task(self._take_into(writing, bob))
        first = await asyncio.to_thread(os.read, reading, len(b"from ann: 0\n"))
        os.close(reading)
        os.close(writing)
        code, errors = await taking
        self.assertEqual(code, 1)
        self.assertIn("nobody reads standard output any more", errors)
        texts = await self.mail("bob", self.the_server)
        self.assertEqual(first, b"from ann: 0\n")
        self.assertEqual(texts, [f"{number}" for number in range(2000 - len(texts), 2000)])
        self.assertGreater(len(texts), 0)

    async def _take_into(self, output: int, address: str) -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            ACHAT, "take", address, stdout=output, stderr=asyncio.subprocess.PIPE
        )
        _, errors = await process.communicate()
        assert process.returncode is not None
        return process.returncode, errors.decode()

    async def test_kills(self) -> None:
        """All jobs are worked off in order, whatever is killed, and only one at the kill twice."""
        folder = self.folder()
        options = ("--durable", "--mailbox", f"sqlite:{folder / 'mail'}")
        bob = await self.begin_with(*(f"{number}" for number in range(60)), options=options)
        done = folder / "done"
        state = str(folder / "state")
        words = ("take", "--state", state, bob, "--", "sh", "-c", f"cat >> {done}")
        for count in (10, 30):
            taking = await self.begin(*words)
            await until(lambda count=count: len(_lines(done)) >= count)  # type: ignore[misc]
            await self.the_server.kill()
            taking.kill()
            await taking.communicate()
            await self.the_server.start()
        code, _, errors = await self.run_achat("take", "--count", "1", *words[1:])
        while code == 0 and len(set(_lines(done))) < 60:
            code, _, errors = await self.run_achat("take", "--once", *words[1:])
        self.assertEqual(code, 0, errors)
        worked = [int(line) for line in _lines(done)]
        self.assertEqual(sorted(set(worked)), [*range(60)])
        self.assertEqual(worked, sorted(worked))
        self.assertLessEqual(len(worked), 60 + 2)

    async def test_answer(self) -> None:
        """A command has the secret of its name, and so may answer under it."""
        secrets = self.folder() / "secrets"
        secrets.write_text(password_file(ann="a", bob="b"))
        secrets.chmod(0o600)
        server = await self.serve("--auth", f"argon2:{secrets}")
        at = f"127.0.0.1:{server.port}"
        said = await self.run_achat("say", "-q", f"ann@{at}", "bob", "hi", environ=_secret("a"))
        self.assertEqual(said, (0, "", ""))
        script = f'read -r text; {ACHAT} say -q bob@{at} "$ACHAT_FROM" "$text yourself"'
        words = ("take", "-q", "--count", "1", f"bob@{at}", "--", "sh", "-c", script)
        self.assertEqual(await self.run_achat(*words, environ=_secret("b")), (0, "", ""))
        last = ("take", "--count", "1", f"ann@{at}")
        code, output, _ = await self.run_achat(*last, environ=_secret("a"))
        self.assertEqual((code, output), (0, "from bob: hi yourself\n"))

    async def test_interrupted(self) -> None:
        """Ctrl-C lets a command come to its end, and what it has worked off is got."""
        bob = await self.begin_with("one", "two")
        script = "trap 'exit 0' TERM; cat; while :; do sleep 0.1; done"
        taking = await self.begin("take", bob, "--", "sh", "-c", script)
        assert taking.stdout is not None
        await taking.stdout.readline()
        taking.send_signal(signal.SIGINT)
        self.assertEqual(await taking.wait(), 130)
        self.assertEqual(await self.mail("bob", self.the_server), ["two"])

    async def test_restart(self) -> None:
        """It goes on when the server comes back, and answers under another name meanwhile."""
        folder = self.folder()
        bob = await self.begin_with("one", options=("--mailbox", f"sqlite:{folder / 'mail'}"))
        taking = await self.begin("take", "--json", bob)
        assert taking.stdout is not None
        self.assertEqual(json.loads(await taking.stdout.readline())["text"], "one")
        await self.the_server.stop()
        await self.the_server.start()
        await until_here(self, f"eve@{self.at}", "bob")
        await self.say("two")
        self.assertEqual(json.loads(await taking.stdout.readline())["text"], "two")


def _secret(secret: str) -> dict[str, str]:
    return {"ACHAT_SECRET": secret}


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []
