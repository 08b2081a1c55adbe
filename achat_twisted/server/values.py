"""The values that options may have, each checked as it comes from the command line or a file."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path

from twisted.python import usage

from achat_twisted.broker.broker import Duplicate
from achat_twisted.tools.suggest import suggest

MEMORY = "memory"
"""The value of C{--mailbox} for a mailbox in memory."""

_LONGEST_SOCKET = 107
"""The most bytes that the path of a unix socket may have, see C{unix(7)}."""


def _wrong(option: str, what: str, text: str, advice: str = "") -> usage.UsageError:
    return usage.UsageError(f"--{option} must be {what}, not {text!r}{advice}")


def number(
    option: str, kind: type[int] | type[float], least: float, most: float, unit: str
) -> Callable[[str], float]:
    """A check for an option that must be a number.

    @param unit: in the plural; empty if it is a mere number.
    """
    what = f"{'a whole' if kind is int else 'a'} number{unit and f' of {unit}'}"

    def check(value: str) -> float:
        try:
            given = kind(value)
        except ValueError:
            given = math.nan
        if not least <= given <= most:
            raise _wrong(option, f"{what} from {least:g} to {most:.15g}", value)
        return given

    return check


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
