"""C{achat passwd}: adds and changes the entries of a password file."""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkstemp

import click
from argon2 import PasswordHasher

from achat_twisted import wire
from achat_twisted.login import password_file as entries
from achat_twisted.tools.prompt import ask_secret

MODE = 0o600
"""The mode of a password file: nobody but its owner need see even the hashes."""


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("name")
def passwd(file: Path, name: str) -> None:
    """Give NAME a secret in FILE, for twistd achat --auth argon2:FILE.

    The secret is asked for twice; if standard input is not a terminal, it is its first line
    instead. FILE is created if it does not exist. A server that uses it need not be told.
    """
    name = name.strip()
    try:
        wire.check_name(name)
        secret = _ask_secret(name)
        hashed = PasswordHasher().hash(secret)
        is_new = _change(file.resolve(), name, hashed)
    except wire.WireError as error:
        raise click.ClickException(f"NAME will not do: {error.notice.detail}") from None
    except ValueError as error:
        raise click.ClickException(f"{file} is left as it was: {error}") from None
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}") from None
    click.echo(f"{name} {'was added' if is_new else 'has a new secret'}", err=True)


def _ask_secret(name: str) -> str:
    if sys.stdin is None:  # it was closed
        secret = ""
    elif sys.stdin.isatty():
        secret = ask_secret(name, "pipe the secret in", twice=True)
    else:
        secret = os.fsdecode(sys.stdin.buffer.readline().removesuffix(b"\n"))
    try:
        secret = wire.decode_line(os.fsencode(f"{name}:{secret}"), wire.MAX_LINE)[len(name) + 1 :]
    except wire.WireError as error:
        raise click.ClickException(f"the secret will not do: {error.notice.detail}") from None
    if not secret:
        raise click.ClickException("the secret must not be empty")
    return secret


def _change(path: Path, name: str, hashed: str) -> bool:
    """Write the entry; a reader sees the file as it was before or after, never a part of it.

    @return: true if there was none for C{name} before.
    @raise ValueError: if the file is not a password file.
    """
    with _alone_in(path.parent):
        text, owner = "", None
        with suppress(FileNotFoundError), open(path, encoding="utf-8") as file:
            text, owner = file.read(), os.fstat(file.fileno())
        is_new = name not in entries.parse(text).hashes
        descriptor, draft = mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with open(descriptor, "w", encoding="utf-8") as file:
                os.fchmod(descriptor, MODE)
                if owner is not None and (owner.st_uid, owner.st_gid) != (
                    os.geteuid(),
                    os.getegid(),
                ):
                    os.fchown(descriptor, owner.st_uid, owner.st_gid)
                file.write(entries.change(text, name, hashed))
                file.flush()
                os.fsync(descriptor)
            os.replace(draft, path)
        except BaseException:
            os.unlink(draft)
            raise
    return is_new


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Make others that do the same in C{folder} wait; and sync it to the disk at the end."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
