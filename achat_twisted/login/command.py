"""C{achat passwd}: adds, changes, removes and lists the entries of a password file."""

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
@click.argument("name", required=False)
@click.option("listed", "--list", is_flag=True, help="Print the names in FILE instead.")
@click.option("--remove", is_flag=True, help="Take NAME out of FILE instead.")
@click.pass_context
def passwd(
    context: click.Context, file: Path, name: str | None, listed: bool, remove: bool
) -> None:
    """Give NAME a secret in FILE, for twistd achat --auth argon2:FILE.

    The secret is asked for twice; if standard input is not a terminal, it is its first line
    instead. FILE is created if it does not exist. A server that uses it need not be told.

    A name that is removed is not let in any more; a session that it has goes on.
    """
    if listed == (name is not None) or (listed and remove):
        raise click.UsageError("give NAME, or --list without it", context)
    try:
        if name is None:
            _list(file)
        elif remove:
            _remove(file, name.strip())
        else:
            _set(file, name.strip())
    except ValueError as error:
        what = "cannot be used" if listed else "is left as it was"
        raise click.ClickException(f"{file} {what}: {error}") from None
    except OSError as error:
        what = "read" if listed else "written"
        raise click.ClickException(f"{file} cannot be {what}: {error.strerror}") from None


def _list(file: Path) -> None:
    for name in entries.parse(file.read_text(encoding="utf-8")).hashes:
        click.echo(name)


def _remove(file: Path, name: str) -> None:
    if not _change(file.resolve(strict=True), name, None):
        raise click.ClickException(f"{name} is not in {file}")
    click.echo(f"{name} was removed", err=True)


def _set(file: Path, name: str) -> None:
    try:
        wire.check_name(name)
    except wire.WireError as error:
        raise click.ClickException(f"NAME will not do: {error.notice.detail}") from None
    hashed = PasswordHasher().hash(_ask_secret(name))
    had_one = _change(file.resolve(), name, hashed)
    click.echo(f"{name} {'has a new secret' if had_one else 'was added'}", err=True)


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


def _change(path: Path, name: str, hashed: str | None) -> bool:
    """Write the entry; a reader sees the file as it was before or after, never a part of it.

    @param hashed: None to remove the entry.
    @return: true if there was one for C{name} before.
    @raise ValueError: if the file is not a password file.
    """
    with _alone_in(path.parent):
        text, owner = "", None
        with suppress(FileNotFoundError), open(path, encoding="utf-8") as file:
            text, owner = file.read(), os.fstat(file.fileno())
        had_one = name in entries.parse(text).hashes
        if hashed is None and not had_one:
            return False
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
    return had_one


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
