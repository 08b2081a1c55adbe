"""The C{achat} command, up to where a reactor would run."""

from __future__ import annotations

import subprocess
import sys

from click import BadParameter, Context
from click.testing import CliRunner
from twisted.trial.unittest import SynchronousTestCase

import achat_twisted
from achat_twisted.cli import SECRET, Address, complete, main, parse_address
from achat_twisted.operator.command import admin
from achat_twisted.wire import Login

ADDRESSES = [
    ("ann@localhost", "ann", None, "localhost", 8080, "localhost:8080"),
    ("ann@10.0.0.1:65535", "ann", None, "10.0.0.1", 65535, "10.0.0.1:65535"),
    ("ann@[::1]:8081", "ann", None, "::1", 8081, "[::1]:8081"),
    ("ann@[::1]", "ann", None, "::1", 8080, "[::1]:8080"),
    ("ann@[fe80::1%eth0]:8081", "ann", None, "fe80::1%eth0", 8081, "[fe80::1%eth0]:8081"),
    ("ann@work@host:1", "ann@work", None, "host", 1, "host:1"),
    ("Zoë von 東京@host", "Zoë von 東京", None, "host", 8080, "host:8080"),
    ("ann:p@ss:word@host", "ann", "p@ss:word", "host", 8080, "host:8080"),
]

NO_ADDRESSES = [
    ("ann", "is not NAME@HOST"),
    ("ann@", "is not NAME@HOST"),
    ("ann@:8080", "is not NAME@HOST"),
    ("ann@::1", "an IPv6 address needs brackets: NAME@[::1]"),
    ("ann:s@ret@fe80::1%eth0", "an IPv6 address needs brackets: NAME@[fe80::1%eth0]"),
    ("ann@[fe80::1%]", "is not NAME@HOST"),
    ("ann@[fe80::1%\xe9]", "is not NAME@HOST"),
    ("ann@[host]", "is not NAME@HOST"),
    ("ann@[::1", "is not NAME@HOST"),
    ("ann@[]:1", "is not NAME@HOST"),
    ("ann@host:", "is not NAME@HOST"),
    ("ann@host:http", "is not NAME@HOST"),
    ("ann@host:" + 9999 * "9", "is not NAME@HOST"),
    ("ann@my host", "is not NAME@HOST"),
    ("ann@host:0", "port must be from 1 to 65535, not 0"),
    ("ann@host:65536", "port must be from 1 to 65535, not 65536"),
    ("@host", "NAME will not do: it is empty"),
    ("/ann@host", "NAME will not do: it begins with"),
    ("ann\n@host", "NAME will not do: control characters"),
    ("ann:\n@host", "NAME will not do: control characters"),
    ("ann\udcff@host", "NAME will not do: not UTF-8"),
]

WRONG = [
    ["chat"],
    ["chat", "ann"],
    ["chat", "ann@host", "bob@host"],
    ["chat", "--retry", "-1", "ann@host"],
    ["chat", "--retry", "soon", "ann@host"],
    ["talk"],
]


class AddressTests(SynchronousTestCase):
    """L{parse_address}."""

    def test_addresses(self) -> None:
        """Valid addresses, and their meaning."""
        for text, name, secret, host, port, server in ADDRESSES:
            address = parse_address(text)
            self.assertEqual(address, Address(Login(name, secret), host, port), text)
            self.assertEqual(address.server, server)

    def test_no_addresses(self) -> None:
        """An invalid address gets a sentence that says why."""
        for text, why in NO_ADDRESSES:
            self.assertIn(why, str(self.assertRaises(BadParameter, parse_address, text)))


class SecretTests(SynchronousTestCase):
    """The sources of the secret."""

    def _login(self, login: Login, environment: str = "", typed: str = "") -> Login:
        return complete(login, {SECRET: environment}, lambda _question: typed)

    def test_address(self) -> None:
        """The secret is the one in the address, if there is one."""
        self.assertEqual(self._login(Login("a", "1"), "2", "3"), Login("a", "1"))

    def test_environment(self) -> None:
        """Otherwise it is the one in the environment."""
        for secret in (None, ""):
            self.assertEqual(self._login(Login("a", secret), "2", "3"), Login("a", "2"))

    def test_prompt(self) -> None:
        """Otherwise it is asked for, if the address ends the name with a colon."""
        self.assertEqual(self._login(Login("a", ""), "", "3"), Login("a", "3"))

    def test_none(self) -> None:
        """Otherwise there is none, and nobody is asked."""
        self.assertEqual(self._login(Login("a", None), "", "3"), Login("a", None))


class CommandTests(SynchronousTestCase):
    """The command line."""

    def test_version(self) -> None:
        """C{--version} says which one this is."""
        result = CliRunner().invoke(main, ["--version"])
        self.assertEqual(result.output, f"achat, version {achat_twisted.__version__}\n")

    def test_module(self) -> None:
        """C{python -m achat_twisted} is the same command."""
        command = [sys.executable, "-m", "achat_twisted", "--version"]
        result = subprocess.run(command, check=False, capture_output=True, text=True)
        self.assertEqual(result.stdout, f"achat, version {achat_twisted.__version__}\n")

    def test_help(self) -> None:
        """Every command explains itself, by the short name of that option as well."""
        commands = [[], *([word] for word in main.list_commands(Context(main)))]
        commands += [["admin", word] for word in admin.list_commands(Context(admin))]
        for words in commands:
            short, long = (CliRunner().invoke(main, [*words, it]) for it in ("-h", "--help"))
            self.assertEqual((short.exit_code, short.output), (0, long.output), words)
            self.assertTrue(short.output.startswith("Usage: "), words)

    def test_wrong(self) -> None:
        """A command line that means nothing ends with a sentence on standard error, and with 2."""
        for arguments in WRONG:
            result = CliRunner().invoke(main, arguments)
            self.assertEqual(result.exit_code, 2, arguments)
            self.assertIn("\nError: ", result.output)

    def test_leaves_the_reactor_alone(self) -> None:
        """Importing the command leaves the choice of a reactor open."""
        code = "import sys, achat_twisted.cli; sys.exit('twisted.internet.reactor' in sys.modules)"
        self.assertEqual(subprocess.run([sys.executable, "-c", code], check=False).returncode, 0)
