"""Secrets: they are nowhere but on the wire."""

from __future__ import annotations

import re
import signal
import sys
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.endpoints import TCP4ClientEndpoint

from tests.functional.chatting import Chat
from tests.functional.processes import SCRIPTS, TWISTD, FunctionalTestCase, Process
from tests.passwords import password_file

SECRET = "correct-horse"

PLUGIN = """
from twisted.cred.credentials import IUsernamePassword
from twisted.cred.strcred import ICheckerFactory
from twisted.plugin import IPlugin
from zope.interface import implementer

@implementer(ICheckerFactory, IPlugin)
class Faulty:
    authType = "faulty"
    authHelp = argStringFormat = "It has a bug."
    credentialInterfaces = (IUsernamePassword,)

    def generateChecker(self, argument):
        return self

    def requestAvatarId(self, credentials):
        name, secret = credentials.username, credentials.password
        raise RuntimeError("a bug with %d letters at hand" % len(secret))

faulty = Faulty()
"""
"""A plugin of Twisted's, with a checker that fails when it has a secret in its hands."""

IN_A_TERMINAL = """
import os, pty, sys
pty.spawn(sys.argv[1:])
"""


class SecretTests(FunctionalTestCase):
    """A server that hears a secret in every place where one may slip in."""

    async def test_nowhere(self) -> None:
        """A secret is in no log, not even when it is said wrong, and nothing that C{ps} shows."""
        path = self.folder() / "mailbox.sqlite"
        server = await self.start("--login-timeout", "1", "--mailbox", f"sqlite:{path}")
        alice = await self.call(server, f"alice:{SECRET}")
        alice.say(f"alice:{SECRET}", f"/alice:{SECRET}", f"/login {SECRET}", f"{SECRET}", "/sync")
        await alice.heard.contains("! synced")
        for login in (
            *(f"alice:{SECRET}", f"!bob:{SECRET}", f"b,b:{SECRET}", f":{SECRET}"),
            *(f"bob:{SECRET}\x1b", f"bob:{SECRET}{'x' * 9000}", f"{'b' * 65}:{SECRET}"),
        ):
            client = await self.call(server)
            client.say(login)
            await client.lost
        late = await self.call(server)
        late.transport.write(f"bob:{SECRET}".encode())
        await late.lost
        await self._knows_nothing(server)
        self.assertIn("alice sent a line that was refused", server.output.whole)

    async def test_checked(self) -> None:
        """A checked secret, right, wrong or for nobody, is in no log, of either format."""
        path = self.folder() / "passwords"
        path.write_text(password_file(alice=SECRET))
        path.chmod(0o600)
        for line in ("text", "json"):
            server = await self.start(
                *("--auth", f"argon2:{path}", "--log-level", "debug", "--log-format", line)
            )
            door = self._door(server)
            alice = await self.call(door, f"alice:{SECRET}")
            self.assertEqual(alice.lines(), ["! welcome alice"])
            for login in (f"alice:{SECRET}2", f"bob:{SECRET}", f":{SECRET}"):
                client = await self.call(door, login)
                await client.lost
            await self._knows_nothing(server)
            self.assertIn("denied", server.output.whole)

    async def test_faulty_checker(self) -> None:
        """A checker that fails is a traceback, and the secret that it had is not part of it."""
        folder = self.folder()
        plugins = folder / "twisted" / "plugins"
        plugins.mkdir(parents=True)
        (plugins / "faulty.py").write_text(PLUGIN)
        for line in ("text", "json"):
            server = self.run_process(
                *(*TWISTD, "--port", "0", "--auth", "faulty", "--log-format", line),
                environment={"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
            )
            await server.output.contains("listening on ")
            alice = await self.call(self._door(server), f"alice:{SECRET}")
            await alice.lost
            self.assertEqual(alice.lines(), ["! busy"])
            await self._knows_nothing(server)
            self.assertIn(f"a bug with {len(SECRET)} letters at hand", server.output.whole)
            self.assertIn("Traceback", server.output.whole)

    async def test_client(self) -> None:
        """C{ps} shows no secret of C{achat chat}, be it asked for or from the environment."""
        path = self.folder() / "passwords"
        path.write_text(password_file(alice=SECRET))
        path.chmod(0o600)
        server = await self.start("--auth", f"argon2:{path}")
        address = f"alice@127.0.0.1:{server.port()}"
        command = (str(SCRIPTS / "achat"), "chat")
        chat = Chat()
        self.run_process(*command, address, process=chat, environment={"ACHAT_SECRET": SECRET})
        chat.types("alice: hi")
        await chat.shown.contains("from alice: hi")
        self._shows_nothing(chat, "cmdline", "comm")
        chat.types("/quit")
        await chat.ended
        chat = Chat()
        terminal = (sys.executable, "-c", IN_A_TERMINAL)
        address = address.replace("@", ":@")
        self.run_process(
            *(*terminal, *command, address),
            process=chat,
            environment={"ACHAT_SECRET": "", "TERM": "dumb"},
        )
        await chat.shown.contains("Secret of alice: ")
        server.output.turn_page()
        chat.types(SECRET)
        await server.output.contains("alice logged in")
        chat.types("alice: hello")
        await chat.shown.contains("from alice: hello")
        self.assertNotIn(SECRET, chat.shown.whole)
        self._shows_nothing(chat, "cmdline", "comm", "environ")
        children = Path(f"/proc/{chat.transport.pid}/task/{chat.transport.pid}/children")
        self._shows_nothing(int(children.read_text()), "cmdline", "comm", "environ")

    async def _asked(self, *command: str) -> Chat:
        """A chat in a terminal, which asks for Alice's secret."""
        chat = Chat()
        self.run_process(
            *(sys.executable, "-c", IN_A_TERMINAL, *command),
            process=chat,
            environment={"ACHAT_SECRET": ""},
        )
        await chat.shown.contains("Secret of alice: ")
        return chat

    async def test_prompt_and_pipe(self) -> None:
        """A secret is asked for at the terminal; piped input goes to the chat whole."""
        path = self.folder() / "passwords"
        path.write_text(password_file(alice=SECRET))
        path.chmod(0o600)
        server = await self.start("--auth", f"argon2:{path}")
        achat = f"{SCRIPTS / 'achat'} chat alice:@127.0.0.1:{server.port()}"
        command = f"printf 'alice: 1\\nalice: 2\\n' | {achat}"
        chat = await self._asked("/bin/sh", "-c", command)
        chat.types(SECRET)
        await chat.ended
        self.assertIn("from alice: 1\r\nfrom alice: 2\r\n", chat.shown.whole)

    async def test_interrupted(self) -> None:
        """Ctrl-C at the question ends it as it ends the rest."""
        command = f"{SCRIPTS / 'achat'} chat alice:@127.0.0.1:1; echo code $?"
        chat = await self._asked("/bin/bash", "-c", f"trap : INT; {command}")
        chat.transport.write(b"\x03")
        await chat.shown.contains("code 130")

    async def test_no_terminal(self) -> None:
        """Without a terminal to ask at, no piped input is taken for a secret."""
        command = f"{SCRIPTS / 'achat'} chat --retry 0 alice:@127.0.0.1:1; echo $?; cat"
        chat = Chat()
        self.run_process(
            *("setsid", "--wait", "/bin/sh", "-c", command),
            process=chat,
            environment={"ACHAT_SECRET": ""},
        )
        chat.types("alice: 1", "alice: 2")
        chat.ends_input()
        await chat.ended
        self.assertEqual(
            chat.told.whole,
            "Error: there is no terminal to ask for the secret of alice at;"
            " put it into ACHAT_SECRET\n",
        )
        self.assertEqual(chat.shown.whole, "1\nalice: 1\nalice: 2\n")

    def _door(self, server: Process) -> TCP4ClientEndpoint:
        """The port at which a server listens, whatever its log looks like."""
        (port, *_) = re.findall(r"listening on 127\.0\.0\.1:(\d+)", server.output.whole)
        return TCP4ClientEndpoint(reactor, "127.0.0.1", int(port))

    async def _knows_nothing(self, server: Process) -> None:
        """See that neither the running server nor its log shows the secret; and stop it."""
        self._shows_nothing(server, "cmdline", "comm", "environ")
        server.send(signal.SIGTERM)
        await server.ended
        self.assertNotIn(SECRET, server.output.whole)

    def _shows_nothing(self, process: Process | int, *files: str) -> None:
        pid = process if isinstance(process, int) else process.transport.pid
        for file in files:
            self.assertNotIn(SECRET, Path(f"/proc/{pid}/{file}").read_text())
