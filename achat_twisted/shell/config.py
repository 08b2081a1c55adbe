"""The user's configuration: C{config.toml}, which says how to reach servers.

At the top stand C{address}, where to if nobody says so (an address, or the name of a server), and
C{ca}, the authorities to believe. A table C{[servers.NAME]} has all about one server: C{address},
and perhaps C{tls}, C{ca}, C{cert}, C{key} and C{secret-file}. Secrets and certificates stand only
there, so that they go to no other server.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from achat_twisted.client.address import Address, parse_address
from achat_twisted.client.errors import AddressError

ADDRESS = "ACHAT_ADDRESS"
"""The environment variable that says where to, if no argument does."""

_KINDS = {bool: "true or false", str: "a string", dict: "a table"}

_TOP: dict[str, type] = {"address": str, "ca": str, "servers": dict}

_OF_SERVER: dict[str, type] = {
    "address": str,
    "tls": bool,
    "ca": str,
    "cert": str,
    "key": str,
    "secret-file": str,
}

_IMPLY_TLS = ("ca", "cert", "key")


class ConfigError(ValueError):
    """A mistake in the configuration, or a server that it does not have: one sentence."""


@dataclass(frozen=True, slots=True)
class Server:
    """All that it takes to reach a server, and to be let in.

    @ivar tls: true if it speaks TLS.
    @ivar ca: the path of the authorities to believe (PEM); None for the system's.
    @ivar cert: the path of the client's certificate (PEM).
    @ivar key: the path of its key, if that is not in the same file.
    @ivar secret_file: the path of a file whose first line is the secret.
    """

    address: Address
    tls: bool = False
    ca: str | None = None
    cert: str | None = None
    key: str | None = None
    secret_file: str | None = None


@dataclass(frozen=True, slots=True)
class Config:
    """The content of the file.

    @ivar path: its path, whether or not it is there.
    @ivar address: where to, if nobody says so: an address, or the name of a server.
    @ivar ca: the authorities to believe, unless a server has its own.
    @ivar servers: the servers by their names, which hold no C{@}.
    """

    path: Path
    address: str = ""
    ca: str | None = None
    servers: Mapping[str, Server] = field(default_factory=dict)

    def find(self, said: str | None, environ: Mapping[str, str]) -> Server:
        """The server that is meant: by C{said}, or else the environment, or else the file.

        @param said: an address, or the name of a server; empty or None if nothing was said.
        @raise ConfigError: if it leads nowhere.
        """
        for source, word in (
            ("", said),
            (f"{ADDRESS}: ", environ.get(ADDRESS)),
            (f"{self.path}: address: ", self.address),
        ):
            if word:
                try:
                    return self._find(word)
                except (AddressError, ConfigError) as error:
                    raise ConfigError(f"{source}{error}") from None
        raise ConfigError(
            f"it is not said where to: give NAME@HOST, or set {ADDRESS}, or write an address into"
            f" {self.path}"
        )

    def _find(self, word: str) -> Server:
        if "@" in word:
            return Server(parse_address(word), ca=self.ca)
        if word in self.servers:
            return self.servers[word]
        name, colon, _ = word.partition(":")  # behind which a secret may stand
        raise ConfigError(
            f"{name + (colon and ':…')!r} is neither NAME@HOST nor a server in {self.path}"
            f"{_suggest(word, self.servers)}"
        )


def place(environ: Mapping[str, str]) -> Path:
    """The path of the file, by the XDG Base Directory Specification (0.8)."""
    folder = environ.get("XDG_CONFIG_HOME", "")
    home = folder if os.path.isabs(folder) else os.path.expanduser("~/.config")
    return Path(home, "achat", "config.toml")


def read(environ: Mapping[str, str]) -> Config:
    """The user's configuration; an empty one, if there is no file.

    @raise ConfigError: if it cannot be read, or has a mistake.
    """
    path = place(environ)
    try:
        with path.open("rb") as file:
            content = tomllib.load(file)
    except (FileNotFoundError, NotADirectoryError):
        return Config(path)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8") from None
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is not TOML: {error}") from None
    try:
        return _parse(path, content)
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from None


def _parse(path: Path, content: dict[str, Any]) -> Config:
    _check(content, _TOP, "")
    ca = _file(path, content, "ca")
    servers = {
        name: _server(path, name, table, ca) for name, table in content.get("servers", {}).items()
    }
    return Config(path, content.get("address", ""), ca, servers)


def _server(path: Path, name: str, table: Any, ca: str | None) -> Server:
    where = f"servers.{name}"
    if "@" in name or not name:
        raise ValueError(f"{where}: the name of a server must not be empty, nor hold an @")
    if not isinstance(table, dict):
        raise ValueError(f"{where} must be a table")
    _check(table, _OF_SERVER, f"{where}.")
    if "address" not in table:
        raise ValueError(f"{where}.address is missing")
    implied = [key for key in _IMPLY_TLS if key in table]
    tls = table.get("tls", bool(implied))
    if implied and not tls:
        raise ValueError(f"{where}.{implied[0]} is of no use with tls = false")
    if "key" in table and "cert" not in table:
        raise ValueError(f"{where}.key is of no use without {where}.cert")
    try:
        address = parse_address(table["address"])
    except AddressError as error:
        raise ValueError(f"{where}.address: {error}") from None
    cert, key, secret = (_file(path, table, each) for each in ("cert", "key", "secret-file"))
    return Server(address, tls, _file(path, table, "ca") or ca, cert, key, secret)


def _check(table: dict[str, Any], known: Mapping[str, type], where: str) -> None:
    for key, value in table.items():
        if key not in known:
            raise ValueError(f"{where}{key} is not a setting{_suggest(key, known)}")
        if not isinstance(value, known[key]):
            raise ValueError(f"{where}{key} must be {_KINDS[known[key]]}")


def _file(path: Path, table: dict[str, Any], key: str) -> str | None:
    """A path in the file: relative to the folder of that, C{~} being the user's home."""
    return os.path.join(path.parent, os.path.expanduser(table[key])) if table.get(key) else None


def _suggest(word: str, known: Mapping[str, Any]) -> str:
    from achat_twisted.tools.suggest import suggest  # which takes a moment, and is for mistakes

    return suggest(word, [*known])
