"""An authority that certifies the clients of tests; its certificates are good for an hour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from OpenSSL.crypto import X509


@dataclass(frozen=True)
class Identity:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def x509(self) -> X509:
        return X509.from_cryptography(self.certificate)

    def public(self) -> bytes:
        """The certificate, in PEM."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)


class Authority:
    """Certifies clients, servers, and other authorities."""

    def __init__(self, name: str = "an authority", above: Identity | None = None) -> None:
        self.identity = _issue(above, [name], is_authority=True)

    def below(self, name: str) -> Authority:
        """An authority that this one vouches for."""
        return Authority(name, self.identity)

    def client(self, *names: str, hours: float = 1.0) -> Identity:
        """A client's certificate, with these for common names."""
        return _issue(self.identity, names, ExtendedKeyUsageOID.CLIENT_AUTH, hours)

    def server(self, name: str) -> Identity:
        """A server's certificate."""
        return _issue(self.identity, [name], ExtendedKeyUsageOID.SERVER_AUTH)

    def anybody(self, name: str) -> Identity:
        """A certificate that does not say what it is for."""
        return _issue(self.identity, [name])


def _issue(
    issuer: Identity | None,
    names: Sequence[str],
    usage: x509.ObjectIdentifier | None = None,
    hours: float = 1.0,
    *,
    is_authority: bool = False,
) -> Identity:
    """@param issuer: who signs; itself, if there is none."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name) for name in names])
    end = datetime.now(UTC) + timedelta(hours=hours)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - timedelta(hours=2))
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
    )
    if usage is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    return Identity(builder.sign(issuer.key if issuer else key, hashes.SHA256()), key)
