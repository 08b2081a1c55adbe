"""The operator's end of the socket: a request, and the server's answer."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import click

from achat_twisted.operator import protocol
from achat_twisted.operator.protocol import Facts

TIMEOUT = 30.0
"""The seconds that a server may be silent, besides those that it was told to wait."""


def ask(path: Path, word: str, argument: str = "", timeout: float = TIMEOUT) -> Iterator[Facts]:
    """Ask the server for an action.

    @return: the facts of its answer, as they come.
    @raise click.ClickException: if it is not done, or there is no answer.
    """
    request = os.fsencode(str(protocol.Request(word, argument)))
    try:
        protocol.parse_request(request)
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(timeout)
            connection.connect(os.fspath(path))
            connection.sendall(request + b"\n")
            for line in connection.makefile("rb"):
                facts = protocol.parse_answer(line)
                if facts is None:
                    return
                yield facts
    except protocol.NotDone as refusal:
        raise click.ClickException(str(refusal)) from None
    except TimeoutError:
        raise click.ClickException(f"the server at {path} does not answer") from None
    except FileNotFoundError:
        raise click.ClickException(
            f"there is no server: {path} does not exist; give --socket PATH"
        ) from None
    except ConnectionRefusedError:
        raise click.ClickException(f"there is no server at {path} any more") from None
    except PermissionError:
        raise click.ClickException(f"{path} is only for the server's user and root") from None
    except (OSError, ValueError) as error:
        raise click.ClickException(f"{path} cannot be used: {error}") from None
    raise click.ClickException(f"the server at {path} went away before it answered")
