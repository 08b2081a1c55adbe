"""Addresses: a name, perhaps a secret, and the server to log in to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

from achat_twisted import wire
from achat_twisted.client.errors import AddressError

PORT = 8080
"""The port of a server, unless the address names one."""

SECRET = "ACHAT_SECRET"
"""The environment variable that holds the secret, if nothing else does."""

_ADDRESS = re.compile(
    r"(?P<login>.*)@(\[(?P<ip>[0-9A-Fa-f:.]+(%[!-\\^-~]+)?)\]|(?P<host>[^]:[@\s]+))"
    r"(:(?P<port>[0-9]{1,5}))?",
    re.DOTALL,
)
_UNIX = re.compile(r"(?P<login>.*?)@unix:(?P<path>.+)", re.DOTALL)
_BARE_IPV6 = re.compile(r"[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*(%\S+)?")
_FORMS = "NAME@HOST, NAME@HOST:PORT or NAME@unix:PATH"


@dataclass(frozen=True, slots=True)
class Address:
    """A name and perhaps a secret, and the server to log in to.

    @ivar secret: None if there is none; empty if the address says C{NAME:@HOST}, by which it asks
        for one to be found elsewhere.
    @ivar host: a host name or an IP address, with its scope (RFC 4007, 11) if it has one; empty if
        C{path} is not.
    @ivar path: that of a unix socket.
    """

    name: str
    secret: str | None = field(repr=False)
    host: str = ""
    port: int = PORT
    path: str = ""

    @property
    def server(self) -> str:
        """The server, as the user would write it."""
        if self.path:
            return f"unix:{self.path}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def hostname(self) -> str:
        """The host as certificates name it: without a scope."""
        return self.host.partition("%")[0]


def parse_address(text: str) -> Address:
    """Parse C{NAME[:SECRET]@HOST[:PORT]} or C{NAME[:SECRET]@unix:PATH}.

    The name may hold an C{@}; IPv6 addresses have brackets, and perhaps a scope (RFC 4007, 11):
    C{ann@[fe80::1%eth0]:8080}. Of a path the first C{@unix:} is the beginning.

    @raise AddressError: if it is none of these; the secret is in no message.
    """
    if (match := _UNIX.fullmatch(text)) is not None:
        return _address(match["login"], path=match["path"])
    match = _ADDRESS.fullmatch(text)
    if match is None:
        host = text.rpartition("@")[2]
        if _BARE_IPV6.fullmatch(host):
            raise AddressError(f"an IPv6 address needs brackets: NAME@[{host}]")
        name, colon, _ = text.partition(":")  # what is behind it may be a secret
        raise AddressError(f"{name + (colon and ':…')!r} is not {_FORMS}")
    port = int(match["port"] or PORT)
    if not 0 < port < 65536:
        raise AddressError(f"the port must be from 1 to 65535, not {port}")
    return _address(match["login"], match["ip"] or _checked(match["host"]), port)


def _checked(host: str) -> str:
    """A host that can be looked up; any other would be a UnicodeError or ValueError by then."""
    with suppress(UnicodeError):
        if b"\0" not in host.encode("idna"):
            return host
    raise AddressError(f"{host!r} can be no name of a host")


def _address(login: str, host: str = "", port: int = PORT, path: str = "") -> Address:
    try:
        line = wire.decode_line(login.encode(errors="surrogateescape"), wire.MAX_LINE)
        parsed = wire.parse_login(line)
    except wire.WireError as error:
        raise AddressError(f"NAME will not do: {error.notice.detail}") from None
    return Address(parsed.name, parsed.secret, host, port, path)


def complete(
    address: Address,
    environ: Mapping[str, str],
    *,
    secret: str | None = None,
    secret_file: str | None = None,
) -> Address:
    """The address with its secret.

    @param secret: one that is given by itself; it comes before all others. Behind it come the
        address's own, that of the file, and that of the environment (C{ACHAT_SECRET}).
    @param secret_file: the path of a file whose first line is the secret.
    @raise AddressError: if that file cannot be read, or has no secret in its first line; or if the
        secret can be no part of a line.
    """
    found = secret or address.secret or None
    if found is None and secret_file is not None:
        found = _first_line(secret_file)
    if found is None:
        found = environ.get(SECRET) or None
    try:
        wire.decode_line((found or "").encode(errors="surrogateescape"), wire.MAX_LINE)
    except wire.WireError as error:
        raise AddressError(f"the secret can be no part of a line: {error.notice.detail}") from None
    return replace(address, secret=found)


def _first_line(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            line = file.readline().rstrip("\r\n")
    except OSError as error:
        raise AddressError(f"cannot read the secret in {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise AddressError(f"cannot read the secret in {path}: it is not UTF-8") from None
    if not line:
        raise AddressError(f"the secret in {path} is empty")
    return line
