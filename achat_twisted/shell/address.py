"""Addresses: a name, perhaps a secret, and the server to log in to."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from getpass import getpass
from ipaddress import IPv6Address

from achat_twisted import wire
from achat_twisted.tools.prompt import ask_secret

PORT = 8080
"""The port of a server, unless the address names one."""

SECRET = "ACHAT_SECRET"
"""The environment variable that holds the secret, if nothing else does."""

_ADDRESS = re.compile(
    r"(?P<login>.*)@(\[(?P<ip>[0-9A-Fa-f:.]+(%[!-\\^-~]+)?)\]|(?P<host>[^]:[@\s]+))"
    r"(:(?P<port>[0-9]{1,5}))?",
    re.DOTALL,
)


class AddressError(ValueError):
    """An address that leads nowhere, or a secret that cannot be read: in one sentence."""


@dataclass(frozen=True, slots=True)
class Address:
    """A name and perhaps a secret, and the server to log in to.

    @ivar secret: None if there is none; empty if the address says C{NAME:@HOST}, by which it asks
        for one to be found elsewhere.
    """

    name: str
    secret: str | None = field(repr=False)
    host: str
    port: int = PORT

    @property
    def server(self) -> str:
        """The server, as the user would write it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str) -> Address:
    """Parse NAME@HOST or NAME@HOST:PORT; the name may hold an @, and IPv6 addresses have brackets.

    Such an address may have a scope (RFC 4007, 11): C{fe80::1%eth0}.

    @raise AddressError: if it is neither; the secret is in no message.
    """
    match = _ADDRESS.fullmatch(text)
    if match is None:
        host = text.rpartition("@")[2]
        if _is_ipv6(host):
            raise AddressError(f"an IPv6 address needs brackets: NAME@[{host}]")
        raise AddressError(f"{without_secret(text)!r} is not NAME@HOST or NAME@HOST:PORT")
    port = int(match["port"] or PORT)
    if not 0 < port < 65536:
        raise AddressError(f"the port must be from 1 to 65535, not {port}")
    try:
        login = wire.parse_login(wire.decode_line(os.fsencode(match["login"]), wire.MAX_LINE))
    except wire.WireError as error:
        raise AddressError(f"NAME will not do: {error.notice.detail}") from None
    return Address(login.name, login.secret, match["ip"] or match["host"], port)


def without_secret(text: str) -> str:
    """The beginning of what may be an address, up to where a secret may stand."""
    name, colon, _ = text.partition(":")
    return name + (colon and ":…")


def complete(
    address: Address,
    environ: Mapping[str, str],
    secret_file: str | None = None,
    ask: Callable[[str], str] = getpass,
) -> Address:
    """The address with its secret, which need not be given where all the machine can see it.

    It is the address's own, or else the first line of the file, or in the environment; or it is
    asked for, if the address ends the name with a colon.

    @param ask: see L{ask_secret}.
    @raise AddressError: if the file cannot be read.
    """
    if address.secret:
        return address
    found = _first_line(secret_file) if secret_file is not None else environ.get(SECRET) or None
    if found is None and address.secret is not None:
        found = ask_secret(address.name, f"put it into {SECRET}", ask=ask)
    return replace(address, secret=found)


def _first_line(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            line = file.readline().removesuffix("\n")
    except OSError as error:
        raise AddressError(f"the secret in {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise AddressError(f"the secret in {path} cannot be read: it is not UTF-8") from None
    if not line:
        raise AddressError(f"the secret in {path} is empty")
    return line


def _is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except ValueError:
        return False
    return True
