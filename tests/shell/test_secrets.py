"""The secret that goes with an address, wherever it is found."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.client.address import SECRET, Address
from achat_twisted.client.errors import AddressError
from achat_twisted.shell.secrets import complete
from tests.disk import scratch_file


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
        """A file that cannot be read is an error, whatever is in the environment."""
        error = self.assertRaises(
            AddressError, self._secret, None, environment="2", file="/no/such"
        )
        self.assertEqual(
            str(error), "cannot read the secret in /no/such: No such file or directory"
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
