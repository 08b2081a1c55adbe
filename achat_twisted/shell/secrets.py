"""The secret of the user, who may be asked for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from getpass import getpass

from achat_twisted.client import address as addresses
from achat_twisted.client.address import SECRET, Address
from achat_twisted.tools.prompt import ask_secret


def complete(
    address: Address,
    environ: Mapping[str, str],
    secret_file: str | None = None,
    ask: Callable[[str], str] = getpass,
) -> Address:
    """The address with its secret, which need not be given where all the machine can see it.

    It is found as L{addresses.complete} tells. If it is not, and the address ends the name with a
    colon, the terminal is asked.

    @param ask: see L{ask_secret}.
    @raise AddressError: if the file cannot be read.
    """
    found = addresses.complete(address, environ, secret_file=secret_file)
    if found.secret is None and address.secret is not None:
        secret = ask_secret(address.name, f"put it into {SECRET}", ask=ask)
        return replace(found, secret=secret)
    return found
