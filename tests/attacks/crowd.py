"""Hostile crowds: C{python -m tests.attacks.crowd WORD PORT} is one, by itself.

They have nothing but sockets, and no manners. Each ends by itself, and says in a sentence what it
has seen.
"""

from __future__ import annotations

import resource
import socket
import ssl
import struct
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from random import Random

from tests.attacks.masses import MASSES
from tests.attacks.place import Place, hear, say_slowly
from tests.attacks.rooms import IN_ROOMS

_RESET = struct.pack("ii", 1, 0)
"""The C{SO_LINGER} with which a close is a reset."""

_FLOOD = 2**20
"""Bytes that somebody who does not read is sent; by default all that is queued for a peer."""


def slow_logins(place: Place) -> str:
    """Names that come by a byte a second, and never end."""
    return say_slowly(place, place.connect_all(), b"x")


def connections(place: Place) -> str:
    """Connections that are reset as soon as they are there, one after the other."""
    done = 0
    while place.is_time:
        client = place.connect()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        client.close()
        done += 1
    return f"{done} connections"


def logins(place: Place) -> str:
    """New names without end, each of which logs in and is gone."""
    for number in count():
        if not place.is_time:
            break
        client = place.connect()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        with suppress(OSError):
            client.sendall(f"guest {number}\n".encode())
            hear(client, b"\n")
        client.close()
    return f"{number} logins"


def hoard(place: Place) -> str:
    """Silent connections that stay, more than the server may have descriptors."""
    clients = place.connect_all()
    place.stay()
    return f"{len(clients)} connections were made"


def deaf(place: Place) -> str:
    """Names that never read, and one who sends to each of them all that is queued for a peer."""
    stay = [place.log_in(f"deaf {number}") for number in range(place.size)]
    sender = place.log_in("shouting")
    text = b"x" * 8000
    for _ in range(2 * _FLOOD // len(text)):
        for number in range(place.size):
            if not place.is_time:
                break
            sender.sendall(b"deaf %d: %s\n" % (number, text))
    sender.sendall(b"/sync\n")
    heard = hear(sender, b"! synced")
    refused = heard.count(b"! full")
    place.stay()
    return f"{len(stay)} that never read were sent to; {refused} times the answer was: full"


def deaf_and_curious(place: Place) -> str:
    """Names that ask without end, and never read an answer."""
    clients = [place.log_in(f"curious {number}") for number in range(place.size)]
    said = 0
    for client in clients:
        client.setblocking(False)
    while place.is_time:
        for client in clients:
            with suppress(OSError):
                said += client.send(b"a\n" * 32768)
        time.sleep(0.1)
    return f"{place.size} that never read have sent {said // 2**10 // place.size} KiB each"


def oversized(place: Place) -> str:
    """Everything that has a bound, beyond its bound."""
    answers = []
    for what, said in {
        "a login of 1 MiB": b"x" * 2**20 + b"\n",
        "a login without end": b"x" * 2**26,
        "a name of 65 bytes": b"x" * 65 + b"\n",
        "a line of 64 MiB": b"big\nbig: " + b"x" * 2**26 + b"\n/quit\n",
        "100,000 recipients": b"big\n" + b"big," * 100_000 + b": x\n/quit\n",
        "2,000 times the same recipient": b"big\n" + b"big," * 2000 + b": hi\n/quit\n",
        "a line of commas": b"big\n" + b"," * 8000 + b": x\n/quit\n",
        "a million empty lines": b"big\n" + b"\n" * 10**6 + b"/quit\n",
        "a million secrets": b"big:" + b"s" * 10**6 + b"\n",
    }.items():
        client = place.connect()
        client.settimeout(60)
        answers.append(f"{what}: {_say_andhear(client, said)}")
        client.close()
    return "; ".join(answers)


def _say_andhear(client: socket.socket, said: bytes) -> str:
    """Says it all, however slowly it is taken, and returns the last line of the answer."""
    client.setblocking(False)
    heard = bytearray()
    at, until = 0, time.monotonic() + 60
    while time.monotonic() < until:
        with suppress(BlockingIOError):
            try:
                at += client.send(said[at : at + 65536])
            except (BrokenPipeError, ConnectionResetError):
                at = len(said)
        try:
            data = client.recv(65536)
        except BlockingIOError:
            time.sleep(0.001)
            continue
        except ConnectionResetError:
            break
        if not data:
            break
        heard += data
        del heard[:-4096]
    lines = heard.decode(errors="replace").splitlines()
    return " / ".join(lines[-2:]) or "nothing"


def garbage(place: Place) -> str:
    """Random bytes, before the login and after it."""
    rng = Random(0)
    done = 0
    while place.is_time:
        client = place.connect()
        with suppress(OSError):
            client.sendall(rng.choice([b"", b"noise\n", b"static\n"]) + rng.randbytes(5000))
            if rng.random() < 0.5:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            elif rng.random() < 0.5:
                client.shutdown(socket.SHUT_WR)
                client.settimeout(1)
                hear(client, b"! bye")
        client.close()
        done += 1
    return f"{done} connections full of noise"


def _client_hello() -> bytes:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    said = ssl.MemoryBIO()
    with suppress(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), said).do_handshake()
    return said.read()


def half_handshakes(place: Place) -> str:
    """The first half of a TLS handshake, and then nothing."""
    hello = _client_hello()
    clients = place.connect_all()
    for number, client in enumerate(clients):
        client.sendall(hello[: len(hello) // (number % 3 + 1)])
    return say_slowly(place, clients, b"")


def tls_garbage(place: Place) -> str:
    """Bytes that are not TLS, to a port that speaks nothing else."""
    hello, rng = _client_hello(), Random(0)
    done = 0
    while place.is_time:
        client = place.connect()
        with suppress(OSError):
            broken = bytearray(hello)
            broken[rng.randrange(len(broken))] ^= 1 << rng.randrange(8)
            client.sendall(rng.choice([b"alice\n", rng.randbytes(500), bytes(broken)]))
            client.settimeout(0.05)
            client.recv(65536)
        client.close()
        done += 1
    return f"{done} connections that spoke something else"


CROWDS: dict[str, Callable[[Place], str]] = {
    crowd.__name__.replace("_", "-"): crowd
    for crowd in (
        slow_logins,
        connections,
        logins,
        hoard,
        deaf,
        deaf_and_curious,
        oversized,
        garbage,
        half_handshakes,
        tls_garbage,
        *MASSES,
        *IN_ROOMS,
    )
}


def main(arguments: list[str]) -> None:
    parser = ArgumentParser(prog="python -m tests.attacks.crowd", description=__doc__)
    parser.add_argument("crowd", choices=CROWDS)
    parser.add_argument("port", type=int)
    parser.add_argument("--size", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--hosts", type=int, default=0)
    options = parser.parse_args(arguments)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    until = time.monotonic() + options.seconds
    place = Place(options.port, options.size, until, options.hosts)
    print(CROWDS[options.crowd](place), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
