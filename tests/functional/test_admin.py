"""The operator's socket of the real twistd, and the real C{achat admin}."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
from pathlib import Path

from tests.functional.processes import SCRIPTS, FunctionalTestCase, Process


class AdminTests(FunctionalTestCase):
    """C{achat admin}."""

    def setUp(self) -> None:
        self.socket = self.folder() / "admin.sock"

    async def serve(self) -> Process:
        return await self.start("--admin", str(self.socket))

    async def admin(self, *arguments: str, path: Path | None = None) -> tuple[int, str]:
        """Runs a command to its end, and returns its exit code and its output."""
        command = [str(SCRIPTS / "achat"), "admin", "--socket", str(path or self.socket)]
        process = self.run_process(*command, *arguments)
        code = await process.ended
        return code, process.output.whole

    async def test_actions(self) -> None:
        """An operator is told who is here and how much waits, and can kick a client."""
        server = await self.serve()
        alice, bob = await self.call(server, "alice"), await self.call(server, "bob")
        bob.say("/quit")
        await bob.lost
        alice.say("bob: secret", "/sync")
        await alice.heard.contains("! synced")
        code, said = await self.admin("who")
        self.assertEqual(code, 0)
        head, row = said.splitlines()
        columns = ["NAME", "FROM", "SINCE", "TAKEN", "QUEUED", "UNACKNOWLEDGED"]
        columns += ["TAG", "UNCONFIRMED", "UNCONFIRMED_BYTES", "OLDEST"]
        self.assertEqual(head.split(), columns)
        self.assertRegex(row, r"^alice +127\.0\.0\.1:\d+ +\d{4}-\S+Z +2 +0 +0 +- +0 +0 +-$")
        code, said = await self.admin("stats")
        self.assertRegex(said, r"(?m)^phase +ready\nconnections +1\nsessions +1\naccepted +1\n")
        code, said = await self.admin("mail", "bob")
        self.assertEqual((code, said.split()), (0, ["kept", "1", "bytes", "83"]))
        self.assertEqual(await self.admin("kick", "alice"), (0, ""))
        self.assertEqual(await self.bye(alice), 2)
        self.assertEqual(alice.lines()[-2], "! kicked")
        self.assertEqual(await self.admin("kick", "alice"), (1, "Error: alice is not here\n"))
        await server.output.contains(f"uid {os.getuid()} asked for kick alice: done\n")
        self.assertNotIn("secret", server.output.text)

    async def test_drain(self) -> None:
        """A drain lets nobody in and waits for those who are here; and it can be ended."""
        server = await self.serve()
        alice = await self.call(server, "alice")
        drain = self.run_process(
            str(SCRIPTS / "achat"), "admin", "--socket", str(self.socket), "drain"
        )
        await drain.output.contains("still here: 1\n")
        carol = await self.call(server, "carol")
        self.assertEqual(carol.lines(), ["! busy"])
        alice.say("/quit")
        self.assertEqual(await drain.ended, 0)
        self.assertIn("all have left\n", drain.output.whole)
        self.assertEqual(await self.admin("drain", "--off"), (0, ""))
        await self.call(server, "dave")
        code, said = await self.admin("drain", "--deadline", "0")
        self.assertEqual(
            (code, said.splitlines()[-1]),
            (1, "Error: not all have left, still here: 1; nobody new is let in"),
        )

    async def test_mailboxes_and_purge(self) -> None:
        """An operator sees whose mailbox is large, and, asked once more, empties it."""
        server = await self.serve()
        alice, bob = await self.call(server, "alice"), await self.call(server, "bob")
        bob.say("/quit")
        await bob.lost
        self.assertEqual(await self.admin("mailboxes"), (0, "nothing is kept for anybody\n"))
        alice.say("bob: 1", "bob: 2", "/sync")
        await alice.heard.contains("! synced")
        self.assertEqual(
            await self.admin("mailboxes", "--most", "5"),
            (0, "NAME  KEPT  BYTES  TAGS\nbob   2     156    0\n"),
        )
        question = (
            "Throw away what waits for bob, 2 lines or more, and end its session if it has one?"
            " [y/N]: "
        )
        for typed in (b"n\n", b""):
            asked = self.run_process(
                *(str(SCRIPTS / "achat"), "admin", "--socket", str(self.socket), "purge", "bob")
            )
            asked.transport.write(typed)
            asked.transport.closeStdin()
            self.assertEqual(await asked.ended, 1)
            self.assertIn(question, asked.output.whole)
        self.assertEqual((await self.admin("mail", "bob"))[1].split()[:2], ["kept", "2"])
        self.assertEqual(await self.admin("purge", "--yes", "bob"), (0, "purged  2\nbytes   156\n"))
        self.assertEqual((await self.admin("mail", "bob"))[1].split()[:2], ["kept", "0"])
        self.assertEqual(
            await self.admin("purge", "--yes", "zoe"),
            (1, "Error: there is nobody by the name zoe\n"),
        )
        await self.call(server, "bob")
        self.assertEqual((await self.admin("purge", "--yes", "bob"))[0], 0)

    async def test_completion(self) -> None:
        """A shell offers the names of those who are here, or have mail; none without a server."""
        server = await self.serve()
        alice, _ = await self.call(server, "alice"), await self.call(server, "albert")
        alice.say("/quit")
        await alice.lost
        ann = await self.call(server, "ann")
        ann.say("alice: hi", "/sync")
        await ann.heard.contains("! synced")
        for words, offered in (
            (("kick", "a"), ["albert", "ann"]),
            (("kick", "an"), ["ann"]),
            (("purge", "al"), ["alice"]),
            (("mail", ""), ["alice"]),
        ):
            self.assertEqual(await self._offered(*words), offered)
        server.send(signal.SIGKILL)
        await server.ended
        self.assertEqual(await self._offered("kick", ""), [])

    async def _offered(self, *words: str) -> list[str]:
        """The words that bash would offer in place of the last one."""
        line = ["achat", "admin", "--socket", str(self.socket), *words]
        offering = self.run_process(
            str(SCRIPTS / "achat"),
            environment={
                "_ACHAT_COMPLETE": "bash_complete",
                "COMP_WORDS": " ".join(line),
                "COMP_CWORD": str(len(line) - 1),
            },
        )
        await offering.ended
        return sorted(row.removeprefix("plain,") for row in offering.output.whole.split())

    async def test_json(self) -> None:
        """Every answer is JSON if that is wanted, wherever the option stands: an object a line."""
        server = await self.serve()
        alice = await self.call(server, "alice")
        alice.say("/sync")
        await alice.heard.contains("! synced")
        for words in (
            *(["stats"], ["who"], ["mail", "alice"], ["mailboxes"], ["reload"]),
            *(["purge", "--yes", "alice"], ["drain"], ["drain", "--off"]),
        ):
            for arguments in (["--json", *words], [*words, "--json"]):
                code, said = await self.admin(*arguments)
                self.assertEqual(code, 0, said)
                for line in said.splitlines():
                    self.assertIsInstance(json.loads(line), dict, words)
        code, said = await self.admin("--json", "stats")
        self.assertEqual(json.loads(said)["phase"], "ready")
        self.assertEqual(await self.admin("--json", "kick", "zoe"), (1, "Error: zoe is not here\n"))

    async def test_reload(self) -> None:
        """An operator asks for a reload, and is told what has become of it, or why nothing has."""
        path = self.folder() / "achat.toml"
        path.write_text("max-line = '8K'")
        await self.start("--admin", str(self.socket), "--config", str(path))
        path.write_text("max-line = '4K'\nplain = true")
        code, said = await self.admin("reload")
        self.assertEqual(
            (code, said.splitlines()),
            (
                0,
                [
                    "OPTION    OLD    NEW   WHEN",
                    "max-line  8K     4K    now",
                    "plain     false  true  next start",
                ],
            ),
        )
        path.write_text("max-line = '4K'")
        self.assertEqual(await self.admin("reload"), (0, "no option has changed\n"))
        path.write_text("max-lines = 1")
        self.assertEqual(
            await self.admin("reload"),
            (
                1,
                f"Error: not reloaded, all is as it was: {path}: max-lines is not an option; did"
                " you mean 'max-line'?\n",
            ),
        )

    async def test_interrupted(self) -> None:
        """Ctrl-C ends the waiting, and says that the doors stay shut."""
        server = await self.serve()
        await self.call(server, "alice")
        drain = self.run_process(
            str(SCRIPTS / "achat"), "admin", "--socket", str(self.socket), "drain"
        )
        await drain.output.contains("still here: 1\n")
        drain.send(signal.SIGINT)
        self.assertEqual(await drain.ended, 130)
        self.assertIn("nobody new is let in, until achat admin drain --off", drain.output.whole)
        await server.output.contains("asked for drain 60: broken off\n")

    async def test_works_while_the_server_stops(self) -> None:
        """An operator can look, and kick clients that hold the stop up, until it is over."""
        server = await self.start("--admin", str(self.socket), "--grace", "60")
        stuck, alice = await self.call(server, "stuck"), await self.call(server, "alice")
        stuck.transport.pauseProducing()
        alice.say(*(f"stuck: {'x' * 1000}" for _ in range(12_000)), "/sync", "/quit")
        await alice.lost
        server.send(signal.SIGTERM)
        await server.output.contains("stopping; at most 60 seconds")
        _, said = await self.admin("stats")
        self.assertRegex(said, r"(?m)^phase +stopping$")
        self.assertEqual(await self.admin("kick", "stuck"), (0, ""))
        await server.ended
        self.assert_ledger(server, r"accepted 12000 \+ inherited 0 = delivered ")

    async def test_nobody_else_may_ask(self) -> None:
        """The socket is for its owner only, and there for as long as the server."""
        server = await self.serve()
        self.assertEqual(stat.S_IMODE(self.socket.stat().st_mode), 0o600)
        self.assertEqual((await self.admin("who"))[0], 0)
        server.send(signal.SIGTERM)
        await server.ended
        self.assertFalse(self.socket.exists())

    async def test_dead_server(self) -> None:
        """A killed server's socket is reported as such, and replaced by the next server."""
        server = await self.serve()
        server.send(signal.SIGKILL)
        await server.ended
        code, said = await self.admin("who")
        self.assertEqual(
            (code, said), (1, f"Error: there is no server at {self.socket} any more\n")
        )
        await self.serve()
        self.assertEqual((await self.admin("who"))[0], 0)

    async def test_living_server(self) -> None:
        """The socket of a server that runs is left to it."""
        await self.serve()
        second = self.run_twistd("--port", "0", "--admin", str(self.socket))
        said = await second.output.until(lambda text: "listening on " in text or "[Errno" in text)
        self.assertNotIn("listening on ", said)
        self.assertEqual(await second.ended, 1)
        self.assertIn(
            f"achat: cannot listen on --admin {self.socket}: [Errno 98] another server listens"
            " there; stop what listens there, or choose another place\n",
            second.output.whole,
        )
        self.assertEqual((await self.admin("who"))[0], 0)

    async def test_something_else(self) -> None:
        """A file that is not a socket is left alone."""
        self.socket.write_text("precious")
        server = self.run_twistd("--port", "0", "--admin", str(self.socket))
        self.assertEqual(await server.ended, 1)
        self.assertIn(f"achat: cannot listen on --admin {self.socket}: ", server.output.whole)
        self.assertEqual(self.socket.read_text(), "precious")

    async def test_no_server(self) -> None:
        """Without a server, or with another one, the command ends with a sentence."""
        code, said = await self.admin("who")
        self.assertEqual(code, 1)
        self.assertEqual(
            said, f"Error: there is no server: {self.socket} does not exist; give --socket PATH\n"
        )
        chat = self.socket.with_name("chat.sock")
        server = self.run_twistd("--listen", f"unix:{chat}")
        await server.output.contains("listening on ")
        code, said = await self.admin("who", path=chat)
        self.assertEqual(code, 1)
        self.assertIn(f"Error: {chat} cannot be used: ", said)

    async def test_server_goes(self) -> None:
        """A server that goes before it has answered is a failure."""
        with socket.socket(socket.AF_UNIX) as mute:
            mute.bind(str(self.socket))
            mute.listen()
            process = self.run_process(
                str(SCRIPTS / "achat"), "admin", "--socket", str(self.socket), "who"
            )
        self.assertEqual(await process.ended, 1)
        self.assertTrue(process.output.whole.startswith("Error: "), process.output.whole)
