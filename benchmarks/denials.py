"""The time that C{! denied} takes: for names that there are, and for names that nobody has.

C{python -m benchmarks.denials} starts a server of its own on loopback, with secrets that cost what
they do in earnest, and logs in with wrong ones, and with none, for a known and an unknown name, in
any order. Each login comes from another address, so that none is delayed for another one's guesses.
"""

from __future__ import annotations

import socket
import time
from argparse import ArgumentParser
from pathlib import Path
from random import Random
from statistics import median, quantiles
from tempfile import TemporaryDirectory

from argon2 import PasswordHasher

from benchmarks.server import resident, running
from tests import scratch

LINES = ("alice:wrong", "nobody:wrong", "alice", "nobody")
"""The login lines: a known name and an unknown one, with a wrong secret and with none."""


def _denial(port: int, line: str, number: int) -> float:
    """Seconds from a login to its answer."""
    source = (f"127.1.{number // 250}.{number % 250 + 1}", 0)
    with socket.create_connection(("127.0.0.1", port), source_address=source) as client:
        start = time.perf_counter()
        client.sendall(f"{line}\n".encode())
        answer = client.recv(100)
        took = time.perf_counter() - start
    assert answer == b"! denied\n", answer
    return took


def main() -> None:
    """Measures all, and prints the results."""
    parser = ArgumentParser(description="What a denial takes.")
    parser.add_argument("--logins", type=int, default=300, help="how many of each are measured")
    logins = parser.parse_args().logins
    with TemporaryDirectory() as folder:
        path = Path(folder, "passwords")
        path.write_text(f"alice:{PasswordHasher().hash('right')}\n")
        path.chmod(0o600)
        with running(scratch.TREE, "--auth", f"argon2:{path}") as server:
            random = Random(0)
            took: dict[str, list[float]] = {line: [] for line in LINES}
            for number in range(logins):
                for turn, line in enumerate(random.sample(LINES, len(LINES))):
                    host = len(LINES) * number + turn
                    took[line].append(_denial(server.address[1], line, host))
            memory = resident(server)
    for line, seconds in took.items():
        tenths = [1000 * tenth for tenth in quantiles(seconds, n=10)]
        print(
            f"{line:12}  median {1000 * median(seconds):6.2f} ms,"
            f" from {tenths[0]:6.2f} to {tenths[-1]:6.2f} for eight of ten"
        )
    print(f"the server has {memory:.0f} MB")


if __name__ == "__main__":
    main()
