"""The things that a program gives for a chat, made into those that a chat needs."""

from __future__ import annotations

import os
from collections.abc import Mapping

from achat_twisted.client.address import Address, complete, parse_address
from achat_twisted.client.state import MemoryState, State


def find_address(
    address: str | Address,
    environ: Mapping[str, str],
    secret: str | None,
    secret_file: str | None,
) -> Address:
    """The address with its secret, see L{complete}.

    @raise AddressError: if the address is none, or the secret cannot be read.
    """
    parsed = parse_address(address) if isinstance(address, str) else address
    return complete(parsed, environ, secret=secret, secret_file=secret_file)


def open_state(state: str | os.PathLike[str] | State | None) -> State:
    """A state as one asks for it: the path of a file, the state itself, or none but in memory.

    @raise StateError: if the file cannot be opened.
    @raise StateInUse: if another program has it open.
    """
    if state is None:
        return MemoryState()
    if isinstance(state, str | os.PathLike):
        from achat_twisted.client.state_file import StateFile  # and with it sqlite3

        return StateFile(state)
    return state
