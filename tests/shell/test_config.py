"""The user's configuration: where to, and with which certificates and secrets."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.client.address import Address
from achat_twisted.shell import config
from achat_twisted.shell.config import ADDRESS, Config, ConfigError, Server

WHOLE = """
address = "home"
ca = "/etc/ca.pem"

[servers.home]
address = "ann@chat.example:8443"
tls = true
cert = "ann.pem"
key = "~/ann.key"
secret-file = "secret"

[servers.work]
address = "ann@10.0.0.1"

[servers.club]
address = "zoe@[::1]:1"
ca = "club.pem"
"""

WRONG = [
    ("adress = 'ann@host'", "adress is not a setting; did you mean 'address'?"),
    ("address = 1", "address must be a string"),
    ("servers = 1", "servers must be a table"),
    ("servers.home = 'ann@host'", "servers.home must be a table"),
    ("[servers.home]\ntls = true", "servers.home.address is missing"),
    ("[servers.home]\naddress = 'ann'", "servers.home.address: 'ann' is not NAME@HOST"),
    ("[servers.home]\naddress = 'a@b:0'", "servers.home.address: the port must be from 1 to"),
    ("[servers.home]\naddress = 'a@b'\ntls = 1", "servers.home.tls must be true or false"),
    ("[servers.home]\naddress = 'a@b'\nport = 1", "servers.home.port is not a setting"),
    (
        "[servers.home]\naddress = 'a@b'\ntls = false\ncert = 'x'",
        "servers.home.cert is of no use with tls = false",
    ),
    (
        "[servers.home]\naddress = 'a@b'\nkey = 'x'",
        "servers.home.key is of no use without servers.home.cert",
    ),
    ("[servers.'a@b']\naddress = 'a@b'", "servers.a@b: the name of a server must not be empty"),
    ("[servers.'']\naddress = 'a@b'", "servers.: the name of a server must not be empty"),
]


class ConfigTestCase(SynchronousTestCase):
    """A test with a folder for configuration."""

    def setUp(self) -> None:
        self.home = Path(self.enterContext(TemporaryDirectory()))
        self.environ = {"XDG_CONFIG_HOME": str(self.home)}
        self.path = self.home / "achat" / "config.toml"

    def config(self, text: str) -> Config:
        self.path.parent.mkdir(exist_ok=True)
        self.path.write_text(text)
        return config.read(self.environ)


class ReadTests(ConfigTestCase):
    """L{config.read}."""

    def test_place(self) -> None:
        """The file is in the folder that XDG names, or in the home if that is not absolute."""
        self.assertEqual(config.place(self.environ), self.path)
        in_home = Path(os.path.expanduser("~/.config/achat/config.toml"))
        for environ in ({}, {"XDG_CONFIG_HOME": ""}, {"XDG_CONFIG_HOME": "here"}):
            self.assertEqual(config.place(environ), in_home)

    def test_none(self) -> None:
        """Without a file there is nothing in it."""
        self.assertEqual(config.read(self.environ), Config(self.path))
        (self.home / "achat").write_text("a file")
        self.assertEqual(config.read(self.environ), Config(self.path))

    def test_servers(self) -> None:
        """A server has what its table says, in files beside the configuration or elsewhere; and the
        authorities of all, unless it has its own.
        """
        found = self.config(WHOLE)
        beside = str(self.path.parent)
        self.assertEqual(found.address, "home")
        self.assertEqual(
            found.servers,
            {
                "home": Server(
                    Address("ann", None, "chat.example", 8443),
                    tls=True,
                    ca="/etc/ca.pem",
                    cert=f"{beside}/ann.pem",
                    key=os.path.expanduser("~/ann.key"),
                    secret_file=f"{beside}/secret",
                ),
                "work": Server(Address("ann", None, "10.0.0.1", 8080), ca="/etc/ca.pem"),
                "club": Server(Address("zoe", None, "::1", 1), tls=True, ca=f"{beside}/club.pem"),
            },
        )

    def test_wrong(self) -> None:
        """A mistake is told in one sentence, which names the file and the setting."""
        for text, why in WRONG:
            error = self.assertRaises(ConfigError, self.config, text)
            self.assertTrue(str(error).startswith(f"{self.path}: {why}"), error)

    def test_unreadable(self) -> None:
        """A file that cannot be read, or is not TOML, is told as well."""
        error = self.assertRaises(ConfigError, self.config, "what")
        self.assertTrue(str(error).startswith(f"{self.path} is not TOML: "), error)
        self.path.write_bytes(b"address = '\xff'")
        error = self.assertRaises(ConfigError, config.read, self.environ)
        self.assertEqual(str(error), f"{self.path} is not UTF-8")
        self.path.unlink()
        self.path.mkdir()
        error = self.assertRaises(ConfigError, config.read, self.environ)
        self.assertEqual(str(error), f"{self.path} cannot be read: Is a directory")


class FindTests(ConfigTestCase):
    """L{Config.find}."""

    def _found(self, text: str, said: str | None = None, address: str = "") -> str:
        """The server that is found, as an address."""
        found = self.config(text).find(said, {ADDRESS: address}).address
        return f"{found.name}@{found.server}"

    def _not_found(self, text: str, said: str | None = None, address: str = "") -> str:
        found = self.config(text)
        return str(self.assertRaises(ConfigError, found.find, said, {ADDRESS: address}))

    def test_order(self) -> None:
        """The argument comes first, then the environment, then the file."""
        self.assertEqual(self._found(WHOLE, "bob@there", "work"), "bob@there:8080")
        self.assertEqual(self._found(WHOLE, "club", "work"), "zoe@[::1]:1")
        self.assertEqual(self._found(WHOLE, None, "work"), "ann@10.0.0.1:8080")
        self.assertEqual(self._found(WHOLE, "", "bob@there"), "bob@there:8080")
        self.assertEqual(self._found(WHOLE), "ann@chat.example:8443")
        self.assertEqual(self._found("address = 'bob@there'"), "bob@there:8080")

    def test_nothing_of_another(self) -> None:
        """An address gets the authorities of all, but no secret or certificate of a server."""
        found = self.config(WHOLE).find("ann@chat.example:8443", {})
        self.assertEqual(
            found, Server(Address("ann", None, "chat.example", 8443), ca="/etc/ca.pem")
        )

    def test_nowhere(self) -> None:
        """If nothing says where to, the sentence says what would."""
        self.assertEqual(
            self._not_found(""),
            "it is not said where to: give NAME@HOST, or set ACHAT_ADDRESS, or write an address"
            f" into {self.path}",
        )

    def test_unknown(self) -> None:
        """An unknown server is told with its source, and with what may have been meant."""
        sentence = f"'hom' is neither NAME@HOST nor a server in {self.path}; did you mean 'home'?"
        self.assertEqual(self._not_found(WHOLE, "hom"), sentence)
        self.assertEqual(self._not_found(WHOLE, None, "hom"), f"ACHAT_ADDRESS: {sentence}")
        self.assertEqual(
            self._not_found("address = 'there'"),
            f"{self.path}: address: 'there' is neither NAME@HOST nor a server in {self.path}",
        )
        self.assertEqual(
            self._not_found("", None, "a@b:0"),
            "ACHAT_ADDRESS: the port must be from 1 to 65535, not 0",
        )
        self.assertNotIn("hush", self._not_found("", "ann:hush"))
