"""The values that options may have, each checked as it comes from the command line or a file."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from twisted.python import usage

from achat_twisted.broker.takeover import Duplicate
from achat_twisted.tools.quantities import Quantity
from achat_twisted.tools.suggest import suggest

MEMORY = "memory"
"""The value of C{--mailbox} for a mailbox in memory."""

_LONGEST_SOCKET = 107
"""The most bytes that the path of a unix socket may have, see C{unix(7)}."""


def _wrong(option: str, what: str, text: str, advice: str = "") -> usage.UsageError:
    return usage.UsageError(f"--{option} must be {what}, not {text!r}{advice}")


@dataclass(frozen=True, slots=True)
class Number:
    """A check for an option that must be a number.

    @ivar quantity: the kind of number, if it has a unit; then it may have a suffix.
    """

    option: str
    kind: type[int] | type[float]
    least: float
    most: float
    quantity: Quantity | None = None

    def __call__(self, text: str) -> float:
        try:
            given = self.quantity.parse(text) if self.quantity else self.kind(text)
        except ValueError:
            given = math.nan
        if not self.least <= given <= self.most:
            unit, example = "", ""
            if self.quantity:
                unit, example = f" of {self.quantity.unit}", f", or {self.quantity.example}"
            whole = "a whole" if self.kind is int else "a"
            bounds = f"from {self.least:g} to {self.most:.15g}"
            raise _wrong(self.option, f"{whole} number{unit} {bounds}{example}", text)
        return given

    def show(self, given: float) -> float | str:
        """A number as it would be written, with a suffix if that says the same."""
        return self.quantity.show(given) if self.quantity else given


def choice(option: str, *words: str) -> Callable[[str], str]:
    """A check for an option that must be one of a few words."""

    def check(text: str) -> str:
        if text not in words:
            what = " or ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
            raise _wrong(option, what, text, suggest(text, words))
        return text

    return check


def interface(text: str) -> str:
    """An IP address, of this machine or of all."""
    try:
        ip_address(text)
    except ValueError:
        raise _wrong("interface", "an IP address such as 127.0.0.1 or ::", text) from None
    return text


def duplicate(text: str) -> Duplicate:
    """The fate of a second login with a name."""
    return Duplicate(choice("duplicate", *Duplicate)(text))


def mailbox(text: str) -> Path | str:
    """The path of the mailbox's file, or L{MEMORY}."""
    kind, _, path = text.partition(":")
    if text == MEMORY:
        return MEMORY
    if kind == "sqlite" and path:
        return Path(path).absolute()
    raise _wrong("mailbox", "memory or sqlite:PATH", text)


def http(text: str) -> str:
    """An endpoint; a number is a port that only this machine can reach."""
    if not text.isdecimal():
        return text
    if int(text) > 65535:
        raise _wrong("http", "a port from 0 to 65535, or an endpoint", text)
    return f"tcp:{text}:interface=127.0.0.1"


def admin(text: str) -> Path:
    """The path of the socket for C{achat admin}."""
    path = Path(text).absolute()
    if not text or len(os.fsencode(path)) > _LONGEST_SOCKET:
        raise _wrong("admin", f"a path of at most {_LONGEST_SOCKET} bytes", text)
    return path
