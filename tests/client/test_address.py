"""Addresses, and the secrets that belong to them."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.client.address import SECRET, Address, complete, parse_address
from achat_twisted.client.errors import AddressError

ADDRESSES = [
    ("ann@localhost", Address("ann", None, "localhost", 8080), "localhost:8080"),
    ("ann@10.0.0.1:65535", Address("ann", None, "10.0.0.1", 65535), "10.0.0.1:65535"),
    ("ann@[::1]:8081", Address("ann", None, "::1", 8081), "[::1]:8081"),
    ("ann@[::1]", Address("ann", None, "::1", 8080), "[::1]:8080"),
    ("ann@[fe80::1%eth0]:1", Address("ann", None, "fe80::1%eth0", 1), "[fe80::1%eth0]:1"),
    ("ann@work@host:1", Address("ann@work", None, "host", 1), "host:1"),
    ("Zoë von 東京@host", Address("Zoë von 東京", None, "host"), "host:8080"),
    ("ann:p@ss:word@host", Address("ann", "p@ss:word", "host"), "host:8080"),
    ("ann:@host", Address("ann", "", "host"), "host:8080"),
    ("ann@unix:/run/achat", Address("ann", None, path="/run/achat"), "unix:/run/achat"),
    ("ann:s@unix:a@unix:b", Address("ann", "s", path="a@unix:b"), "unix:a@unix:b"),
]

NO_ADDRESSES = [
    ("ann", "'ann' is not NAME@HOST"),
    ("ann@", "is not NAME@HOST"),
    ("ann@:8080", "is not NAME@HOST"),
    ("ann@unix:", "is not NAME@HOST, NAME@HOST:PORT or NAME@unix:PATH"),
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
    ("ann@a..b", "'a..b' can be no name of a host"),
    ("ann@.", "'.' can be no name of a host"),
    (f"ann@{64 * 'a'}.example", "can be no name of a host"),
    ("ann@a\udcff", "can be no name of a host"),
    ("ann@a\0b", "can be no name of a host"),
    ("@host", "NAME will not do: it is empty"),
    ("/ann@host", "NAME will not do: it begins with"),
    ("ann\n@host", "NAME will not do: control characters"),
    ("ann:\n@host", "NAME will not do: control characters"),
    ("ann\udcff@host", "NAME will not do: not UTF-8"),
]


class AddressTests(SynchronousTestCase):
    """A name, perhaps a secret, and a server."""

    def test_addresses(self) -> None:
        """Names may hold an @, IPv6 addresses have brackets, and a path may be anything."""
        for text, address, server in ADDRESSES:
            self.assertEqual(parse_address(text), address, text)
            self.assertEqual(address.server, server)

    def test_no_addresses(self) -> None:
        """Anything else is refused, with the reason."""
        for text, why in NO_ADDRESSES:
            error = self.assertRaises(AddressError, parse_address, text)
            self.assertIn(why, str(error), text)

    def test_hostname(self) -> None:
        """A certificate names a host without its scope."""
        self.assertEqual(parse_address("ann@[fe80::1%eth0]").hostname, "fe80::1")

    def test_unseen(self) -> None:
        """A secret is in no representation, and in no error."""
        self.assertNotIn("hush", repr(parse_address("ann:hush@host")))
        for text in ("ann:hush", "ann:hush@", "ann:hush@ho st", "ann:hush@host:0"):
            error = self.assertRaises(AddressError, parse_address, text)
            self.assertNotIn("hush", str(error), text)


class SecretTests(SynchronousTestCase):
    """The places in which a secret may be."""

    def setUp(self) -> None:
        folder = TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = str(Path(folder.name, "secret"))

    def secret(self, address: str = "ann@host", **more: str) -> str | None:
        return complete(parse_address(address), {SECRET: "environment"}, **more).secret

    def test_order(self) -> None:
        """An argument comes first, then the address, the file, and the environment."""
        Path(self.path).write_text("file\nmore\n")
        self.assertEqual(
            self.secret("ann:own@host", secret="argument", secret_file=self.path), "argument"
        )
        self.assertEqual(self.secret("ann:own@host", secret_file=self.path), "own")
        self.assertEqual(self.secret("ann:@host", secret_file=self.path), "file")
        self.assertEqual(self.secret(), "environment")
        self.assertIsNone(complete(parse_address("ann@host"), {}).secret)
        self.assertIsNone(complete(parse_address("ann@host"), {SECRET: ""}).secret)

    def test_file(self) -> None:
        """A file that cannot be read is named, and what is in it is not."""
        error = self.assertRaises(AddressError, self.secret, secret_file=self.path)
        self.assertEqual(
            str(error), f"cannot read the secret in {self.path}: No such file or directory"
        )
        Path(self.path).write_bytes(b"\xff\n")
        error = self.assertRaises(AddressError, self.secret, secret_file=self.path)
        self.assertEqual(str(error), f"cannot read the secret in {self.path}: it is not UTF-8")
        Path(self.path).write_bytes(b"\nhush\n")
        error = self.assertRaises(AddressError, self.secret, secret_file=self.path)
        self.assertEqual(str(error), f"the secret in {self.path} is empty")

    def test_unusable(self) -> None:
        """A secret that can be no part of a line is refused, and not repeated."""
        error = self.assertRaises(AddressError, self.secret, secret="hush\nquiet")
        self.assertEqual(str(error), "the secret can be no part of a line: control characters")
