"""The real C{achat chat}, which is told in its user's configuration where to go."""

from __future__ import annotations

from tests.functional.chatting import Chat, ChatTestCase
from tests.functional.processes import SCRIPTS
from tests.passwords import password_file


class ConfiguredTests(ChatTestCase):
    """A user with a configuration, and a server that asks for secrets."""

    def setUp(self) -> None:
        self.home = self.folder()
        (self.home / "achat").mkdir()
        self.path = self.home / "achat" / "config.toml"

    def says(self, *words: str, address: str = "") -> Chat:
        """A chat in which alice greets herself, and leaves."""
        chat = Chat()
        self.run_process(
            *(str(SCRIPTS / "achat"), "chat", *words),
            process=chat,
            environment={"XDG_CONFIG_HOME": str(self.home), "ACHAT_ADDRESS": address},
        )
        chat.types("alice: hi")
        chat.ends_input()
        return chat

    async def test_server(self) -> None:
        """A server is reached by its name, by the environment or by default, with its secret."""
        passwords = self.folder() / "passwords"
        passwords.write_text(password_file(alice="hush"))
        server = await self.start("--auth", f"argon2:{passwords}")
        (self.home / "achat" / "secret").write_text("hush\n")
        self.path.write_text(
            f'address = "home"\n[servers.home]\naddress = "alice@127.0.0.1:{server.port()}"\n'
            'secret-file = "secret"\n'
        )
        for words, address in ((["home"], "zoe@nowhere:1"), ([], "home"), ([], "")):
            chat = self.says(*words, address=address)
            self.assertEqual(await chat.ended, 0, chat.told.whole)
            self.assertEqual(chat.shown.whole, "from alice: hi\n")

    async def test_mistakes(self) -> None:
        """A mistake is one sentence after the usage, and exit code 2; nothing is connected."""
        for text, words, why in (
            ("", ["hom"], f"'hom' is neither NAME@HOST nor a server in {self.path}"),
            ("what", ["a@b"], f"{self.path} is not TOML: "),
            (
                "[servers.home]\naddress = 'a@unix:/run/b'\ntls = true",
                ["home"],
                "a unix socket needs no TLS",
            ),
            (
                "[servers.home]\naddress = 'a@b'\nsecret-file = 'none'",
                ["home"],
                f"cannot read the secret in {self.path.parent}/none: No such file or directory",
            ),
        ):
            self.path.write_text(text)
            chat = self.says("--retry", "0", *words)
            self.assertEqual(await chat.ended, 2, why)
            self.assertIn(f"\nError: {why}", chat.told.whole)
