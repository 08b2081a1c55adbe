"""TLS: the certificates of a port, which can be replaced while it is open.

Strategy: a port asks L{Certificates} for each new connection, and those have a context ready that
was made, and so checked, as a whole. A new one changes nothing for connections that are open.
Twisted's own C{tls:} and C{ssl:} endpoints read their files only once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from OpenSSL import SSL
from twisted.internet.endpoints import TCP4ServerEndpoint, TCP6ServerEndpoint, wrapServerTLS
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator, IStreamServerEndpoint
from twisted.internet.ssl import DiffieHellmanParameters
from twisted.python.filepath import FilePath
from zope.interface import implementer

from achat_twisted.net.pem import context_of, files_in
from achat_twisted.tools.interfaces import IReloadable

_FIELD = re.compile(r"(?:((?:\\.|[^:=\\])+)=)?((?:\\.|[^:\\])+)")
"""A field of an endpoint string, in which a backslash escapes the next character."""

_Described = tuple[IStreamServerEndpoint, Path | Sequence[Path], dict[str, Any]]
"""An endpoint, the source of its certificates, and further arguments for them."""


@implementer(IOpenSSLServerConnectionCreator, IReloadable)
class Certificates:
    """The certificates that a port shows: to each client those in force when it connects."""

    def __init__(self, description: str, source: Path | Sequence[Path], **more: Any) -> None:
        """@param description: the endpoint in words that the user knows.
        @param source: the PEM files, or their folder; read now, and for each reload.
        @param more: further arguments for C{CertificateOptions}.
        @raise ValueError: if they cannot be used.
        @raise OSError: if they cannot be read.
        """
        self._description = description
        self._source = source
        self._more = more
        self._context = self._read()

    def serverConnectionForTLS(self, protocol: object) -> SSL.Connection:
        return SSL.Connection(self._context)

    def reload(self, options: Mapping[str, Any]) -> Callable[[], None]:
        try:
            context = self._read()
        except (ValueError, OSError) as error:
            raise ValueError(f"{self._description}: {error}") from None
        return partial(self._show, context)

    def _read(self) -> SSL.Context:
        source = self._source
        return context_of(files_in(source) if isinstance(source, Path) else source, **self._more)

    def _show(self, context: SSL.Context) -> None:
        self._context = context


def is_tls(description: str) -> bool:
    """Tell if it describes an endpoint with certificates."""
    return description.startswith(("tls:", "ssl:"))


def listening(reactor: Any, description: str) -> tuple[IStreamServerEndpoint, Certificates]:
    """The endpoint that a C{tls:} or C{ssl:} string describes, and its certificates.

    The arguments are those of Twisted's own.

    @raise TypeError: if an argument is missing, unknown or given twice.
    @raise ValueError: if an argument or a certificate is wrong.
    @raise OSError: if a file cannot be read.
    """
    kind, _, rest = description.partition(":")
    arguments, named = _arguments(rest)
    read = _folder if kind == "tls" else _files
    endpoint, source, more = read(reactor, *arguments, **named)
    certificates = Certificates(description, source, **more)
    return wrapServerTLS(certificates, endpoint, reactor), certificates


def _arguments(text: str) -> tuple[list[str], dict[str, str]]:
    """The fields of an endpoint string: separated by colons, some of them with a name."""
    arguments, named = [], {}
    for field in _FIELD.finditer(text):
        name, value = (re.sub(r"\\(.)", r"\1", part or "") for part in field.groups())
        if name:
            named[name] = value
        else:
            arguments.append(value)
    return arguments, named


def _folder(
    reactor: Any, path: str, port: str = "443", backlog: str = "50", interface: str = "::"
) -> _Described:
    endpoint = TCP6ServerEndpoint(reactor, int(port), int(backlog), interface)
    return endpoint, Path(path).absolute(), {}


def _files(
    reactor: Any,
    port: str,
    privateKey: str = "server.pem",
    certKey: str = "",
    sslmethod: str = "",
    interface: str = "",
    backlog: str = "50",
    extraCertChain: str = "",
    dhParameters: str = "",
) -> _Described:
    names = filter(None, dict.fromkeys([privateKey, certKey, extraCertChain]))
    files = [Path(name).absolute() for name in names]
    more: dict[str, Any] = {}
    if sslmethod:
        more["method"] = getattr(SSL, sslmethod)
    if dhParameters:
        more["dhParameters"] = DiffieHellmanParameters.fromFile(FilePath(dhParameters))
    endpoint = TCP4ServerEndpoint(reactor, int(port), int(backlog), interface)
    return endpoint, files, more
