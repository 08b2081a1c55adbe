"""Addresses, and the secrets that go with them."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.shell.address import SECRET, Address, AddressError, complete, parse_address
from tests.disk import scratch_file

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


class AddressTests(SynchronousTestCase):
    """L{parse_address}."""

    def test_addresses(self) -> None:
        """Valid addresses, and their meaning."""
        for text, name, secret, host, port, server in ADDRESSES:
            address = parse_address(text)
            self.assertEqual(address, Address(name, secret, host, port), text)
            self.assertEqual(address.server, server)

    def test_no_addresses(self) -> None:
        """An invalid address gets a sentence that says why."""
        for text, why in NO_ADDRESSES:
            self.assertIn(why, str(self.assertRaises(AddressError, parse_address, text)))

    def test_secret(self) -> None:
        """The secret is in no message, and in no representation."""
        for text in ("ann:hush", "ann:hush@:1", "ann:hush@host:0", "!ann:hush@host"):
            self.assertNotIn("hush", str(self.assertRaises(AddressError, parse_address, text)))
        self.assertNotIn("hush", repr(parse_address("ann:hush@host")))


class SecretTests(SynchronousTestCase):
    """The sources of the secret."""

    def _secret(
        self, secret: str | None, *, environment: str = "", typed: str = "", file: str | None = None
    ) -> str | None:
        address = Address("a", secret, "host")
        return complete(address, {SECRET: environment}, file, lambda _question: typed).secret

    def _file(self, text: bytes) -> str:
        path = scratch_file(self)
        path.write_bytes(text)
        return str(path)

    def test_address(self) -> None:
        """The secret is the one in the address, if there is one."""
        file = self._file(b"4")
        self.assertEqual(self._secret("1", environment="2", typed="3", file=file), "1")

    def test_file(self) -> None:
        """Otherwise it is the first line of the file that the configuration names."""
        file = self._file(b" s3cr:et \nanother line")
        self.assertEqual(self._secret(None, environment="2", typed="3", file=file), " s3cr:et ")

    def test_no_file(self) -> None:
        """A file without a secret is an error, whatever is in the environment."""
        for text, why in ((b"", "is empty"), (b"\xff", "it is not UTF-8")):
            file = self._file(text)
            error = self.assertRaises(AddressError, self._secret, None, environment="2", file=file)
            self.assertIn(why, str(error))
        error = self.assertRaises(AddressError, self._secret, None, file="/no/such")
        self.assertEqual(
            str(error), "the secret in /no/such cannot be read: No such file or directory"
        )

    def test_environment(self) -> None:
        """Otherwise it is the one in the environment."""
        for secret in (None, ""):
            self.assertEqual(self._secret(secret, environment="2", typed="3"), "2")

    def test_prompt(self) -> None:
        """Otherwise it is asked for, if the address ends the name with a colon."""
        self.assertEqual(self._secret("", typed="3"), "3")

    def test_none(self) -> None:
        """Otherwise there is none, and nobody is asked."""
        self.assertEqual(self._secret(None, typed="3"), None)
