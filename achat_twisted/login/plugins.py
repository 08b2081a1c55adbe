"""What C{--auth} may name, as C{twisted.cred.strcred} finds it: its plugins, without their work."""

from __future__ import annotations

from pathlib import Path

from twisted.cred.credentials import IUsernamePassword
from twisted.cred.strcred import ICheckerFactory
from twisted.plugin import IPlugin
from zope.interface import implementer

from achat_twisted.login.credentials import ICertificate, IOwnChecker


def _path(kind: str, text: str) -> Path:
    if not text:
        raise ValueError(f"it must name a file: {kind}:PATH")
    return Path(text).absolute()


@implementer(ICheckerFactory, IPlugin)
class Argon2Factory:
    """Makes what C{argon2:PATH} is."""

    authType = "argon2"
    authHelp = """
A file of names and their secrets' hashes, which "achat passwd PATH NAME" makes
and changes. It is read again when it has changed.
"""
    argStringFormat = "PATH of a file of lines NAME:$argon2id$..."
    credentialInterfaces = (IUsernamePassword,)

    def generateChecker(self, argstring: str) -> IOwnChecker:
        """@raise ValueError: if it names no file."""
        from achat_twisted.login.passwords import Argon2Checker

        return Argon2Checker(_path(self.authType, argstring))


@implementer(ICheckerFactory, IPlugin)
class TLSFactory:
    """Makes what C{tls:PATH} is."""

    authType = "tls"
    authHelp = """
A file of certificates (PEM) of authorities. Who has a certificate from one of
them, and connects by TLS, may log in under its subject's common name.
"""
    argStringFormat = "PATH of a file of authorities' certificates."
    credentialInterfaces = (ICertificate,)

    def generateChecker(self, argstring: str) -> IOwnChecker:
        """@raise ValueError: if it names no file."""
        from achat_twisted.login.certificates import CertificateChecker

        return CertificateChecker(_path(self.authType, argstring))
