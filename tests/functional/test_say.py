"""The real C{achat say}, on a real server, through kills."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence

from achat_twisted.client import connect
from tests.functional.certificates import write_certificate
from tests.functional.processes import SCRIPTS
from tests.functional.serving import LiveServer, ServedTestCase, until

ACHAT = str(SCRIPTS / "achat")

_NOBODY = {"XDG_CONFIG_HOME": "/nowhere", "ACHAT_ADDRESS": "", "ACHAT_SECRET": ""}


class CommandTestCase(ServedTestCase):
    """A test that runs commands to their end."""

    async def run_achat(
        self, *words: str, typed: str = "", environ: dict[str, str] | None = None
    ) -> tuple[int, str, str]:
        """The exit code of a command, and what came on standard output and error."""
        process = await self.begin(*words, environ=environ)
        output, errors = await process.communicate(typed.encode())
        assert process.returncode is not None
        return process.returncode, output.decode(), errors.decode()

    async def begin(
        self,
        *words: str,
        environ: dict[str, str] | None = None,
        stdout: int = asyncio.subprocess.PIPE,
    ) -> asyncio.subprocess.Process:
        """A command that runs, with pipes."""
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *(ACHAT, *words),
            stdin=pipe,
            stdout=stdout,
            stderr=pipe,
            env={**os.environ, **_NOBODY, **(environ or {})},
        )
        self.addAsyncCleanup(self._end, process)
        return process

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        if process.returncode is None:
            process.kill()
            await process.communicate()

    async def mail(self, name: str, server: LiveServer) -> list[str]:
        """The texts that wait for a name, in order."""
        address = f"{name}@127.0.0.1:{server.port}"
        code, output, errors = await self.run_achat("take", "--once", "--json", address)
        assert not code, errors
        return [json.loads(line)["text"] for line in output.splitlines()]


class SayTests(CommandTestCase):
    """Lines that it says, and its ends."""

    async def test_outcomes(self) -> None:
        """Lines arrive in order; the exit code tells if some were refused, or not said."""
        server = await self.serve()
        at = f"127.0.0.1:{server.port}"
        await self.run_achat("take", "--once", f"bob@{at}")
        said = await self.run_achat("say", f"ann@{at}", "bob", typed="one\ntwo\nthree")
        self.assertEqual(said, (0, "", "achat: 3 lines kept for bob\n"))
        said = await self.run_achat(
            "say", "-q", "-", "bob", "4", environ={"ACHAT_ADDRESS": f"ann@{at}"}
        )
        self.assertEqual(said, (0, "", ""))
        self.assertEqual(await self.mail("bob", server), ["one", "two", "three", "4"])
        code, _, errors = await self.run_achat("say", f"ann@{at}", "bob", typed="\x1b\n")
        self.assertEqual((code, errors.count("refused")), (1, 1))
        code, output, _ = await self.run_achat(
            "say", "--retry", "0.1", "ann@127.0.0.1:1", "bob", "x"
        )
        self.assertEqual((code, output), (75, "x\n"))
        holder = await self.begin("take", f"ann@{at}")
        await until_here(self, f"eve@{at}", "ann")
        code, output, _ = await self.run_achat("say", f"ann@{at}", "bob", "x")
        self.assertEqual((code, output), (77, "x\n"))
        self.assertIsNone(holder.returncode)

    async def test_tls(self) -> None:
        """Over TLS both believe only a certificate that is vouched for, and nothing is lost."""
        pem = self.folder() / "localhost.pem"
        write_certificate(pem)
        server = await self.serve(
            "--listen", f"ssl:0:interface=127.0.0.1:privateKey={pem}:certKey={pem}"
        )
        ann, bob = (f"{name}@localhost:{server.port}" for name in ("ann", "bob"))
        believes = ("--ca", str(pem))
        self.assertEqual(await self.run_achat("take", "--once", *believes, bob), (0, "", ""))
        self.assertEqual(await self.run_achat("say", "-q", *believes, ann, "bob", "1"), (0, "", ""))
        code, output, errors = await self.run_achat("say", "--tls", ann, "bob", "2")
        self.assertEqual((code, output), (77, "2\n"))
        self.assertRegex(errors, "certificate of .* is not to be believed")
        code, output, errors = await self.run_achat("take", "--tls", "--once", bob)
        self.assertEqual((code, output), (77, ""))
        self.assertRegex(errors, "certificate of .* is not to be believed")
        taken = await self.run_achat("take", "--once", *believes, bob)
        self.assertEqual(taken, (0, "from ann: 1\n", ""))

    async def test_many_at_once(self) -> None:
        """Many under one name, which is there itself: all are said, and nobody is replaced."""
        server = await self.serve("--duplicate", "takeover")
        at = f"127.0.0.1:{server.port}"
        taking = await self.begin("take", "--count", "8", f"ann@{at}")
        await until_here(self, f"eve@{at}", "ann")
        codes = await asyncio.gather(
            *(self.run_achat("say", f"ann@{at}", "ann", str(number)) for number in range(8))
        )
        self.assertEqual(codes, [(0, "", "")] * 8)
        output, _ = await taking.communicate()
        self.assertEqual(
            sorted(output.decode().splitlines()), [f"from ann: {number}" for number in range(8)]
        )

    async def test_kills(self) -> None:
        """With a state each line arrives once and in order, whatever is killed."""
        folder = self.folder()
        server = await self.serve("--durable", "--mailbox", f"sqlite:{folder / 'mail'}")
        at = f"127.0.0.1:{server.port}"
        await self.run_achat("take", "--once", f"bob@{at}")
        words = ("say", "--state", str(folder / "state"), f"ann@{at}", "bob")
        given = 0
        for kills_server in (False, True, False):
            process = await self.begin(*words)
            assert process.stdin is not None
            process.stdin.write("".join(f"{given + each}\n" for each in range(500)).encode())
            await process.stdin.drain()
            await self._until_kept(folder / "state", given + 500)
            given += 500
            if kills_server:
                await server.kill()
                await server.start()
            process.kill()
            await process.communicate()
        code, output, _ = await self.run_achat(*words)
        self.assertEqual((code, output), (0, ""))
        self.assertEqual(await self.mail("bob", server), [str(each) for each in range(given)])

    async def _until_kept(self, path: os.PathLike[str], count: int) -> None:
        """Wait until so many lines were in the state."""
        import sqlite3
        from contextlib import closing

        def are_kept() -> bool:
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as db:
                query = "SELECT max((SELECT settled FROM achat_state), coalesce(max(place), 0))"
                try:
                    (last,) = db.execute(f"{query} FROM achat_line").fetchone()
                except sqlite3.OperationalError:
                    return False
            return int(last) >= count

        await until(lambda: os.path.exists(path))
        await until(are_kept)

    async def test_interrupted(self) -> None:
        """Ctrl-C prints what was read, and may be said again."""
        process = await self.begin("say", "ann@127.0.0.1:1", "bob")
        assert process.stdin is not None and process.stderr is not None
        process.stdin.write(b"one\ntw")
        await process.stderr.readline()  # it tries again
        process.send_signal(signal.SIGINT)
        output, errors = await process.communicate()
        self.assertEqual((process.returncode, output), (130, b"one\ntw\n"))
        self.assertIn(b"achat: interrupted; standard output has 2 lines not known", errors)

    async def test_state_in_use(self) -> None:
        """While another run uses the state, lines are printed as they came, to be said later."""
        state = str(self.folder() / "state")
        holder = await self.begin("say", "--state", state, "ann@127.0.0.1:1", "bob")
        assert holder.stderr is not None
        await holder.stderr.readline()  # it tries to reach the server
        words = ("say", "--state", state, "ann@127.0.0.1:1", "bob")
        code, output, errors = await self.run_achat(*words, typed="one\ntwo\n")
        self.assertEqual((code, output), (75, "one\ntwo\n"))
        why = "standard output has 2 lines not known to be taken in"
        self.assertEqual(errors, f"achat: another program uses the state in {state}; {why}\n")
        code, output, _ = await self.run_achat(*words[:-1], "bob", "hi")
        self.assertEqual((code, output), (75, "hi\n"))
        for command in ("take", "mcp"):
            said = await self.run_achat(command, "--state", state, "ann@127.0.0.1:1")
            self.assertEqual(said, (75, "", f"achat: another program uses the state in {state}\n"))

    async def test_unread_output(self) -> None:
        """Ctrl-C ends it though nobody reads what has become of the lines, which are all said."""
        server = await self.serve("--rate", "0")
        at = f"127.0.0.1:{server.port}"
        reading, writing = os.pipe()
        self.addCleanup(os.close, reading)
        async with connect(f"bob@{at}") as bob:
            await bob.ready()
            text = f"{'x' * 4000}\n" * 30  # more than the pipe holds
            process = await self.begin("say", "--json", f"ann@{at}", "bob", text, stdout=writing)
            os.close(writing)
            for _ in range(30):
                await bob.next()
        process.send_signal(signal.SIGINT)
        self.assertEqual(await process.wait(), 130)


class StartTests(CommandTestCase):
    """The time that every line of a script pays for."""

    async def test_start(self) -> None:
        """It starts within 2.5 times of what Python takes for asyncio and click."""
        say = [sys.executable, "-m", "achat_twisted", "say", "--help"]
        least = [sys.executable, "-c", "import asyncio, click"]
        for _ in range(3):
            # They take turns, and the quickest of each counts, as the machine has other work.
            taken = [await self._seconds(words) for _ in range(8) for words in (say, least)]
            ratio = min(taken[::2]) / min(taken[1::2])
            if ratio < 2.5:
                return
        self.fail(f"{ratio:.2f} times")

    async def _seconds(self, words: Sequence[str]) -> float:
        """The seconds of processor time that a command takes."""
        import resource

        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        process = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.DEVNULL)
        await process.wait()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


async def until_here(case: CommandTestCase, asker: str, name: str) -> None:
    """Wait until a name is here, as somebody else sees it."""
    async with connect(asker) as chat:
        while name not in await chat.who():
            await asyncio.sleep(0.05)
