"""The checker of client certificates."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.cred.checkers import ICredentialsChecker
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from achat_twisted.login.certificates import CertificateChecker
from achat_twisted.login.credentials import Denied, ICertificate, ShownCertificate
from achat_twisted.login.passwords import InPlace
from achat_twisted.tools.errors import Unusable
from tests.clientele import Authority, Identity
from tests.disk import scratch_file


class CertificateTests(SynchronousTestCase):
    """L{CertificateChecker}."""

    def setUp(self) -> None:
        self.path = scratch_file(self)
        self.authority = Authority()
        self.path.write_bytes(b"A comment.\n" + self.authority.identity.public())
        self.checker = CertificateChecker(self.path)
        self.checker.open(InPlace())

    def lets_in(self, name: str, identity: Identity, chain: Sequence[Identity] = ()) -> None:
        shown = ShownCertificate(name, identity.x509, [link.x509 for link in chain])
        answer = self.checker.requestAvatarId(shown)
        self.assertEqual(self.successResultOf(answer), name.encode())

    def denies(self, name: str, identity: Identity, why: str) -> None:
        answer = self.checker.requestAvatarId(ShownCertificate(name, identity.x509, []))
        self.assertEqual(str(self.failureResultOf(answer, Denied).value), why)

    def test_contract(self) -> None:
        """It has the interface that C{twisted.cred} asks for."""
        verifyObject(ICredentialsChecker, self.checker)
        verifyObject(ICertificate, ShownCertificate("x", self.authority.identity.x509, []))
        self.assertFalse(self.checker.knows("alice"))

    def test_right(self) -> None:
        """A client whom the authority calls by that name is let in."""
        for identity in (self.authority.client("Zoë"), self.authority.anybody("Zoë")):
            self.lets_in("Zoë", identity)

    def test_chain(self) -> None:
        """A client is let in if an authority below the trusted one calls it by that name."""
        below = self.authority.below("another")
        self.lets_in("alice", below.client("alice"), [below.identity])
        self.denies(
            "alice",
            below.client("alice"),
            "its certificate is not valid: unable to get local issuer certificate",
        )

    def test_wrong(self) -> None:
        """A client without a good certificate is denied, with the reason for the log."""
        own, strange = self.authority, Authority("a stranger")
        for identity, why in [
            (own.client("bob"), "its certificate is for 'bob'"),
            (own.client("Alice"), "its certificate is for 'Alice'"),
            (own.client("alice", "bob"), "its certificate is for 'alice' and 'bob'"),
            (own.client("urn:alice\n"), r"its certificate is for 'urn:alice\n'"),
            (own.client(), "its certificate is for nobody"),
            (own.server("alice"), "its certificate is not for clients"),
            (
                own.client("alice", hours=-0.1),
                "its certificate is not valid: certificate has expired",
            ),
            (
                strange.client("alice"),
                "its certificate is not valid: unable to get local issuer certificate",
            ),
            (
                strange.identity,
                "its certificate is not valid: self-signed certificate",
            ),
        ]:
            self.denies("alice", identity, why)

    def test_no_authority_of_its_own(self) -> None:
        """A client's certificate makes no authority of the client."""
        alice = self.authority.client("alice")
        forged = Authority("x", alice).client("bob")
        shown = ShownCertificate("bob", forged.x509, [alice.x509])
        self.failureResultOf(self.checker.requestAvatarId(shown), Denied)

    def test_change(self) -> None:
        """Other authorities in the file count from the next login on."""
        other = Authority()
        self.path.write_bytes(other.identity.public() * 2)
        self.lets_in("alice", other.client("alice"))
        self.failureResultOf(
            self.checker.requestAvatarId(
                ShownCertificate("alice", self.authority.client("alice").x509, [])
            ),
            Denied,
        )

    def test_unusable(self) -> None:
        """A file that holds no authority is an error that says so."""
        pem = self.authority.identity.public()
        for data, why in [
            (b"", "it holds no certificate in PEM"),
            (pem + pem.replace(b"MII", b"XXX"), "its certificate number 2 is damaged"),
        ]:
            self.path.write_bytes(data)
            error = self.assertRaises(Unusable, self.checker.open, InPlace())
            self.assertEqual(str(error), f"{self.path} cannot be used: {why}")
