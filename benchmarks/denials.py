"""What C{! denied} takes: for names that there are, and for names that nobody has.

C{python -m benchmarks.denials} starts a server of its own on loopback, with secrets that cost what
they do in earnest, and logs in with wrong ones, for a known and an unknown name in turns. Each
login comes from another address, so that none is delayed for the guesses of another one.
"""

from __future__ import annotations

import socket
import time
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

from argon2 import PasswordHasher

from benchmarks.server import resident, running
from tests import scratch

LOGINS = 300
"""How many of each are measured."""


def _denial(port: int, name: str, number: int) -> float:
    """Seconds from a login to its answer."""
    source = (f"127.1.{number // 250}.{number % 250 + 1}", 0)
    with socket.create_connection(("127.0.0.1", port), source_address=source) as client:
        start = time.perf_counter()
        client.sendall(f"{name}:wrong\n".encode())
        answer = client.recv(100)
        took = time.perf_counter() - start
    assert answer == b"! denied\n", answer
    return took


def main() -> None:
    """Measure both, and print what comes of it."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "passwords")
        path.write_text(f"alice:{PasswordHasher().hash('right')}\n")
        path.chmod(0o600)
        with running(scratch.TREE, "--auth", f"argon2:{path}") as server:
            took: dict[str, list[float]] = {"alice": [], "nobody": []}
            for number in range(LOGINS):
                for turn, name in enumerate(took):
                    took[name].append(_denial(server.address[1], name, 2 * number + turn))
            memory = resident(server)
    for name, seconds in took.items():
        tenths = [1000 * tenth for tenth in quantiles(seconds, n=10)]
        print(
            f"{name:6}  median {1000 * median(seconds):5.1f} ms,"
            f" from {tenths[0]:5.1f} to {tenths[-1]:5.1f} for eight of ten"
        )
    print(f"the server has {memory:.0f} MB")


if __name__ == "__main__":
    main()
