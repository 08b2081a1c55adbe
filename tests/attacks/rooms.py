"""Crowds in rooms, and names with devices."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import count

from tests.attacks.place import Place, hear

_JOINED = 100
"""The rooms that one name may be in."""

_ROOM = b"#all"
"""The room that all of a crowd are in."""

_TEXT = b"x" * 100


def million_rooms(place: Place) -> str:
    """Names that make rooms without end: each joins one that there is not, and leaves it."""
    clients = place.log_in_all()
    answers = dict.fromkeys((b"! joined", b"too many rooms"), 0)
    numbers = count()
    while place.is_time:
        for client in clients:
            words = b"".join(b"/join #%d\n/part #%d\n" % (n, n) for n in _next(numbers, 100))
            for answer, times in _ask(client, words).items():
                answers[answer] += times
        time.sleep(0.01)
    made, refused = answers.values()
    return f"{made:,} rooms were made; {refused:,} times there were too many"


def _next(numbers: count[int], some: int) -> list[int]:
    return [next(numbers) for _ in range(some)]


def _ask(client: socket.socket, words: bytes) -> dict[bytes, int]:
    """Say something, if it is taken; count what is heard meanwhile."""
    heard = b""
    with suppress(BlockingIOError, ConnectionError):
        client.send(words)
    with suppress(BlockingIOError, ConnectionError):
        heard = client.recv(2**20)
    return {answer: heard.count(answer) for answer in (b"! joined", b"too many rooms")}


def member_of_all(place: Place) -> str:
    """Names in as many rooms as one may be in, which come again and again, and hear them all."""
    _fill_rooms(place)
    logins = 0
    while place.is_time:
        for number in range(place.size):
            with suppress(OSError):
                client = place.connect(number)
                client.sendall(b"/rooms\nc%d\n" % number)
                logins += b"! joined" in hear(client, b"#%d " % (_JOINED - 1))
                client.sendall(b",".join(b"#%d" % room for room in range(_JOINED)) + b": x\n")
                client.close()
    return f"{logins} times a member of {_JOINED} rooms was told of them"


def _fill_rooms(place: Place) -> None:
    joins = b"".join(b"/join #%d\n" % room for room in range(_JOINED))
    for number in range(place.size):
        client = place.connect(number)
        client.sendall(b"c%d\n" % number + joins)
        hear(client, b"#%d " % (_JOINED - 1))
        client.close()


def joins_and_parts(place: Place) -> str:
    """Names that join a room and leave it without end, while others are in it."""
    clients = place.log_in_all()
    said = 0
    while place.is_time:
        for client in clients:
            with suppress(BlockingIOError, ConnectionError):
                said += client.send(b"/join #all\n/part #all\n" * 100)
            with suppress(BlockingIOError, ConnectionError):
                client.recv(65536)
        time.sleep(0.01)
    return f"{said // 22:,} joins and parts were sent"


def unread_room(place: Place) -> str:
    """Names in one room, none of which reads, and some of which say all they may."""
    clients = _join_all(place)
    said = 0
    while place.is_time:
        for client in clients[:4]:
            with suppress(BlockingIOError, ConnectionError):
                said += client.send(b"%b: %b\n" % (_ROOM, _TEXT) * 20)
        time.sleep(0.01)
    return f"{said // len(_TEXT):,} lines for {len(clients)} that do not read were sent"


def curious_members(place: Place) -> str:
    """Names in one room that ask who is in it, and what was said, without end, and read nothing."""
    return _look_at_room(place, reads=False)


def curious_readers(place: Place) -> str:
    """The same, and they read the answers."""
    return _look_at_room(place, reads=True)


def _look_at_room(place: Place, *, reads: bool) -> str:
    clients = _join_all(place)
    for client in clients[:4]:
        client.sendall(b"%b: %b\n" % (_ROOM, _TEXT) * 100)
    said = heard = 0
    while place.is_time:
        for client in clients:
            with suppress(BlockingIOError, ConnectionError):
                said += client.send(b"/who %b\n/log %b 500\n" % (_ROOM, _ROOM) * 10)
            with suppress(BlockingIOError, ConnectionError):
                heard += len(client.recv(2**20)) if reads else 0
        time.sleep(0.01)
    return f"{said // 12:,} questions were sent, {heard // 2**20} MiB of answers were read"


def _join_all(place: Place) -> list[socket.socket]:
    clients = place.log_in_all(receive_buffer=4096)
    for client in clients:
        client.send(b"/join %b\n" % _ROOM)
    return clients


def made_up_devices(place: Place) -> str:
    """Names in many rooms that come under a device that is new each time, and are gone: every
    other one before it is let in.
    """
    for number in range(place.size):
        client = place.connect(number)
        client.sendall(b"c%d\n" % number + b"".join(b"/join #%d\n" % n for n in range(100)))
        hear(client, b"#99 ")
        client.close()
    devices = 0
    for number in count():
        if not place.is_time:
            break
        with suppress(OSError):
            client = place.connect(number)
            client.sendall(b"/device %d\nc%d\n" % (number, number % place.size))
            if number % 2:
                devices += b"! resumed" in hear(client, b"! resumed")
            client.close()
    return f"{devices} devices of {place.size} names in 100 rooms each were let in"


def made_up_names(place: Place) -> str:
    """Names that are new each time, each with a device, and are gone."""
    names = 0
    while place.is_time:
        with suppress(OSError):
            client = place.connect(names)
            client.sendall(b"/device d\nguest %d\n" % names)
            names += b"! resumed" in hear(client, b"! resumed")
            client.close()
    return f"{names} names with a device were made up"


IN_ROOMS: tuple[Callable[[Place], str], ...] = (
    million_rooms,
    member_of_all,
    joins_and_parts,
    unread_room,
    curious_members,
    curious_readers,
    made_up_devices,
    made_up_names,
)
"""All crowds of this kind."""
