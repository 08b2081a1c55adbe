"""The checker of client certificates: C{--auth tls:PATH}.

Strategy: TLS only asks for a certificate, takes any, and makes sure that the client has its key.
Whether an authority vouches for it is checked here, at each login. So a client without one may
still use a secret, a refusal is a notice like any other, and the endpoints need to know nothing of
authorities, wherever they get the server's own certificates from.
"""

from __future__ import annotations

import re
from pathlib import Path

from cryptography.x509 import Certificate, ExtendedKeyUsage, ExtensionNotFound
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from OpenSSL.crypto import (
    FILETYPE_PEM,
    Error,
    X509Store,
    X509StoreContext,
    X509StoreContextError,
    load_certificate,
)
from twisted.internet.defer import Deferred, execute
from zope.interface import implementer

from achat_twisted.login.credentials import Denied, ICertificate, IOwnChecker, ShownCertificate
from achat_twisted.tools.interfaces import IWorker
from achat_twisted.tools.watched_file import WatchedFile

_PEM = re.compile(b"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)

_FOR_CLIENTS = (ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)


@implementer(IOwnChecker)
class CertificateChecker:
    """Lets in a client with a certificate for its name from one of the authorities in a file.

    The name is the common name of the certificate's subject.
    """

    credentialInterfaces = (ICertificate,)

    def __init__(self, path: Path) -> None:
        self._file = WatchedFile(path, _parse)

    def open(self, worker: IWorker) -> None:
        self._file.open()

    def knows(self, name: str) -> bool:
        """Always false: nobody can tell which names an authority may certify."""
        return False

    def requestAvatarId(self, credentials: ShownCertificate) -> Deferred[bytes | tuple[()]]:
        return execute(self._check, credentials)

    def _check(self, shown: ShownCertificate) -> bytes:
        try:
            X509StoreContext(
                self._file.content(), shown.certificate, shown.chain
            ).verify_certificate()
            certificate = shown.certificate.to_cryptography()
            usable, names = _is_for_clients(certificate), _common_names(certificate)
        except X509StoreContextError as error:
            raise Denied(f"its certificate is not valid: {error}") from None
        except ValueError as error:
            raise Denied(f"its certificate cannot be read: {error}") from None
        if not usable:
            raise Denied("its certificate is not for clients")
        if names != [shown.name]:
            raise Denied(f"its certificate is for {' and '.join(map(repr, names)) or 'nobody'}")
        return shown.name.encode()


def _is_for_clients(certificate: Certificate) -> bool:
    try:
        usage = certificate.extensions.get_extension_for_class(ExtendedKeyUsage).value
    except ExtensionNotFound:
        return True
    return any(purpose in usage for purpose in _FOR_CLIENTS)


def _common_names(certificate: Certificate) -> list[str | bytes]:
    return [a.value for a in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]


def _parse(data: bytes) -> X509Store:
    store = X509Store()
    found = _PEM.findall(data)
    if not found:
        raise ValueError("it holds no certificate in PEM")
    for number, pem in enumerate(found, 1):
        try:
            store.add_cert(load_certificate(FILETYPE_PEM, pem))
        except Error:
            raise ValueError(f"its certificate number {number} is damaged") from None
    return store
