"""A folder of certificates: its pairs, the one that a client gets, and bad files."""

from __future__ import annotations

import contextlib
from pathlib import Path
from tempfile import TemporaryDirectory

from OpenSSL import SSL
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.net import tls
from achat_twisted.net.pem import context_of, files_in
from tests.authority import Identity


def shown(context: SSL.Context, host: str | None = None) -> list[str]:
    """The subjects of the chain that a client sees when it asks for a host."""
    server = SSL.Connection(context)
    server.set_accept_state()
    client = SSL.Connection(SSL.Context(SSL.TLS_CLIENT_METHOD))
    client.set_connect_state()
    if host is not None:
        client.set_tlsext_host_name(host.encode())
    for _ in range(4):
        for one, other in ((client, server), (server, client)):
            with contextlib.suppress(SSL.WantReadError):
                one.do_handshake()
            with contextlib.suppress(SSL.WantReadError):
                other.bio_write(one.bio_read(2**16))
    chain = client.get_peer_cert_chain(as_cryptography=True) or []
    return [one.subject.rfc4514_string().removeprefix("CN=") for one in chain]


class FolderTestCase(SynchronousTestCase):
    """A test with a folder."""

    def setUp(self) -> None:
        self.folder = Path(self.enterContext(TemporaryDirectory()))

    def write(self, file: str, *parts: bytes) -> None:
        path = self.folder / file
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"".join(parts))


class ContextTests(FolderTestCase):
    """L{context_of}, and L{files_in}."""

    def _context(self) -> SSL.Context:
        return context_of(files_in(self.folder))

    def test_one_file(self) -> None:
        """A certificate in one file with its key is shown to every client."""
        one = Identity("one", "one.example")
        self.write("one.pem", one.key_pem(), one.certificate_pem)
        for host in ("one.example", "other.example", None):
            self.assertEqual(shown(self._context(), host), ["one"])

    def test_certbot(self) -> None:
        """A folder that certbot keeps is used as it is; the root, which clients have, stays out."""
        root = Identity("root")
        middle = Identity("middle", issuer=root)
        leaf = Identity("leaf", "chat.example", issuer=middle)
        self.write("archive/fullchain1", leaf.certificate_pem, middle.certificate_pem)
        self.write("archive/privkey1", leaf.key_pem())
        for name in ("fullchain", "privkey"):
            (self.folder / f"{name}.pem").symlink_to(self.folder / "archive" / f"{name}1")
        self.write("cert.pem", leaf.certificate_pem)
        self.write("chain.pem", middle.certificate_pem, root.certificate_pem)
        self.assertEqual(shown(self._context()), ["leaf", "middle"])

    def test_host_names(self) -> None:
        """The certificate is for the name that is asked for, also in a folder's folders."""
        for name, host in (("a", "a.example"), ("b", "*.b.example"), ("c", "C.example")):
            one = Identity(name, host)
            self.write(f"{name}/both.pem", one.key_pem(), one.certificate_pem)
        context = self._context()
        for host, name in (("a.example", "a"), ("x.b.example", "b"), ("c.EXAMPLE", "c")):
            self.assertEqual(shown(context, host), [name])

    def test_good_for_longest(self) -> None:
        """Of two certificates for a key, or for a name, the one that is valid longest is shown."""
        old = Identity("old", "a.example")
        new = Identity("new", "a.example", key=old.key, days=3)
        other = Identity("other", "a.example", days=2)
        self.write("1.pem", other.key_pem(), other.certificate_pem)
        self.write("2.pem", old.key_pem(), old.certificate_pem, new.certificate_pem)
        self.assertEqual(shown(self._context(), "a.example"), ["new"])

    def test_circle(self) -> None:
        """Certificates that have issued each other do not hold the server up."""
        one = Identity("one")
        other = Identity("other", issuer=one)
        one = Identity("one", issuer=other, key=one.key)
        leaf = Identity("leaf", "a.example", issuer=one)
        self.write("a.pem", leaf.key_pem(), *(x.certificate_pem for x in (leaf, one, other)))
        self.assertEqual(shown(self._context()), ["leaf", "one", "other"])

    def test_will_not_do(self) -> None:
        """A file that cannot be used is refused, by name and with what is wrong with it."""
        one, other = Identity("one", "a.example"), Identity("other", "b.example")
        both = one.key_pem() + one.certificate_pem
        garbage = b"-----BEGIN CERTIFICATE-----\nbm8=\n-----END CERTIFICATE-----\n"
        for parts, why in (
            ([both[:-40]], "a.pem: it is incomplete"),
            ([one.key_pem(), other.certificate_pem], "a.pem: there is no certificate for the"),
            ([one.certificate_pem], f"no private key is in {self.folder}/a.pem"),
            (
                [one.key_pem(b"secret"), one.certificate_pem],
                "a.pem: the private key has a password",
            ),
            ([one.key_pem(), garbage], "a.pem: certificate cannot be read"),
            ([b"nothing"], f"no private key is in {self.folder}/a.pem"),
        ):
            self.write("a.pem", *parts)
            error = self.assertRaises(ValueError, self._context)
            self.assertIn(why, str(error))

    def test_nothing_there(self) -> None:
        """A folder without certificates is said to have none."""
        error = self.assertRaises(ValueError, self._context)
        self.assertEqual(str(error), f"no file *.pem can be seen in {self.folder}")


class CertificatesTests(FolderTestCase):
    """L{tls.Certificates}, of both kinds of endpoint."""

    def _described(self) -> list[str]:
        pem = self.folder / "a.pem"
        return [f"tls:{self.folder}:0", f"ssl:0:privateKey={pem}:certKey={pem}"]

    def _certificates(self, description: str) -> tls.Certificates:
        _, certificates = tls.listening(None, description)
        return certificates

    def test_reload(self) -> None:
        """New certificates are shown from the moment they are put in place, not before."""
        for description in self._described():
            old, new = Identity("old", "a.example"), Identity("new", "a.example")
            self.write("a.pem", old.key_pem(), old.certificate_pem)
            certificates = self._certificates(description)
            self.write("a.pem", new.key_pem(), new.certificate_pem)
            put = certificates.reload({})
            self.assertEqual(self._shown(certificates), ["old"])
            put()
            self.assertEqual(self._shown(certificates), ["new"])

    def test_broken_reload(self) -> None:
        """A broken directory is refused in one sentence that names the endpoint."""
        old, other = Identity("old", "a.example"), Identity("other", "a.example")
        for description in self._described():
            for parts in (b"", b"-----BEGIN", old.key_pem() + other.certificate_pem):
                self.write("a.pem", old.key_pem(), old.certificate_pem)
                certificates = self._certificates(description)
                self.write("a.pem", parts)
                error = self.assertRaises(ValueError, certificates.reload, {})
                self.assertTrue(str(error).startswith(f"{description}: "), error)
                self.assertNotIn("\n", str(error))
                self.assertEqual(self._shown(certificates), ["old"])
            (self.folder / "a.pem").unlink()
            self.assertRaises(ValueError, certificates.reload, {})

    def _shown(self, certificates: tls.Certificates) -> list[str]:
        return shown(certificates.serverConnectionForTLS(None).get_context())
