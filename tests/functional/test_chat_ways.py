"""The ways of C{achat chat} to a server: TLS, unix sockets, and the wrong one of two."""

from __future__ import annotations

from pathlib import Path

from twisted.internet import reactor
from twisted.internet.endpoints import serverFromString
from twisted.internet.protocol import Factory

from tests.authority import Identity
from tests.functional.certificates import write_certificate
from tests.functional.chatting import Chat, ChatTestCase
from tests.functional.processes import SCRIPTS, Client, Process
from tests.passwords import password_file

SECRET = "hush-hush"


class WayTests(ChatTestCase):
    """One server, and users who come to it by any way."""

    def setUp(self) -> None:
        self.place = self.folder()
        self.certificate = self.place / "localhost.pem"
        write_certificate(self.certificate)

    def says(self, where: str, *options: str, secret: str = "") -> Chat:
        """A chat in which Ann greets herself, and leaves."""
        chat = Chat()
        self.run_process(
            *(str(SCRIPTS / "achat"), "chat", "--retry", "0", *options, f"ann@{where}"),
            process=chat,
            environment={"ACHAT_SECRET": secret},
        )
        chat.types("ann: hi")
        chat.ends_input()
        return chat

    def listen(self, kind: str) -> str:
        key = f"privateKey={self.certificate}:certKey={self.certificate}"
        return f"ssl:0:interface=127.0.0.1:{key}" if kind == "tls" else "tcp:0:interface=127.0.0.1"

    async def assert_says(self, chat: Chat) -> None:
        self.assertEqual(await chat.ended, 0, chat.told.whole)
        self.assertEqual(chat.shown.whole, "from ann: hi\n")

    async def test_tls(self) -> None:
        """With TLS the certificate is checked: it must be vouched for, and name the host."""
        server = await self.start("--listen", self.listen("tls"))
        ca = str(self.certificate)
        await self.assert_says(self.says(f"localhost:{server.port()}", "--ca", ca))
        for host, options in (("localhost", ["--tls"]), ("127.0.0.2", ["--ca", ca])):
            chat = self.says(f"{host}:{server.port()}", *options)
            if host == "localhost":
                self.assertEqual(await chat.ended, 77)
                self.assertRegex(chat.told.whole, "certificate of .* is not to be believed")
            else:
                self.assertNotEqual(await chat.ended, 0)
            self.assertIn("    ann: hi\n", chat.told.whole)

    async def test_client_certificate(self) -> None:
        """A certificate is shown to a server that wants one, from one file or two."""
        authority = Identity("our clients")
        ann = Identity("ann", issuer=authority)
        (self.place / "clients.pem").write_bytes(authority.certificate_pem)
        key, certificate = ann.key_pem(), ann.certificate_pem
        (self.place / "ann.pem").write_bytes(key + certificate)
        (self.place / "ann.key").write_bytes(key)
        (self.place / "ann.crt").write_bytes(certificate)
        server = await self.start(
            *("--listen", self.listen("tls"), "--auth", f"tls:{self.place}/clients.pem")
        )
        where, ca = f"localhost:{server.port()}", ("--ca", str(self.certificate))
        one = ("--cert", f"{self.place}/ann.pem")
        two = ("--cert", f"{self.place}/ann.crt", "--key", f"{self.place}/ann.key")
        for options in (one, two):
            await self.assert_says(self.says(where, *ca, *options))
        denied = self.says(where, *ca)
        self.assertEqual(await denied.ended, 77)
        self.assertIn("does not let ann in", denied.told.whole)

    async def test_unix_socket(self) -> None:
        """A server is reached by the path of its socket."""
        path = self.place / "socket"
        await self.start("--listen", f"unix:{path}")
        await self.assert_says(self.says(f"unix:{path}"))
        nobody = self.says(f"unix:{path}.other")
        self.assertEqual(await nobody.ended, 75)
        self.assertIn("No such file or directory", nobody.told.whole)

    async def test_tls_port_without_tls(self) -> None:
        """A port that speaks TLS is recognised before the secret is said, which it never hears."""
        server = await self._with_secrets("tls")
        chat = self.says(f"localhost:{server.port()}", secret=SECRET)
        self.assertEqual(await chat.ended, 75)
        self.assertIn("so it was not told the secret; it may speak TLS", chat.told.whole)
        self.assertNotIn(SECRET, await self._eavesdrop())
        chat = self.says(f"localhost:{server.port()}")
        self.assertEqual(await chat.ended, 75)
        self.assertIn("or it speaks TLS, which this client was not told to", chat.told.whole)

    async def _eavesdrop(self) -> str:
        """All that a server hears that answers nothing, as a port with TLS may not."""
        guests: list[Client] = []

        class Host(Factory):
            def buildProtocol(self, addr: object) -> Client:
                guests.append(Client())
                return guests[-1]

        port = await serverFromString(reactor, self.listen("tcp")).listen(Host())
        self.addCleanup(port.stopListening)
        chat = self.says(f"localhost:{port.getHost().port}", secret=SECRET)
        self.assertEqual(await chat.ended, 77)
        self.assertIn("it was not told the secret", chat.told.whole)
        return "".join(guest.heard.whole for guest in guests)

    async def test_port_without_tls(self) -> None:
        """One that does not speak TLS, while the user wants it, is recognised as well."""
        server = await self._with_secrets("tcp")
        chat = self.says(f"localhost:{server.port()}", "--tls", secret=SECRET)
        self.assertEqual(await chat.ended, 77)
        self.assertIn("does not speak TLS, and this client was told to", chat.told.whole)
        await self.assert_says(self.says(f"localhost:{server.port()}", secret=SECRET))

    async def test_unreadable(self) -> None:
        """A certificate that cannot be used is a mistake, before anything is connected."""
        for option in ("--ca", "--cert"):
            chat = self.says("localhost:1", option, str(Path(self.place, "none")))
            self.assertEqual(await chat.ended, 2)
            self.assertIn("none: No such file or directory", chat.told.whole)
        chat = self.says("unix:/run/achat", "--tls")
        self.assertEqual(await chat.ended, 2)
        self.assertIn("a unix socket needs no TLS", chat.told.whole)

    async def _with_secrets(self, kind: str) -> Process:
        passwords = self.place / "passwords"
        passwords.write_text(password_file(ann=SECRET))
        passwords.chmod(0o600)
        return await self.start("--listen", self.listen(kind), "--auth", f"argon2:{passwords}")
