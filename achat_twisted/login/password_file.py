"""The text of a password file: reading its lines, and changing one.

A line is C{NAME:$argon2id$…}, the hash in argon2's own format, which holds its parameters. Empty
lines are ignored, and so are those that begin with C{#}, as no name does.
"""

from __future__ import annotations

import re
import secrets
from base64 import b64encode
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from achat_twisted import wire

DEFAULT_COST = "m=65536,t=3,p=4"
"""The second recommended option of RFC 9106, and argon2-cffi's default: 64 MiB, three passes."""

_HASH = re.compile(r"\$argon2id\$v=19\$(m=\d{1,7},t=\d{1,5},p=\d{1,3})(\$[A-Za-z0-9+/]{11,}){2}")


class Malformed(ValueError):
    """A line that is not an entry: its number, and what would be right."""


@dataclass(frozen=True, slots=True)
class Entries:
    """All names that have a secret.

    @ivar hashes: the hash of each name's secret.
    @ivar dummy: a hash that no secret has, with the commonest parameters of the others, so that
        unknown names take as long.
    """

    hashes: Mapping[str, str]
    dummy: str


def parse(text: str) -> Entries:
    """Parse a password file.

    @raise Malformed: if a line is not an entry, or a name is there twice.
    """
    hashes: dict[str, str] = {}
    costs: Counter[str] = Counter()
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, _, hashed = line.strip().partition(":")
        name = name.strip()
        match = _HASH.fullmatch(hashed)
        if match is None:
            raise Malformed(f"line {number} is not NAME:$argon2id$v=19$m=…,t=…,p=…$SALT$HASH")
        try:
            wire.check_name(name)
        except wire.Refused as error:
            raise Malformed(f"line {number} has no good name: {error.notice.detail}") from None
        if name in hashes:
            raise Malformed(f"line {number} is a second one for {name}")
        hashes[name] = hashed
        costs[match[1]] += 1
    return Entries(hashes, _dummy(costs.most_common(1)[0][0] if costs else DEFAULT_COST))


def _dummy(cost: str) -> str:
    salt, digest = (b64encode(secrets.token_bytes(size)).decode().strip("=") for size in (16, 32))
    return f"$argon2id$v=19${cost}${salt}${digest}"


def change(text: str, name: str, hashed: str | None) -> str:
    """The text with that hash for C{name}, in place of any that it had; without any, if None."""
    entry = [] if hashed is None else [f"{name}:{hashed}"]
    lines = text.removesuffix("\n").split("\n") if text else []
    for number, line in enumerate(lines):
        if line.partition(":")[0].strip() == name:
            lines[number : number + 1] = entry
            break
    else:
        lines += entry
    return "".join(f"{line}\n" for line in lines)
