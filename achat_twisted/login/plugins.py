"""The plugins for C{--auth}, as C{twisted.cred.strcred} finds them; they are cheap to import."""

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
    """Makes the checker for C{argon2:PATH}."""

    authType = "argon2"
    authHelp = """
A file of names and the hashes of their secrets, which "achat passwd PATH NAME"
creates and changes. It is read again when it has changed.
"""
    argStringFormat = "PATH of a file of lines NAME:$argon2id$..."
    credentialInterfaces = (IUsernamePassword,)

    def generateChecker(self, argstring: str) -> IOwnChecker:
        """@raise ValueError: if it names no file."""
        from achat_twisted.login.passwords import Argon2Checker

        return Argon2Checker(_path(self.authType, argstring))


@implementer(ICheckerFactory, IPlugin)
class TLSFactory:
    """Makes the checker for C{tls:PATH}."""

    authType = "tls"
    authHelp = """
A file of authorities' certificates (PEM). A client that connects by TLS with a
certificate from one of them may log in under its subject's common name.
"""
    argStringFormat = "PATH of a file of authorities' certificates."
    credentialInterfaces = (ICertificate,)

    def generateChecker(self, argstring: str) -> IOwnChecker:
        """@raise ValueError: if it names no file."""
        from achat_twisted.login.certificates import CertificateChecker

        return CertificateChecker(_path(self.authType, argstring))
