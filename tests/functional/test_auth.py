"""Logins at a real server."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from time import monotonic

from OpenSSL.SSL import TLS_CLIENT_METHOD, Connection, Context
from twisted.internet import reactor
from twisted.internet.endpoints import TCP4ClientEndpoint, wrapClientTLS
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator, IStreamClientEndpoint
from zope.interface import implementer

from tests.clientele import Authority, Identity
from tests.functional.certificates import write_certificate
from tests.functional.chatting import Chat, ChatTestCase
from tests.functional.processes import SCRIPTS, Client, FunctionalTestCase, Process
from tests.passwords import password_file

ACHAT = str(SCRIPTS / "achat")

IN_A_TERMINAL = """
import os, pty, sys
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))
"""


class SecretTests(FunctionalTestCase):
    """Names and secrets in a file."""

    def write(self, text: str) -> Path:
        path = self.folder() / "passwords"
        path.write_text(text)
        path.chmod(0o600)
        return path

    async def come(self, server: Process, login: str, *lines: str) -> Client:
        """A client that logs in, and sends lines with the same packet."""
        client = await self.call(server)
        client.say(login, *lines)
        await client.heard.contains("\n")
        return client

    async def passwd(self, path: Path, name: str, secret: str) -> None:
        process = self.run_process(ACHAT, "passwd", str(path), name)
        process.transport.write(f"{secret}\n".encode())
        self.assertEqual(await process.ended, 0)

    async def test_right_wrong_unknown(self) -> None:
        """A client that knows the secret is let in; any other is denied, and closed."""
        path = self.write(password_file(alice="on:e", bob="two"))
        server = await self.start("--auth", f"argon2:{path}")
        alice = await self.come(server, "alice:on:e")
        self.assertEqual(alice.lines(), ["! welcome alice"])
        for login in ("alice", "alice:two", "carol:two"):
            client = await self.come(server, login, "alice: spam")
            await client.lost
            self.assertEqual(client.lines(), ["! denied"])
        alice.say("alice: still here")
        await alice.heard.contains("from alice: still here\n")
        self.assertNotIn("spam", alice.heard.whole)
        for secret in ("on:e", "two", "$argon2"):
            self.assertNotIn(secret, server.output.whole)

    async def test_order(self) -> None:
        """Lines that come with the login line are taken in behind it, in order."""
        path = self.write(password_file(alice="one"))
        server = await self.start("--auth", f"argon2:{path}")
        alice = await self.come(
            server, "alice:one", *(f"alice: {number}" for number in range(2000)), "/quit"
        )
        self.assertEqual(await self.bye(alice), 2001)
        self.assertEqual(alice.messages(), [f"from alice: {number}" for number in range(2000)])

    async def test_delay(self) -> None:
        """Each wrong secret is answered more slowly than the last."""
        path = self.write(password_file(alice="one"))
        server = await self.start("--auth", f"argon2:{path}")
        took = []
        for _ in range(3):
            start = monotonic()
            client = await self.come(server, "alice:wrong")
            await client.lost
            took.append(monotonic() - start)
        self.assertGreater(took[1], 0.9)
        self.assertGreater(took[2], 1.9)

    async def test_change_while_it_runs(self) -> None:
        """Entries of achat passwd count from the next login on, and there is mail for new names."""
        path = self.write("")
        mailbox = f"sqlite:{self.folder() / 'mail'}"  # which never expects just anybody
        server = await self.start("--auth", f"argon2:{path}", "--mailbox", mailbox)
        await self.passwd(path, "alice", "one")
        alice = await self.come(server, "alice:one", "bob: early")
        await alice.heard.contains("! unknown bob 1\n")
        await self.passwd(path, "bob", "two")
        alice.say("bob: in time")
        await alice.heard.contains("! kept bob 1\n")
        bob = await self.come(server, "bob:two")
        await bob.heard.contains("! mail 1\nfrom alice: in time\n")
        path.write_text("nonsense\n")
        again = await self.come(server, "alice:one")
        self.assertEqual(again.lines(), ["! welcome alice"])
        await server.output.contains(f"{path} cannot be used: line 1 is not NAME:")
        await alice.heard.contains("! replaced\n")

    async def test_bad_start(self) -> None:
        """A server whose password file is bad does not start, and says where it is bad."""
        path = self.write(password_file(alice="one") + "bob:two\n")
        server = self.run_twistd("--port", "0", "--auth", f"argon2:{path}")
        self.assertEqual(await server.ended, 1)
        self.assertEqual(
            server.output.text,
            f"achat: --auth argon2 will not do: {path} cannot be used: line 2 is not"
            " NAME:$argon2id$v=19$m=…,t=…,p=…$SALT$HASH\n",
        )

    async def test_no_warning(self) -> None:
        """With --auth the log does not warn that anybody can log in as anybody."""
        for auth, times in (([], 1), (["--auth", f"argon2:{self.write('')}"], 0)):
            server = await self.start("--port", "0", "--interface", "0.0.0.0", *auth)
            await self.call(server, "alice:x")
            server.send(signal.SIGTERM)
            await server.ended
            self.assertEqual(server.output.text.count("can log in as anybody"), times)

    async def test_help(self) -> None:
        """The types of checkers that there are can be listed and explained."""
        for option, text in (
            (["--help-auth"], "argon2"),
            (["--help-auth-type", "argon2"], "achat passwd PATH NAME"),
            (["--help-auth-type", "tls"], "common name"),
        ):
            twistd = self.run_twistd(*option)
            self.assertEqual(await twistd.ended, 0)
            self.assertIn(text, twistd.output.text)


class ChatTests(ChatTestCase):
    """C{achat chat} at a server that asks for secrets."""

    async def _start(self) -> Process:
        path = self.folder() / "passwords"
        path.write_text(password_file(ann="hunter2"))
        path.chmod(0o600)
        return await self.start("--auth", f"argon2:{path}")

    def _in_a_terminal(self, *command: str) -> Chat:
        chat = Chat()
        environment = {"ACHAT_SECRET": "", "TERM": "dumb"}
        self.run_process(
            sys.executable, "-c", IN_A_TERMINAL, *command, process=chat, environment=environment
        )
        return chat

    async def test_environment(self) -> None:
        """The secret may come from the environment."""
        server = await self._start()
        chat = Chat()
        self.run_process(
            *(ACHAT, "chat", f"ann@127.0.0.1:{server.port()}"),
            process=chat,
            environment={"ACHAT_SECRET": "hunter2"},
        )
        chat.types("ann: hi", "/quit")
        self.assertEqual(await chat.ended, 0)
        self.assertEqual(chat.shown.whole, "from ann: hi\n")

    async def test_denied(self) -> None:
        """A client that is denied is told so, and does not try again."""
        server = await self._start()
        chat = self.chat("ann:wrong", server.port())
        chat.types("ann: hi")
        self.assertEqual(await chat.ended, 77)
        self.assertIn("does not let ann in: the secret is missing or wrong", chat.told.whole)

    async def test_prompt(self) -> None:
        """The secret may be asked for at the terminal, which does not show it."""
        server = await self._start()
        chat = self._in_a_terminal(ACHAT, "chat", f"ann:@127.0.0.1:{server.port()}")
        await chat.shown.contains("Secret of ann: ")
        chat.types("hunter2")
        await server.output.contains("ann logged in")
        chat.types("ann: hi")
        await chat.shown.contains("from ann: hi")
        self.assertNotIn("hunter2", chat.shown.whole)

    async def test_passwd(self) -> None:
        """C{achat passwd} asks for a new one twice, and does not show it either."""
        path = self.folder() / "passwords"
        chat = self._in_a_terminal(ACHAT, "passwd", str(path), "ann")
        await chat.shown.contains("Secret of ann: ")
        chat.types("hunter2")
        await chat.shown.contains("The same again: ")
        chat.types("hunter2")
        self.assertEqual(await chat.ended, 0)
        self.assertNotIn("hunter2", chat.shown.whole)
        self.assertIn("ann was added", chat.shown.whole)
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)

    async def test_passwd_without_input(self) -> None:
        """Without a terminal to ask at or input to read, there is no secret."""
        path = self.folder() / "passwords"
        for source in ("<&-", "</dev/null"):
            passwd = self.run_process("/bin/sh", "-c", f"{ACHAT} passwd {path} ann {source}")
            self.assertEqual(await passwd.ended, 1)
            self.assertEqual(passwd.output.whole, "Error: the secret must not be empty\n")


@implementer(IOpenSSLClientConnectionCreator)
class Shows:
    """A client's TLS, with a certificate or none; it takes any server for the right one."""

    def __init__(self, identity: Identity | None) -> None:
        self._context = Context(TLS_CLIENT_METHOD)
        if identity is not None:
            self._context.use_certificate(identity.certificate)
            self._context.use_privatekey(identity.key)

    def clientConnectionForTLS(self, tlsProtocol: object) -> Connection:
        return Connection(self._context)


class CertificateTests(FunctionalTestCase):
    """Client certificates."""

    async def _start(self, *options: str, folder_of_certificates: bool = False) -> Process:
        folder = self.folder()
        pem, authorities = folder / "localhost.pem", folder / "authorities"
        write_certificate(pem)
        self.authority = Authority()
        authorities.write_bytes(self.authority.identity.public())
        listen = (
            f"tls:{folder}:0:interface=127.0.0.1"
            if folder_of_certificates
            else f"ssl:0:privateKey={pem}:certKey={pem}:interface=127.0.0.1"
        )
        return await self.start("--listen", listen, "--auth", f"tls:{authorities}", *options)

    def _endpoint(self, server: Process, identity: Identity | None) -> IStreamClientEndpoint:
        plain = TCP4ClientEndpoint(reactor, "127.0.0.1", server.port())
        return wrapClientTLS(Shows(identity), plain)

    async def _come(self, server: Process, name: str, identity: Identity | None) -> list[str]:
        client = await self.call(self._endpoint(server, identity), name)
        return client.lines()

    async def test_certificate(self) -> None:
        """A client with a certificate is let in under its name, and under no other."""
        server = await self._start()
        alice = self.authority.client("alice")
        self.assertEqual(await self._come(server, "alice", alice), ["! welcome alice"])
        self.assertEqual(await self._come(server, "bob", alice), ["! denied"])
        await server.output.contains("was refused: denied: its certificate is for 'alice'")
        self.assertEqual(await self._come(server, "alice", None), ["! denied"])
        strange = Authority("a stranger").client("alice")
        self.assertEqual(await self._come(server, "alice", strange), ["! denied"])
        await server.output.contains("denied: its certificate is not valid: ")

    async def test_folder_of_certificates(self) -> None:
        """A folder of server certificates lets clients with a certificate in as well."""
        server = await self._start(folder_of_certificates=True)
        alice = self.authority.client("alice")
        self.assertEqual(await self._come(server, "alice", alice), ["! welcome alice"])

    async def test_stop(self) -> None:
        """A certificate changes nothing about a stop."""
        server = await self._start()
        alice = await self.call(self._endpoint(server, self.authority.client("alice")), "alice")
        alice.say(*(f"alice: {number}" for number in range(1000)))
        await alice.heard.contains("from alice: 999\n")
        server.send(signal.SIGTERM)
        self.assertEqual(await self.bye(alice), 1000)
        await server.ended
