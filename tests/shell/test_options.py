"""The parameters of the commands for users: a server, and its certificates."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
from click.testing import CliRunner
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.client.address import parse_address
from achat_twisted.shell.config import Server
from achat_twisted.shell.options import server_argument, tls_options

SECURED: list[tuple[str, dict[str, Any]]] = [
    ("ann@host", {}),
    ("--tls ann@host", {"tls": True}),
    ("--ca CA ann@host", {"tls": True, "ca": "CA"}),
    ("--cert CERT ann@host", {"tls": True, "cert": "CERT"}),
    ("--cert CERT --key KEY ann@host", {"tls": True, "cert": "CERT", "key": "KEY"}),
]
"""Command lines, and what they say of TLS."""


class ServerTests(SynchronousTestCase):
    """The server, said on the command line or in the configuration."""

    def setUp(self) -> None:
        self.folder = self.enterContext(TemporaryDirectory())
        self.found: list[Server] = []

        @click.command()
        @server_argument
        @tls_options
        @click.option("--bell", is_flag=True)
        def command(server: Server, bell: bool) -> None:
            self.found.append(server)

        self.command = command

    def run_command(self, words: str) -> Any:
        environ = {"XDG_CONFIG_HOME": self.folder, "ACHAT_ADDRESS": None}
        return CliRunner().invoke(self.command, words.split(), env=environ)

    def test_options(self) -> None:
        """Each option is part of the server, and a certificate of either kind implies TLS."""
        for words, secured in SECURED:
            self.assertEqual(self.run_command(words).exit_code, 0, words)
            self.assertEqual(self.found[-1], Server(parse_address("ann@host"), **secured))

    def test_beside_the_configuration(self) -> None:
        """Options go before what the configuration says of the server; a certificate takes no key
        of another one.
        """
        Path(self.folder, "achat").mkdir()
        Path(self.folder, "achat", "config.toml").write_text(
            "ca = 'all'\n[servers.home]\naddress = 'ann@host'\ncert = 'c'\nkey = 'k'\n"
        )
        folder = os.path.join(self.folder, "achat")
        self.run_command("home")
        self.assertEqual(self.found[-1].key, f"{folder}/k")
        self.run_command("--cert mine --ca theirs home")
        server = Server(parse_address("ann@host"), tls=True, ca="theirs", cert="mine")
        self.assertEqual(self.found[-1], server)
        self.run_command("bob@host")
        self.assertEqual((self.found[-1].tls, self.found[-1].ca), (False, f"{folder}/all"))

    def test_key_without_certificate(self) -> None:
        """A key alone is a mistake."""
        result = self.run_command("--key KEY ann@host")
        self.assertEqual(result.exit_code, 2)
        self.assertIn("--key is of no use without --cert", result.output)
