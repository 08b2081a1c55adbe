"""Keys and certificates in PEM files, matched and checked.

Strategy: whatever the files are called, a key belongs to the certificate with its public half, and
a certificate is followed by its issuer's. So certbot's folder can be used as it is. A key without a
certificate is an error: the files may be half replaced.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)
from OpenSSL import SSL
from twisted.internet.ssl import CertificateOptions

_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----\n?", re.DOTALL)


def files_in(folder: Path) -> list[Path]:
    """The PEM files in a folder and its subfolders.

    @raise ValueError: if there are none.
    """
    found = sorted(file for file in folder.rglob("*.pem") if file.is_file())
    if not found:
        raise ValueError(f"no file *.pem can be seen in {folder}")
    return found


def context_of(files: Sequence[Path], **more: Any) -> SSL.Context:
    """A context that shows each client the certificate for the name that it asks for.

    Names can begin with C{*.}; a client that asks for an unknown name, or for none, gets the first
    certificate. If several are for the same name, it is the one that is valid for longest.

    @param more: further arguments for C{CertificateOptions}.
    @raise ValueError: if a key or certificate cannot be used, or there is none.
    @raise OSError: if a file cannot be read.
    """
    contexts: dict[str, SSL.Context] = {}

    def look_up(asked: bytes | None) -> SSL.Context | None:
        name = (asked or b"").decode("ascii", "replace").lower()
        return contexts.get(name) or contexts.get(f"*.{name.partition('.')[2]}")

    first = None
    for key, (leaf, *issuers) in _identities(files):
        options = CertificateOptions(
            key, leaf, extraCertChain=issuers, contextForServerName=look_up, **more
        )
        try:
            context: SSL.Context = options.getContext()
        except SSL.Error as error:
            reasons = "; ".join(reason for *_, reason in error.args[0])
            raise ValueError(f"key and certificate cannot be used: {reasons}") from None
        first = first or context
        for name in _names(leaf):
            contexts.setdefault(name.lower(), context)
    if first is None:
        raise ValueError(f"no private key is in {', '.join(map(str, files))}")
    return first


def _names(certificate: x509.Certificate) -> Sequence[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return ()
    found: Sequence[str] = names.value.get_values_for_type(x509.DNSName)
    return found


def _identities(files: Sequence[Path]) -> Sequence[tuple[Any, Sequence[Any]]]:
    """Each key in the files, with the certificates shown for it: its own, then the issuers'.

    The one that is valid for longest comes first. Twisted only passes them on, so they need not be
    of the types that it names.
    """
    keys: list[tuple[Path, Any]] = []
    certificates: list[x509.Certificate] = []
    for file in files:
        for kind, block in _blocks(file):
            try:
                if kind == "CERTIFICATE":
                    certificates.append(x509.load_pem_x509_certificate(block))
                elif kind.endswith("PRIVATE KEY"):
                    keys.append((file, load_pem_private_key(block, None)))
            except TypeError:
                raise ValueError(f"{file}: the private key has a password") from None
            except ValueError:
                raise ValueError(f"{file}: {kind.lower()} cannot be read") from None
    certificates.sort(key=attrgetter("not_valid_after_utc"), reverse=True)
    publics = {_public(key.public_key()) for _, key in keys}
    issuers = [one for one in certificates if _public(one.public_key()) not in publics]
    identities = []
    for file, key in keys:
        public = _public(key.public_key())
        leaf = next((one for one in certificates if _public(one.public_key()) == public), None)
        if leaf is None:
            raise ValueError(f"{file}: there is no certificate for the private key")
        identities.append((key, [leaf, *_above(leaf, issuers)]))
    identities.sort(key=lambda identity: identity[1][0].not_valid_after_utc, reverse=True)
    return identities


def _above(leaf: x509.Certificate, issuers: Sequence[x509.Certificate]) -> list[x509.Certificate]:
    """The certificates between this one and the root, which clients have themselves."""
    chain: list[x509.Certificate] = []
    while True:
        last = chain[-1] if chain else leaf
        found = [one for one in issuers if one.subject == last.issuer != one.issuer]
        if not found or found[0] in chain:
            return chain
        chain.append(found[0])


def _blocks(file: Path) -> Iterator[tuple[str, bytes]]:
    """The blocks of a PEM file, each with its kind."""
    text = file.read_bytes()
    blocks = list(_BLOCK.finditer(text))
    if len(blocks) != text.count(b"-----BEGIN "):
        raise ValueError(f"{file}: it is incomplete")
    return ((block[1].decode(), block[0]) for block in blocks)


def _public(key: Any) -> bytes:
    encoded: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return encoded
