"""Password files for tests, with hashes that cost next to nothing."""

from __future__ import annotations

from argon2 import PasswordHasher

HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def password_file(**secrets: str) -> str:
    """The text of a password file."""
    return "".join(f"{name}:{HASHER.hash(secret)}\n" for name, secret in secrets.items())
